"""Tests of the audit: planted shortcuts are named, and nothing else is."""

import json

import pytest

from hmhn_jax.evaluation.audit.audit import FALSE_ALARMS, NOTHING

NUM_SEEDS = 20


@pytest.mark.parametrize(
    ("plant", "line"),
    [
        ("brightness", "predictions follow brightness, r = 0."),
        ("clip length", "predictions follow clip length, r = 0."),
        ("face size", "predictions follow face size, r = 0."),
        ("watermark", "the border without the face predicts the score, r = 0."),
        ("person", "features know the person"),
        ("colour", "predictions need colour: without it r falls by 0."),
    ],
)
def test_a_planted_shortcut_is_named(world, plant, line):
    result = world(0, plant).audit()
    assert any(each.startswith(line) for each in result["found"]), result["found"]
    assert line in result["verdict"]
    json.dumps(result, allow_nan=False)


def test_without_a_plant_there_are_as_few_alarms_as_stated(world):
    results = [world(seed).audit() for seed in range(NUM_SEEDS)]
    alarms = [each["found"] for each in results if each["found"]]
    # 5 % of 20 is one; more than three are had by chance in 1.6 % of cases.
    assert len(alarms) <= 3, alarms
    assert {each["verdict"] for each in results if not each["found"]} == {NOTHING}
    assert results[0]["false_alarms"] == FALSE_ALARMS


def test_views_say_where_the_score_comes_from(world):
    views = {each["view"]: each for each in world(1).audit()["views"]}
    assert views["everything"]["change"] == 0
    assert views["face only"]["r"] == pytest.approx(views["everything"]["r"], abs=0.02)
    assert views["mouth only"]["r"] > 0.7
    for name in ("border only", "eyes only", "nose only"):
        assert views[name]["r"] is None or abs(views[name]["r"]) < 0.4
    assert views["grey"]["r_fall_high"] < 0.05

"""Tests of the comparison of baselines with a network."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hmhn_jax import config as config_lib
from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.evaluation import baselines
from hmhn_jax.input_pipeline.crops import Crops, Detections, Video

SUBJECTS = np.repeat(np.arange(30), 2)


def make_crops(num_videos, prefix):
    """Makes videos whose brightness is their score."""
    rng = np.random.default_rng(len(prefix))
    scores = rng.integers(0, 60, num_videos)
    levels = 40 + 3 * scores.repeat(3)[:, None, None, None]
    images = levels + rng.integers(0, 20, (3 * num_videos, 24, 24, 3))
    boxes = np.tile([10, 10, 90, 90], (len(images), 1)).astype(np.int32)
    eyes = np.tile([[30.0, 40.0], [70.0, 40.0]], (len(images), 1, 1)).astype(np.float32)
    ones = np.ones(len(images), np.float32)
    return Crops(
        [b""] * len(images),
        np.repeat(np.arange(num_videos, dtype=np.int32), 3),
        [
            Video(f"{prefix}{i}", f"{prefix}{i // 2}", f"{prefix}{i}", "", float(score))
            for i, score in enumerate(scores)
        ],
        24,
        images.astype(np.uint8),
        detections=Detections(
            np.tile(np.arange(3.0, dtype=np.float32), num_videos), boxes, eyes, ones
        ),
    )


def make_config(**fields):
    names = ("conditions", "motion")
    return config_lib.override(config_lib.default(), {"evaluate.baselines": names} | fields)


@pytest.mark.pure
def test_a_baseline_predicts_what_it_sees_and_another_does_not():
    train, test = make_crops(40, "train"), make_crops(20, "test")
    found, notes = baselines.predict(make_config(), {}, train, test)
    assert list(found) == ["conditions", "motion"]
    assert notes == []
    errors = {name: np.abs(values - test.scores).mean() for name, values in found.items()}
    assert errors["conditions"] < 3
    assert errors["motion"] > 8  # nothing moves


@pytest.mark.pure
def test_what_a_baseline_lacks_is_said_and_the_others_go_on(tmp_path):
    train, test = make_crops(10, "train"), make_crops(4, "test")
    config = make_config(**{"evaluate.features": str(tmp_path / "none.csv")})
    found, notes = baselines.predict(config, {}, train, test)
    assert list(found) == ["conditions", "motion"]
    (note,) = notes
    assert note.startswith("features: expected a CSV file")

    path = tmp_path / "of.csv"
    path.write_text(
        "input,AU12\n"
        + "".join(f"{v.video_id}.mp4,{v.score}\n" for v in train.videos)
        + "test0.mp4,3\n"
    )
    config = make_config(**{"evaluate.features": str(path), "evaluate.baselines": ()})
    found, notes = baselines.predict(config, {}, train, test)
    assert list(found) == ["features"]
    assert notes == ["features: nothing is known of 3 of 4 videos"]


@pytest.mark.pure
@pytest.mark.parametrize(
    ("errors", "starts"),
    [
        (5.0, "HMHN is better than motion by 4."),
        (1.0, "HMHN is not shown to be better than motion: difference "),
        (0.2, "motion is better than HMHN by 0."),
    ],
)
def test_the_sentence_says_what_the_interval_shows(errors, starts):
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 60, 60)
    ours, theirs = (
        scores + size * rng.choice([-1, 1], 60) * rng.uniform(0.5, 1.5, 60)
        for size in (1.0, errors)
    )
    (row,) = baselines.compare({"motion": theirs}, scores, SUBJECTS, ours)
    assert row["sentence"].startswith(starts)
    assert row["gain"] == pytest.approx(
        np.abs(theirs - scores).mean() - np.abs(ours - scores).mean()
    )
    assert row["gain_low"] < row["gain"] < row["gain_high"]
    assert row["mae_low"] < row["mae"] < row["mae_high"]


@pytest.mark.pure
def test_few_people_have_no_interval_and_no_verdict():
    scores = np.array([1.0, 2.0])
    (row,) = baselines.compare({"motion": scores + 1}, scores, np.array([0, 1]), scores)
    assert (row["mae"], row["mae_low"], row["gain_low"]) == (1, None, None)
    assert row["sentence"] == "too few people to compare HMHN with motion"


def test_the_mode_writes_errors_and_predictions(tmp_path, monkeypatch, capsys):
    splits = {"train+validation": make_crops(40, "train"), "test": make_crops(24, "test")}
    monkeypatch.setattr(baselines, "read_crops", lambda _, split, settings: splits[split])
    builder = SimpleNamespace(
        data_path=Path("/nowhere"), info=SimpleNamespace(metadata={"synthetic": True})
    )
    rows = baselines.run(make_config(), tmp_path, builder)
    folder = tmp_path / "baselines" / "test"
    result = json.loads((folder / "metrics.json").read_text())
    assert result["baselines"] == rows
    assert result["synthetic"] is True
    assert [row["name"] for row in rows] == ["training mean", "conditions", "motion"]
    assert rows[1]["mae"] < 3 < rows[0]["mae"]
    with (folder / "predictions.csv").open() as file:
        table = list(csv.DictReader(file))
    assert len(table) == 24
    errors = [abs(float(row["conditions"]) - float(row["score"])) for row in table]
    assert np.mean(errors) == pytest.approx(rows[1]["mae"], abs=1e-3)
    output = capsys.readouterr().out
    assert f"test, conditions: MAE {rows[1]['mae']:.2f} (" in output
    assert "synthetic faces" in output

    with pytest.raises(UserError, match="no baseline could be fitted: none is named"):
        baselines.run(make_config(**{"evaluate.baselines": ()}), tmp_path, builder)


@pytest.mark.pure
def test_an_unknown_baseline_is_a_usage_error():
    config = make_config(**{"evaluate.baselines": ("motion", "audio")})
    with pytest.raises(UsageError, match=r"evaluate\.baselines must be any of 'conditions' or"):
        config_lib.check(config)


@pytest.mark.pure
def test_verdicts_name_the_mean_and_predictions_that_hardly_differ():
    scores = np.random.default_rng(0).uniform(0, 27, 40)
    clips = {"baseline_gain": 0.0, "baseline_gain_low": -0.2, "baseline_gain_high": 0.1}
    (mean,) = baselines.verdicts(clips, scores + 3, scores)
    assert mean.startswith(
        "HMHN is not shown to be better than always predicting the training mean"
    )
    _, flat = baselines.verdicts(clips, 7.8 + 1e-4 * scores, scores)
    assert flat.startswith("predictions hardly differ between videos (standard deviation 0.0008")

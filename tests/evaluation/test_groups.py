"""Tests of groups of videos, counted by hand."""

import numpy as np
import pytest

from hmhn_jax.base import scales
from hmhn_jax.evaluation.groups import group_errors
from hmhn_jax.input_pipeline.crops import Video

BDI = scales.default()
pytestmark = pytest.mark.pure


def make(tasks, scores=None):
    scores = [5.0] * len(tasks) if scores is None else scores
    return [
        Video(f"v{i}", f"s{i}", f"v{i}", task, float(score))
        for i, (task, score) in enumerate(zip(tasks, scores, strict=True))
    ]


def grouped(details, predictions=None):
    """Returns {column: {group: number of videos}} of videos that differ in nothing else."""
    videos = make(["talking"] * len(details))
    predictions = np.zeros(len(videos)) if predictions is None else predictions
    found = group_errors(
        videos, predictions, BDI, {f"v{i}": each for i, each in enumerate(details)}
    )
    return {
        each["column"]: {group["group"]: group["num_videos"] for group in each["groups"]}
        for each in found
    }


def test_errors_have_intervals_over_people():
    predictions = np.array([10.0 + number % 5 for number in range(41)])
    (task,) = group_errors(make(["a"] * 40 + ["b"]), predictions, BDI, {})
    of_many, of_one = task["groups"]
    for name in ("mae", "bias"):
        assert of_many[f"{name}_low"] < of_many[name] < of_many[f"{name}_high"]
        assert of_one[f"{name}_low"] is of_one[f"{name}_high"] is None


def test_errors_by_level_and_task():
    videos = make(["a", "b", "a"], scores=[10, 12, 40])
    level, task = group_errors(videos, np.array([12.0, 10.0, 31.0]), BDI, {})
    assert (level["column"], task["column"]) == ("severity", "task")
    low, high = level["groups"]
    assert low == {
        "group": "none or minimal",
        "num_videos": 2,
        "mae": pytest.approx(2),
        "rmse": pytest.approx(2),
        "bias": pytest.approx(0),
        **dict.fromkeys(["mae_low", "mae_high", "bias_low", "bias_high"]),  # of two people: none
    }
    assert (high["group"], high["bias"]) == ("severe", pytest.approx(-9))
    first = task["groups"][0]
    assert (first["group"], first["num_videos"]) == ("a", 2)
    assert first["mae"] == pytest.approx((2 + 9) / 2)
    assert first["rmse"] == pytest.approx(((4 + 81) / 2) ** 0.5)
    assert first["bias"] == pytest.approx((2 - 9) / 2)


def test_numbers_are_divided_at_quartiles():
    details = [{"age": str(age)} for age in (30, 21, 25, 60, 44, 39, 52, 48)]
    assert grouped(details) == {"age": {"21 to 25": 2, "30 to 39": 2, "44 to 48": 2, "52 to 60": 2}}


def test_a_few_different_numbers_are_a_group_each_in_order():
    details = [{"visit": visit} for visit in ("10", "9", "9.0", "10")]
    assert list(grouped(details)["visit"].items()) == [("9", 2), ("10", 2)]


def test_most_videos_alike_make_fewer_groups():
    details = [{"age": age} for age in ("20",) * 12 + ("21", "22", "23", "24")]
    assert grouped(details) == {"age": {"20": 12, "21 to 24": 4}}


def test_what_is_missing_is_a_group():
    details = [{"sex": "f"}, {"sex": " "}, {}, {"sex": "m"}, {"sex": None}]
    assert grouped(details) == {"sex": {"f": 1, "m": 1, "not given": 3}}
    ages = [{"age": str(age)} for age in range(20, 28)] + [{}]
    assert grouped(ages)["age"]["not given"] == 1
    assert sum(grouped(ages)["age"].values()) == 9


def test_columns_that_divide_nothing_are_left_out():
    details = [
        {"comment": f"text {i}", "site": "here", "session": str(i % 2), "empty": ""}
        for i in range(9)
    ]
    assert grouped(details) == {}


def test_two_groups_are_compared_with_an_interval_over_people():
    rng = np.random.default_rng(0)
    videos = make([""] * 80, scores=[20.0] * 80)
    details = {f"v{i}": {"sex": "fm"[i % 2]} for i in range(80)}
    errors = np.where(np.arange(80) % 2, 8.0, 2.0) + rng.normal(0, 0.5, 80)
    found = group_errors(videos, 20 + errors, BDI, details)
    (sex,) = [each for each in found if each["column"] == "sex"]
    women, men = sex["groups"]
    assert women["mae_low"] < women["mae"] < women["mae_high"]
    apart = sex["differences"]
    assert apart["mae"] == pytest.approx(women["mae"] - men["mae"])
    assert apart["bias"] == pytest.approx(women["bias"] - men["bias"])
    assert -7 < apart["mae_low"] < -6 < apart["mae_high"] < -5

    same = group_errors(videos, 20 + rng.permutation(errors), BDI, details)
    (sex,) = [each for each in same if each["column"] == "sex"]
    assert sex["differences"]["mae_low"] < 0 < sex["differences"]["mae_high"]


def test_three_groups_have_no_difference():
    found = group_errors(make(["a", "b", "c"] * 5), np.zeros(15), BDI, {})
    (task,) = [each for each in found if each["column"] == "task"]
    assert task["differences"] is None

"""Tests of clips, sessions, and people seen in training, counted by hand."""

import numpy as np
import pytest

from hmhn_jax.evaluation.bootstrap import bootstrap
from hmhn_jax.evaluation.metrics import root_mean_squared_error
from hmhn_jax.evaluation.protocols import errors, evaluate_protocols, subject_means
from hmhn_jax.input_pipeline.crops import Video

pytestmark = pytest.mark.pure

VIDEOS = [
    Video("203_1_freeform", "203", "203_1", "freeform", 10.0),
    Video("203_1_northwind", "203", "203_1", "northwind", 10.0),
    Video("203_2_freeform", "203", "203_2", "freeform", 20.0),
    Video("301_1_freeform", "301", "301_1", "freeform", 30.0),
    Video("301_1_northwind", "301", "301_1", "northwind", 30.0),
]
PREDICTIONS = np.array([8.0, 14.0, 26.0, 20.0, 30.0])
PROTOCOLS = evaluate_protocols(VIDEOS, PREDICTIONS, training_mean=15.0, subject_means={"203": 12.0})


def test_clips_count_every_video():
    clips = PROTOCOLS["clips"]
    assert clips["num_videos"] == 5
    assert clips["mae"] == pytest.approx((2 + 4 + 6 + 10 + 0) / 5)
    assert clips["baseline_mae"] == pytest.approx((5 + 5 + 5 + 15 + 15) / 5)


def test_each_video_may_have_a_training_mean_of_its_own():
    means = np.array([15.0, 15.0, 20.0, 10.0, 10.0])
    protocols = evaluate_protocols(VIDEOS, PREDICTIONS, means, subject_means={})
    assert protocols["clips"]["baseline_mae"] == pytest.approx((5 + 5 + 0 + 20 + 20) / 5)
    assert protocols["sessions"]["baseline_mae"] == pytest.approx((5 + 0 + 20) / 3)


def test_sessions_average_their_tasks():
    sessions = PROTOCOLS["sessions"]
    assert sessions["num_sessions"] == 3
    # Predictions 11, 26 and 25 against 10, 20 and 30.
    assert sessions["mae"] == pytest.approx((1 + 6 + 5) / 3)
    assert sessions["rmse"] == pytest.approx(((1 + 36 + 25) / 3) ** 0.5)


def test_people_seen_in_training_are_counted_apart():
    seen, unseen = PROTOCOLS["sessions_seen"], PROTOCOLS["sessions_unseen"]
    assert (seen["num_sessions"], unseen["num_sessions"]) == (2, 1)
    assert seen["mae"] == pytest.approx((1 + 6) / 2)
    assert unseen["mae"] == pytest.approx(5)


def test_same_subject_baseline_is_for_seen_subjects_only():
    assert PROTOCOLS["sessions_seen"]["same_subject_mae"] == pytest.approx((2 + 8) / 2)
    unseen = PROTOCOLS["sessions_unseen"]
    assert unseen["same_subject_mae"] == unseen["baseline_mae"] == pytest.approx(15)


def test_an_empty_group_is_absent():
    protocols = evaluate_protocols(VIDEOS, PREDICTIONS, 15.0, subject_means={})
    assert "sessions_seen" not in protocols
    assert protocols["sessions_unseen"] == protocols["sessions"]


def test_order_of_the_videos_does_not_matter():
    order = [4, 2, 0, 3, 1]
    shuffled = evaluate_protocols(
        [VIDEOS[i] for i in order], PREDICTIONS[order], 15.0, {"203": 12.0}
    )
    for name, protocol in PROTOCOLS.items():
        assert shuffled[name] == pytest.approx(protocol)


def test_subject_means_are_over_a_subjects_videos():
    assert subject_means(VIDEOS) == {"203": pytest.approx(40 / 3), "301": 30.0}


def test_errors_refuse_a_baseline_of_another_length():
    with pytest.raises(ValueError, match="same shape"):
        errors(np.zeros(2), np.zeros(2), np.array(["a", "b"]), {"baseline": np.zeros(1)})


def test_few_people_have_no_interval():
    clips = PROTOCOLS["clips"]
    assert clips["num_subjects"] == 2
    assert clips["mae_low"] is clips["mae_high"] is None


def test_what_is_not_defined_is_none():
    assert PROTOCOLS["sessions_unseen"]["pearson"] is None  # one session
    assert PROTOCOLS["sessions_unseen"]["concordance"] is None


def test_intervals_are_over_subjects_and_gains_are_paired():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 63, 40)
    predictions = scores + rng.normal(0, 5, 40)
    subjects = np.repeat(np.arange(20), 2)
    # A baseline that is worse by one point in every video is so in every resample.
    worse = scores + np.sign(predictions - scores) * (np.abs(predictions - scores) + 1)
    result = errors(predictions, scores, subjects, {"worse": worse})
    assert result["mae_low"] < result["mae"] < result["mae_high"]
    assert result["pearson_low"] < result["pearson"] < result["pearson_high"]
    gains = [result[f"worse_gain{end}"] for end in ("", "_low", "_high")]
    assert gains == pytest.approx([1, 1, 1])
    interval = bootstrap(root_mean_squared_error, predictions, scores, subjects)
    assert (result["rmse_low"], result["rmse_high"]) == (interval.low, interval.high)


def test_first_sessions_of_two_people_are_two_sessions():
    videos = [Video("a", "s1", "1", "talking", 48.0), Video("b", "s2", "1", "talking", 54.0)]
    protocols = evaluate_protocols(videos, np.array([40.0, 60.0]), 15.0, {})
    assert protocols["sessions"]["num_sessions"] == 2
    assert protocols["sessions"]["mae"] == pytest.approx(7.0)

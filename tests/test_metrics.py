"""Errors over videos."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error as sklearn_mae
from sklearn.metrics import root_mean_squared_error as sklearn_rmse

from hmhn_jax.metrics import VideoMeans, mean_absolute_error, root_mean_squared_error


def test_errors_equal_scikit_learn():
    rng = np.random.default_rng(0)
    predictions, scores = rng.uniform(0, 63, (2, 50))
    assert mean_absolute_error(predictions, scores) == pytest.approx(
        sklearn_mae(scores, predictions)
    )
    assert root_mean_squared_error(predictions, scores) == pytest.approx(
        sklearn_rmse(scores, predictions)
    )


@pytest.mark.parametrize("error", [mean_absolute_error, root_mean_squared_error])
def test_errors_refuse_what_would_broadcast(error):
    with pytest.raises(ValueError, match=r"\(3,\) and \(3, 1\)"):
        error(np.zeros(3), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="no videos"):
        error(np.zeros(0), np.zeros(0))


def test_video_means_ignore_padding_and_order():
    rng = np.random.default_rng(1)
    videos = rng.integers(0, 4, 30)
    predictions = rng.uniform(0, 63, 30)
    whole = VideoMeans.empty(4).add(predictions, videos, np.ones(30, bool))

    parts = VideoMeans.empty(4)
    for start in range(0, 32, 8):
        places = np.arange(start, start + 8)
        indices = np.minimum(places, 29)
        parts = parts.add(predictions[indices], videos[indices], places < 30)

    expected = [predictions[videos == video].mean() for video in range(4)]
    np.testing.assert_allclose(parts.compute(), expected)
    np.testing.assert_allclose(parts.compute(), whole.compute())
    assert parts.counts.sum() == 30


def test_merge_is_adding_to_one():
    ones = np.ones(2, bool)
    first = VideoMeans.empty(2).add(np.array([1.0, 5.0]), np.array([0, 1]), ones)
    second = VideoMeans.empty(2).add(np.array([3.0, 7.0]), np.array([0, 1]), ones)
    np.testing.assert_allclose(first.merge(second).compute(), [2.0, 6.0])


def test_scores_stay_in_the_scale():
    means = VideoMeans.empty(2).add(np.array([-9.0, 70.0]), np.array([0, 1]), np.ones(2, bool))
    np.testing.assert_array_equal(means.compute(), [0, 63])


def test_a_video_without_frames_is_an_error():
    means = VideoMeans.empty(2).add(np.array([1.0]), np.array([0]), np.ones(1, bool))
    with pytest.raises(ValueError, match=r"without a frame: \[1\]"):
        means.compute()


def test_add_refuses_unequal_shapes():
    with pytest.raises(ValueError, match="same shape"):
        VideoMeans.empty(2).add(np.zeros((2, 1)), np.zeros(2, int), np.ones(2, bool))

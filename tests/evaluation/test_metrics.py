"""Tests of errors over videos."""

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import mean_absolute_error as sklearn_mae
from sklearn.metrics import r2_score
from sklearn.metrics import root_mean_squared_error as sklearn_rmse

from hmhn_jax.base import scales
from hmhn_jax.evaluation.metrics import (
    calibration_intercept,
    calibration_slope,
    concordance_correlation,
    determination,
    mean_absolute_error,
    mean_error,
    pearson_correlation,
    root_mean_squared_error,
)
from hmhn_jax.prediction.video_means import VideoMeans

pytestmark = pytest.mark.pure

MEASURES = [
    mean_absolute_error,
    root_mean_squared_error,
    pearson_correlation,
    concordance_correlation,
    determination,
    calibration_slope,
    calibration_intercept,
    mean_error,
]


def test_errors_equal_scikit_learn():
    rng = np.random.default_rng(0)
    predictions, scores = rng.uniform(0, 63, (2, 50))
    assert mean_absolute_error(predictions, scores) == pytest.approx(
        sklearn_mae(scores, predictions)
    )
    assert root_mean_squared_error(predictions, scores) == pytest.approx(
        sklearn_rmse(scores, predictions)
    )


def test_determination_equals_scikit_learn_and_is_no_squared_correlation():
    rng = np.random.default_rng(0)
    predictions, scores = rng.uniform(0, 63, (2, 50))
    assert determination(predictions, scores) == pytest.approx(r2_score(scores, predictions))
    assert determination(63 - scores, scores) < 0
    assert determination(np.full(50, scores.mean()), scores) == pytest.approx(0)
    assert np.isnan(determination(predictions, np.full(50, 7.0)))


def test_calibration_is_the_line_of_least_squares():
    rng = np.random.default_rng(0)
    predictions = rng.uniform(0, 63, 50)
    scores = 10 + predictions / 2 + rng.normal(0, 3, 50)
    slope, intercept = np.polyfit(predictions, scores, 1)
    assert calibration_slope(predictions, scores) == pytest.approx(slope)
    assert calibration_intercept(predictions, scores) == pytest.approx(intercept)
    assert np.isnan(calibration_slope(np.full(50, 7.0), scores))
    assert np.isnan(calibration_intercept(np.full(50, 7.0), scores))


def test_pearson_equals_scipy():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 63, 40)
    for predictions in (rng.uniform(0, 63, 40), 5 - scores / 7, scores + rng.normal(0, 5, 40)):
        expected = scipy.stats.pearsonr(predictions, scores).statistic
        assert pearson_correlation(predictions, scores) == pytest.approx(expected)


def test_concordance_is_pearson_less_shift_and_scale():
    # Lin's other form: r times 2 / (v + 1/v + u^2), v the ratio of standard deviations, u the
    # difference of means over the root of their product.
    rng = np.random.default_rng(1)
    scores = rng.uniform(0, 63, 40)
    for predictions in (rng.uniform(0, 63, 40), 10 + scores / 2, scores + rng.normal(3, 5, 40)):
        ratio = predictions.std() / scores.std()
        shift = (predictions.mean() - scores.mean()) / np.sqrt(predictions.std() * scores.std())
        r = scipy.stats.pearsonr(predictions, scores).statistic
        expected = r * 2 / (ratio + 1 / ratio + shift**2)
        assert concordance_correlation(predictions, scores) == pytest.approx(expected)
    assert concordance_correlation(scores, scores) == pytest.approx(1)
    assert concordance_correlation(scores + 20, scores) < 0.8


def test_r2_equals_scikit_learn():
    predictions, scores = np.random.default_rng(0).uniform(0, 63, (2, 40))
    expected = r2_score(scores, predictions)
    assert determination(predictions, scores) == pytest.approx(expected)
    assert determination(np.full(40, scores.mean()), scores) == pytest.approx(0)
    assert np.isnan(determination(predictions, np.full(40, 7.0)))


def test_calibration_is_the_line_of_true_over_predicted():
    predictions, scores = np.random.default_rng(1).uniform(0, 63, (2, 40))
    slope, intercept = np.polyfit(predictions, scores, 1)
    assert calibration_slope(predictions, scores) == pytest.approx(slope)
    assert calibration_intercept(predictions, scores) == pytest.approx(intercept)
    half = 20 + (scores - 20) / 2  # predictions keep to the mean
    assert calibration_slope(half, scores) == pytest.approx(2)
    assert calibration_intercept(half, scores) == pytest.approx(-20)
    assert np.isnan(calibration_slope(np.full(40, 7.0), scores))


def test_correlations_of_what_does_not_vary():
    constant, scores = np.full(5, 16.868749618530273), np.arange(5.0)
    assert np.isnan(pearson_correlation(constant, scores))
    assert np.isnan(pearson_correlation(scores, constant))
    assert concordance_correlation(constant, scores) == pytest.approx(0)
    assert np.isnan(concordance_correlation(constant, constant))
    for measure in (pearson_correlation, concordance_correlation):
        assert np.isnan(measure(np.array([3.0]), np.array([5.0])))


@pytest.mark.parametrize("measure", MEASURES)
def test_weights_count_a_video_so_often(measure):
    rng = np.random.default_rng(2)
    predictions, scores = rng.uniform(0, 63, (2, 6))
    weights = np.array([[1, 1, 1, 1, 1, 1], [2, 0, 1, 3, 0, 0], [0, 0, 0, 1, 0, 4]], float)
    repeated = [np.repeat(np.arange(6), row.astype(int)) for row in weights]
    expected = [measure(predictions[rows], scores[rows]) for rows in repeated]
    np.testing.assert_allclose(measure(predictions, scores, weights), expected, atol=1e-12)


@pytest.mark.parametrize("error", MEASURES)
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
    np.testing.assert_allclose(parts.compute(scales.default()), expected)
    np.testing.assert_allclose(parts.compute(scales.default()), whole.compute(scales.default()))
    assert parts.counts.sum() == 30


def test_merge_is_adding_to_one():
    ones = np.ones(2, bool)
    first = VideoMeans.empty(2).add(np.array([1.0, 5.0]), np.array([0, 1]), ones)
    second = VideoMeans.empty(2).add(np.array([3.0, 7.0]), np.array([0, 1]), ones)
    np.testing.assert_allclose(first.merge(second).compute(scales.default()), [2.0, 6.0])


@pytest.mark.parametrize("offset", [0.0, 1e7])
def test_spread_over_frames_in_any_batches(offset):
    rng = np.random.default_rng(3)
    videos = np.repeat(np.arange(3), (1, 12, 27))
    predictions = offset + rng.normal(20, 2, 40)
    means = VideoMeans.empty(3)
    for rows in np.array_split(rng.permutation(40), 7):
        means = means.add(predictions[rows], videos[rows], np.ones(len(rows), bool))
    spreads = means.standard_deviations()
    assert np.isnan(spreads[0])  # one frame
    for video in (1, 2):
        expected = predictions[videos == video].std(ddof=1)
        assert spreads[video] == pytest.approx(expected, rel=1e-6)


def test_scores_stay_in_the_scale():
    means = VideoMeans.empty(2).add(np.array([-9.0, 70.0]), np.array([0, 1]), np.ones(2, bool))
    np.testing.assert_array_equal(means.compute(scales.default()), [0, 63])


def test_a_video_without_frames_is_an_error():
    means = VideoMeans.empty(2).add(np.array([1.0]), np.array([0]), np.ones(1, bool))
    with pytest.raises(ValueError, match=r"without a frame: \[1\]"):
        means.compute(scales.default())


def test_add_refuses_unequal_shapes():
    with pytest.raises(ValueError, match="same shape"):
        VideoMeans.empty(2).add(np.zeros((2, 1)), np.zeros(2, int), np.ones(2, bool))

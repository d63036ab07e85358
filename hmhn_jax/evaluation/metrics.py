"""Measures of error and correlation, over videos, never over frames or batches.

Each measure takes f[M] predictions and f[M] true scores, one entry a video, in points. With
`weights` f[R,M], how often each of R samples counts each video, it is computed of every sample at
once and comes as f64[R]. All raise ValueError for unequal shapes or no videos.
"""

import numpy as np

from hmhn_jax.base.shapes import check_same_shape

_NO_VARIANCE = 1e-12  # squared points: whatever varies less is constant but for rounding


def mean_absolute_error(
    predictions: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None
) -> float | np.ndarray:
    """Computes Eq. 12, in points."""
    predictions, scores = _pairs(predictions, scores)
    return _mean(np.abs(predictions - scores), weights)


def mean_error(
    predictions: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None
) -> float | np.ndarray:
    """Computes the bias, the mean of prediction minus score, in points.

    Raises:
      ValueError: for unequal shapes or no videos.
    """
    predictions, scores = _pairs(predictions, scores)
    return _mean(predictions - scores, weights)


def root_mean_squared_error(
    predictions: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None
) -> float | np.ndarray:
    """Computes Eq. 13, in points."""
    predictions, scores = _pairs(predictions, scores)
    return _mean(np.square(predictions - scores), weights) ** 0.5


def pearson_correlation(
    predictions: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None
) -> float | np.ndarray:
    """Computes Pearson's r; nan where predictions or scores are constant, such as of one video."""
    _, variances, covariance = _moments(predictions, scores, weights)
    product = variances[0] * variances[1]
    defined = np.minimum(*variances) > _NO_VARIANCE
    return _as_given(np.where(defined, covariance / np.sqrt(np.where(defined, product, 1)), np.nan))


def concordance_correlation(
    predictions: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None
) -> float | np.ndarray:
    """Computes Lin's (1989) concordance correlation: 1 only where predictions equal scores.

    2 s_xy / (s_x^2 + s_y^2 + (mean x - mean y)^2), moments divided by M as in Lin's paper. It is
    0 for constant predictions of scores that vary, and nan where neither varies, such as of a
    single video.
    """
    means, variances, covariance = _moments(predictions, scores, weights)
    spread = variances[0] + variances[1]
    defined = spread > _NO_VARIANCE
    spread = np.where(defined, spread + np.square(means[0] - means[1]), 1)
    return _as_given(np.where(defined, 2 * covariance / spread, np.nan))


def determination(
    predictions: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None
) -> float | np.ndarray:
    """Computes R2 by sums of squares, 1 - SSE / SST; no square of a correlation.

    Below 0 the predictions are worse than the mean of these very scores; nan where scores do not
    vary.

    Raises:
      ValueError: for unequal shapes or no videos.
    """
    _, (_, variance), _ = _moments(predictions, scores, weights)
    predictions, scores = _pairs(predictions, scores)
    error = _mean(np.square(predictions - scores), weights)
    defined = np.asarray(variance) > _NO_VARIANCE
    return _as_given(np.where(defined, 1 - error / np.where(defined, variance, 1), np.nan))


def calibration_slope(
    predictions: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None
) -> float | np.ndarray:
    """Computes the slope of the line that gives scores from predictions by least squares.

    1 is right; below 1 high predictions are too high and low ones too low. nan where predictions do
    not vary.

    Raises:
      ValueError: for unequal shapes or no videos.
    """
    _, (variance, _), covariance = _moments(predictions, scores, weights)
    defined = np.asarray(variance) > _NO_VARIANCE
    return _as_given(np.where(defined, covariance / np.where(defined, variance, 1), np.nan))


def calibration_intercept(
    predictions: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None
) -> float | np.ndarray:
    """Computes the intercept of the line of `calibration_slope`, in points; 0 is right.

    Raises:
      ValueError: for unequal shapes or no videos.
    """
    slope = calibration_slope(predictions, scores, weights)
    predictions, scores = _pairs(predictions, scores)
    return _as_given(np.asarray(_mean(scores, weights) - slope * _mean(predictions, weights)))


def _pairs(predictions, scores):
    predictions, scores = np.asarray(predictions, np.float64), np.asarray(scores, np.float64)
    check_same_shape(predictions=predictions, scores=scores)
    if predictions.size == 0:
        raise ValueError("an error over no videos is not defined")
    return predictions, scores


def _mean(values, weights):
    return float(np.mean(values)) if weights is None else weights @ values / weights.sum(-1)


def _moments(predictions, scores, weights):
    """Computes the means, the variances and the covariance of predictions and scores."""
    # Differences of squares lose digits far from 0: counted from the middle, they keep them.
    predictions, scores = _pairs(predictions, scores)
    middle = np.mean(scores)
    pairs = (predictions - middle, scores - middle)
    means = [_mean(each, weights) for each in pairs]
    variances = [
        _mean(np.square(each), weights) - mean**2 for each, mean in zip(pairs, means, strict=True)
    ]
    return means, variances, _mean(pairs[0] * pairs[1], weights) - means[0] * means[1]


def _as_given(values):
    """Converts an array without axes to a number."""
    return values if values.ndim else float(values)

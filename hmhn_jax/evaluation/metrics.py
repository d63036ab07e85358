"""Measures of error and correlation, over videos, never over frames or batches.

Each measure takes f[M] predictions and f[M] true scores, one entry a video, in BDI-II points. With
`weights` f[R,M], how often each of R samples counts each video, it is computed of every sample at
once and comes as f64[R].
"""

import dataclasses
from typing import Self

import numpy as np

from hmhn_jax.base.bdi import MAX_SCORE
from hmhn_jax.base.shapes import check_same_shape

_NO_VARIANCE = 1e-12  # squared points: whatever varies less is constant but for rounding


def mean_absolute_error(
    predictions: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None
) -> float | np.ndarray:
    """Computes Eq. 12, in BDI-II points.

    Raises:
      ValueError: for unequal shapes or no videos.
    """
    predictions, scores = _pairs(predictions, scores)
    return _mean(np.abs(predictions - scores), weights)


def root_mean_squared_error(
    predictions: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None
) -> float | np.ndarray:
    """Computes Eq. 13, in BDI-II points.

    Raises:
      ValueError: for unequal shapes or no videos.
    """
    predictions, scores = _pairs(predictions, scores)
    return _mean(np.square(predictions - scores), weights) ** 0.5


def pearson_correlation(
    predictions: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None
) -> float | np.ndarray:
    """Computes Pearson's r; nan where predictions or scores are constant, such as of one video.

    Raises:
      ValueError: for unequal shapes or no videos.
    """
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

    Raises:
      ValueError: for unequal shapes or no videos.
    """
    means, variances, covariance = _moments(predictions, scores, weights)
    spread = variances[0] + variances[1]
    defined = spread > _NO_VARIANCE
    spread = np.where(defined, spread + np.square(means[0] - means[1]), 1)
    return _as_given(np.where(defined, 2 * covariance / spread, np.nan))


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


@dataclasses.dataclass(frozen=True)
class VideoMeans:
    """Sums over frames from which the videos' predictions come: empty, add, merge, compute.

    Attributes:
      sums: f64[V], the sum of each video's frame predictions.
      counts: i64[V], how many frames of each video were added.
      squares: f64[V], the sum of the frame predictions' squared distances from their video's mean.
    """

    sums: np.ndarray
    counts: np.ndarray
    squares: np.ndarray

    @classmethod
    def empty(cls, num_videos: int) -> Self:
        return cls(np.zeros(num_videos), np.zeros(num_videos, np.int64), np.zeros(num_videos))

    def add(self, predictions: np.ndarray, videos: np.ndarray, mask: np.ndarray) -> Self:
        """Returns the sums with one batch of frames added.

        Args:
          predictions: f[B], the frames' scores.
          videos: i[B], which video each frame is of.
          mask: bool[B], False for padding, which counts for nothing.

        Raises:
          ValueError: for unequal shapes.
        """
        predictions, videos, mask = map(np.asarray, (predictions, videos, mask))
        check_same_shape(predictions=predictions, videos=videos)
        check_same_shape(predictions=predictions, mask=mask)
        predictions, videos = predictions[mask].astype(np.float64), videos[mask]
        num_videos = len(self.sums)
        sums = np.bincount(videos, predictions, num_videos)
        counts = np.bincount(videos, minlength=num_videos)
        distances = predictions - (sums / np.maximum(counts, 1))[videos]
        squares = np.bincount(videos, np.square(distances), num_videos)
        return self.merge(VideoMeans(sums, counts, squares))

    def merge(self, other: Self) -> Self:
        """Adds up two sums, such as those of two processes."""
        check_same_shape(sums=self.sums, other_sums=other.sums)
        counts = self.counts + other.counts
        apart = self.sums / np.maximum(self.counts, 1) - other.sums / np.maximum(other.counts, 1)
        # Chan et al. (1979); a difference of squared sums would lose the digits of a small spread.
        between = np.square(apart) * self.counts * other.counts / np.maximum(counts, 1)
        return type(self)(self.sums + other.sums, counts, self.squares + other.squares + between)

    def compute(self) -> np.ndarray:
        """Computes each video's score, f64[V]: the mean over its frames, clipped to 0..63.

        Raises:
          ValueError: when a video has no frame.
        """
        if not self.counts.all():
            raise ValueError(f"videos without a frame: {np.flatnonzero(self.counts == 0).tolist()}")
        return np.clip(self.sums / self.counts, 0, MAX_SCORE)

    def standard_deviations(self) -> np.ndarray:
        """Computes the sample standard deviation of each video's frame predictions, f64[V].

        In BDI-II points, before any clipping; nan with fewer than two frames.
        """
        several = self.counts > 1
        return np.sqrt(np.where(several, self.squares / np.maximum(self.counts - 1, 1), np.nan))

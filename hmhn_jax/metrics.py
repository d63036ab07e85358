"""How good predictions are: errors over videos, never over frames or batches."""

import dataclasses
from typing import Self

import numpy as np

from hmhn_jax.bdi import MAX_SCORE
from hmhn_jax.shapes import check_same_shape


def mean_absolute_error(predictions: np.ndarray, scores: np.ndarray) -> float:
    """Eq. 12, in BDI-II points; both f[M], one entry a video.

    Raises:
      ValueError: for unequal shapes or no videos.
    """
    return float(np.mean(np.abs(_errors(predictions, scores))))


def root_mean_squared_error(predictions: np.ndarray, scores: np.ndarray) -> float:
    """Eq. 13, in BDI-II points; both f[M], one entry a video.

    Raises:
      ValueError: for unequal shapes or no videos.
    """
    return float(np.sqrt(np.mean(np.square(_errors(predictions, scores)))))


def _errors(predictions, scores):
    predictions, scores = np.asarray(predictions, np.float64), np.asarray(scores, np.float64)
    check_same_shape(predictions=predictions, scores=scores)
    if predictions.size == 0:
        raise ValueError("an error over no videos is not defined")
    return predictions - scores


@dataclasses.dataclass(frozen=True)
class VideoMeans:
    """Sums over frames from which the videos' predictions come: empty, add, merge, compute.

    Attributes:
      sums: f64[V], the sum of each video's frame predictions.
      counts: i64[V], how many frames of each video were added.
    """

    sums: np.ndarray
    counts: np.ndarray

    @classmethod
    def empty(cls, num_videos: int) -> Self:
        return cls(np.zeros(num_videos), np.zeros(num_videos, np.int64))

    def add(self, predictions: np.ndarray, videos: np.ndarray, mask: np.ndarray) -> Self:
        """With one batch of frames added.

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
        num_videos = len(self.sums)
        batch = VideoMeans(
            np.bincount(videos[mask], predictions[mask].astype(np.float64), num_videos),
            np.bincount(videos[mask], minlength=num_videos),
        )
        return self.merge(batch)

    def merge(self, other: Self) -> Self:
        """Both together, such as those of two processes."""
        check_same_shape(sums=self.sums, other_sums=other.sums)
        return type(self)(self.sums + other.sums, self.counts + other.counts)

    def compute(self) -> np.ndarray:
        """Each video's score, f64[V]: the mean over its frames, clipped to 0..63.

        Raises:
          ValueError: when a video has no frame.
        """
        if not self.counts.all():
            raise ValueError(f"videos without a frame: {np.flatnonzero(self.counts == 0).tolist()}")
        return np.clip(self.sums / self.counts, 0, MAX_SCORE)

"""Scores of videos: means over their frames' predictions."""

import dataclasses
from typing import Self

import numpy as np

from hmhn_jax.base.scale import Scale
from hmhn_jax.base.shapes import check_same_shape


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
        return self.merge(type(self)(sums, counts, squares))

    def merge(self, other: Self) -> Self:
        """Adds up two sums, such as those of two processes."""
        check_same_shape(sums=self.sums, other_sums=other.sums)
        counts = self.counts + other.counts
        apart = self.sums / np.maximum(self.counts, 1) - other.sums / np.maximum(other.counts, 1)
        # Chan et al. (1979); a difference of squared sums would lose the digits of a small spread.
        between = np.square(apart) * self.counts * other.counts / np.maximum(counts, 1)
        return type(self)(self.sums + other.sums, counts, self.squares + other.squares + between)

    def compute(self, scale: Scale) -> np.ndarray:
        """Computes each video's score, f64[V]: the mean over its frames, clipped to the scale.

        Raises:
          ValueError: when a video has no frame.
        """
        if not self.counts.all():
            raise ValueError(f"videos without a frame: {np.flatnonzero(self.counts == 0).tolist()}")
        return np.clip(self.sums / self.counts, *scale.ends)

    def standard_deviations(self) -> np.ndarray:
        """Computes the sample standard deviation of each video's frame predictions, f64[V].

        In points, before any clipping; nan with fewer than two frames.
        """
        several = self.counts > 1
        return np.sqrt(np.where(several, self.squares / np.maximum(self.counts - 1, 1), np.nan))

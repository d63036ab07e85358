"""Bootstrap confidence intervals over subjects."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from hmhn_jax.base.shapes import check_same_shape
from hmhn_jax.recordings.subjects import LEAST_SUBJECTS

_BLOCK = 2_000_000  # weights in memory at a time: 16 MB

# As those of `metrics`: (predictions f[M], scores f[M], weights f[R,M]) -> f[R]; without weights a
# number.
Statistic = Callable[..., float | np.ndarray]


@dataclasses.dataclass(frozen=True)
class Interval:
    """A confidence interval, in the unit of the statistic."""

    low: float
    high: float


def bootstrap(
    statistic: Statistic,
    predictions: np.ndarray,
    scores: np.ndarray,
    subjects: np.ndarray,
    *,
    level: float = 0.95,
    num_resamples: int = 2000,
    seed: int = 0,
) -> Interval | None:
    """Computes the percentile interval of a statistic over resampled subjects (cluster bootstrap).

    Videos of one person share what makes that person easy or hard, so people are drawn, with
    replacement, each with all of their videos. Drawing videos would give intervals too narrow.
    Equal subjects and seed give equal draws, so differences of two statistics are paired.

    With few subjects percentile intervals are too narrow. Of simulated normal scores and errors,
    with 10, 20, 50 and 100 subjects, intervals of 95 % held the true MAE in 89, 92, 94 and 94 % of
    cases, the true RMSE in 83, 88, 92 and 94 %.

    Args:
      statistic: as those of `metrics`.
      predictions, scores: f[M], in points; unequal shapes raise ValueError.
      subjects: [M], whose video each is.
      level: of confidence.
      num_resamples, seed: of the draws.

    Returns:
      The interval. None with fewer than `LEAST_SUBJECTS` subjects, and where the statistic is not
      defined of every resample, as correlations are not where hardly any two predictions differ.
    """
    predictions, scores, subjects = map(np.asarray, (predictions, scores, subjects))
    check_same_shape(predictions=predictions, scores=scores)
    check_same_shape(predictions=predictions, subjects=subjects)
    names, subject_of_video = np.unique(subjects, return_inverse=True)
    if len(names) < LEAST_SUBJECTS:
        return None
    values = np.concatenate(
        [
            statistic(predictions, scores, draws[:, subject_of_video])
            for draws in _draws(len(names), len(scores), num_resamples, seed)
        ]
    )
    if not np.isfinite(values).all():
        return None
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def _draws(num_subjects, num_videos, num_resamples, seed) -> Iterator[np.ndarray]:
    """Yields how often each subject is in each resample, f64[r,num_subjects], by block."""
    rng = np.random.default_rng(seed)
    rows_per_block = max(1, _BLOCK // num_videos)
    for start in range(0, num_resamples, rows_per_block):
        num_rows = min(rows_per_block, num_resamples - start)
        drawn = rng.integers(num_subjects, size=(num_rows, num_subjects))
        places = drawn + num_subjects * np.arange(num_rows)[:, None]
        counts = np.bincount(places.ravel(), minlength=num_rows * num_subjects)
        yield counts.reshape(num_rows, num_subjects).astype(np.float64)

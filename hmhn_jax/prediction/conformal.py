"""Prediction intervals for a person from out-of-fold errors (CV+).

Barber, Candes, Ramdas and Tibshirani (2021), "Predictive inference with the jackknife+", Annals of
Statistics 49. With several videos a person each person counts once, as groups do in Lee, Barber and
Willett (2023), "Distribution-free inference with hierarchical data".
"""

import dataclasses

import numpy as np

LEVELS = (0.8, 0.95)


@dataclasses.dataclass(frozen=True)
class Interval:
    """An interval for the score of a new person.

    Attributes:
      level: the share of people that it is to hold.
      low, high: in points, within the scale.
    """

    level: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.level:g} % interval {self.low:.1f} to {self.high:.1f}"


@dataclasses.dataclass(frozen=True)
class Residuals:
    """Out-of-fold errors of a cross-validation, from which intervals come.

    Attributes:
      residuals: f[V], the absolute error of each video, in points, of the mean over repeats of the
        networks that never saw its group.
      groups: i[V], which group each video is of, from 0: people, or sites.
      unseen: bool[V,M], whether each of the M networks never saw the video's group.
      members: names of the M networks.
      least, greatest: of the scale.
      group: what the groups are, such as "subject".
      coverage: by level, the share of groups whose scores lie within intervals made from the
        errors of the other folds; nan where there were too few.
    """

    residuals: np.ndarray
    groups: np.ndarray
    unseen: np.ndarray
    members: tuple[str, ...]
    least: float
    greatest: float
    group: str
    coverage: dict[float, float] = dataclasses.field(default_factory=dict)

    def intervals(self, scores: np.ndarray) -> list[tuple[Interval, ...]]:
        """Computes the CV+ intervals of new videos at each of `LEVELS`.

        Around what the networks predict that never saw person i, the errors of person i are laid;
        the interval leaves out the outermost of these, so that a new person like these is
        within with at least 1 - 2 (1 - level), and in practice about `level`.

        Args:
          scores: f[M,N], of N videos by the M networks.

        Returns:
          For each video those intervals that exist: one of 95 % takes 19 groups.
        """
        weights = _weights(self.groups)
        centres = self.unseen / self.unseen.sum(axis=1, keepdims=True) @ scores
        found: list[tuple[Interval, ...]] = []
        for column in centres.T:
            bounds = [
                (
                    level,
                    -_quantile(self.residuals - column, weights, level),
                    _quantile(self.residuals + column, weights, level),
                )
                for level in LEVELS
            ]
            found.append(
                tuple(
                    Interval(level, *np.clip((low, high), self.least, self.greatest).tolist())
                    for level, low, high in bounds
                    if np.isfinite(high)
                )
            )
        return found

    def describe(self) -> str:
        """Says in one line what the intervals are worth."""
        number = len(np.unique(self.groups))
        shares = [
            f"{100 * level:g} % intervals held {100 * share:.0f} %"
            for level, share in self.coverage.items()
            if np.isfinite(share)
        ]
        held = ", ".join(shares) or "how often intervals hold is not known"
        return f"{held} out of fold, of {number} groups by {self.group}"


def coverage(residuals: np.ndarray, groups: np.ndarray, folds: np.ndarray) -> dict[float, float]:
    """Computes how many groups of each fold lie within intervals from the other folds' errors.

    Args:
      residuals: f[V], in points.
      groups: i[V].
      folds: i[V], of one repeat.

    Returns:
      By level, the share of groups, each the mean over its videos; nan where other folds are too
      few for an interval.
    """
    number = np.bincount(groups)[groups]
    shares = {}
    for level in LEVELS:
        within = np.zeros(len(residuals))
        for fold in np.unique(folds):
            others = folds != fold
            reach = _quantile(residuals[others], _weights(groups[others]), level)
            within[~others] = residuals[~others] <= reach if np.isfinite(reach) else np.nan
        shares[level] = float((within / number).sum() / len(np.unique(groups)))
    return shares


def _weights(groups):
    """Weighs each video, so that G groups and a new one have the same weight, 1 / (G + 1)."""
    _, places, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return 1 / ((len(counts) + 1) * counts[places])


def _quantile(values, weights, level):
    """Returns the smallest value up to which the weights reach a level, else infinity."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) >= level - 1e-9
    return float(values[order][reached.argmax()]) if reached.any() else np.inf

"""Intervals for a person, on videos whose scores are known."""

from typing import Any

import numpy as np

from hmhn_jax.evaluation.bootstrap import bootstrap
from hmhn_jax.input_pipeline.crops import Crops
from hmhn_jax.prediction.conformal import LEVELS, Residuals


def columns(residuals: Residuals, scores: np.ndarray) -> dict[str, list]:
    """Returns columns of predictions.csv, low_80 and so on; empty where there is no interval.

    Args:
      residuals: of the cross-validation.
      scores: f[M,V], of the videos by each network.
    """
    table: dict[str, list] = {
        f"{bound}_{100 * level:g}": [""] * scores.shape[1]
        for level in LEVELS
        for bound in ("low", "high")
    }
    for video, intervals in enumerate(residuals.intervals(scores)):
        for each in intervals:
            table[f"low_{100 * each.level:g}"][video] = each.low
            table[f"high_{100 * each.level:g}"][video] = each.high
    return table


def held(residuals: Residuals, scores: np.ndarray, crops: Crops) -> list[dict[str, Any]]:
    """Computes how many videos lie within their intervals.

    Args:
      residuals: of the cross-validation.
      scores: f[M,V], of the videos by each network.
      crops: of the V videos.

    Returns:
      For each level that exists `level`, `coverage` with its 95 % interval over subjects
      (`coverage_low`, `coverage_high`), and `mean_width` in points.
    """
    found = residuals.intervals(scores)
    subjects = crops.subjects
    result = []
    for place in range(min(map(len, found))):
        level = found[0][place].level
        low = np.array([each[place].low for each in found])
        high = np.array([each[place].high for each in found])
        within = ((low <= crops.scores) & (crops.scores <= high)).astype(float)
        # The mean of a share is a statistic as any other.
        interval = bootstrap(_first_mean, within, within, subjects)
        result.append(
            {
                "level": level,
                "coverage": float(within.mean()),
                "coverage_low": interval and interval.low,
                "coverage_high": interval and interval.high,
                "mean_width": float((high - low).mean()),
            }
        )
    return result


def _first_mean(values, _, weights=None):
    return float(values.mean()) if weights is None else weights @ values / weights.sum(-1)

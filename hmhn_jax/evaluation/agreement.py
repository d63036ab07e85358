"""Agreement of predictions with true scores: limits of agreement and severity confusion."""

import numpy as np

from hmhn_jax.base.scale import Scale
from hmhn_jax.base.shapes import check_same_shape


def limits_of_agreement(predictions: np.ndarray, scores: np.ndarray) -> dict[str, float | None]:
    """Computes the bias and the limits of agreement (Bland and Altman, 1986), in points.

    Of predictions and scores f[V]; unequal shapes raise ValueError.

    Returns:
      `bias`, the mean of prediction minus score; `limit_low` and `limit_high`, 1.96 sample standard
      deviations from it, between which 95 % of differences lie if they are normal; None with fewer
      than two videos.
    """
    predictions, scores = np.asarray(predictions, np.float64), np.asarray(scores, np.float64)
    check_same_shape(predictions=predictions, scores=scores)
    differences = predictions - scores
    bias = float(differences.mean())
    if len(differences) < 2:
        return {"bias": bias, "limit_low": None, "limit_high": None}
    reach = 1.96 * float(differences.std(ddof=1))
    return {"bias": bias, "limit_low": bias - reach, "limit_high": bias + reach}


def severity_confusion(predictions: np.ndarray, scores: np.ndarray, scale: Scale) -> np.ndarray:
    """Counts the videos of each true band (row) by predicted band, i64[B,B]; [0,0] without bands.

    Args:
      predictions: f[V], on the scale.
      scores: f[V], on the scale.
      scale: with its B bands.
    """
    names = [band.name for band in scale.bands]
    counts = np.zeros((len(names), len(names)), np.int64)
    for pair in zip(scores, predictions, strict=True) if names else ():
        counts[tuple(names.index(scale.band_name(each)) for each in pair)] += 1
    return counts

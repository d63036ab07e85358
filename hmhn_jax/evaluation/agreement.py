"""Agreement of predictions with true scores: limits of agreement and severity confusion."""

import numpy as np

from hmhn_jax.base.bdi import SEVERITIES, severity
from hmhn_jax.base.shapes import check_same_shape


def limits_of_agreement(predictions: np.ndarray, scores: np.ndarray) -> dict[str, float | None]:
    """Computes the bias and the limits of agreement (Bland and Altman, 1986), in BDI-II points.

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


def severity_confusion(predictions: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Counts videos f[V] by true level (row) and predicted level, i64[4,4]; scores are 0 to 63."""
    levels = list(SEVERITIES)
    counts = np.zeros((len(levels), len(levels)), np.int64)
    for prediction, score in zip(predictions, scores, strict=True):
        counts[levels.index(severity(score)), levels.index(severity(prediction))] += 1
    return counts

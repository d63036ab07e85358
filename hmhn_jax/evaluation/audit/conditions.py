"""Predictions against recording conditions, over people, without what the score explains."""

from typing import Any

import numpy as np

from hmhn_jax.baselines.extract import Table
from hmhn_jax.evaluation.audit.people import (
    adjusted_p_values,
    correlations,
    person_means,
    without_score,
)
from hmhn_jax.evaluation.bootstrap import bootstrap
from hmhn_jax.evaluation.metrics import pearson_correlation
from hmhn_jax.recordings.subjects import LEAST_SUBJECTS

LABELS = {"duration_s": "clip length", "width": "frame width", "height": "frame height"}
_CONSTANT = 1e-9  # of a condition's size: what varies less is the same for everybody


def follow(
    predictions: np.ndarray, scores: np.ndarray, subjects: np.ndarray, conditions: Table
) -> list[dict[str, Any]]:
    """Correlates predictions with each condition.

    Prediction minus score has the same partial correlation, given the score, as the prediction.

    Args:
      predictions: f[V].
      scores: f[V].
      subjects: [V], whose video each is.
      conditions: of the V videos.

    Returns:
      A row a condition that is known of all videos and varies, the closest first: `condition`;
      `r`, the partial correlation, with `r_low` and `r_high` (95 % over people); `p`, see
      `adjusted_p_values`; `score_r`, how the score itself correlates with it. None of fewer than
      `LEAST_SUBJECTS` people.
    """
    if len(np.unique(subjects)) < LEAST_SUBJECTS:
        return []
    people = np.unique(subjects)
    scores, predictions, values = (
        person_means(each, subjects) for each in (scores, predictions, conditions.values)
    )
    unexplained = without_score(values, scores)
    varies = np.isfinite(values).all(axis=0)
    varies &= np.nan_to_num(unexplained.std(axis=0)) > _CONSTANT * (1 + np.abs(values).max(axis=0))
    columns, rest = unexplained[:, varies], without_score(predictions, scores)
    names = [name for name, kept in zip(conditions.names, varies, strict=True) if kept]
    if not names:
        return []
    found = correlations(columns, rest)
    p_values = adjusted_p_values(columns, rest, scores)
    rows = []
    for place in np.argsort(-np.abs(found), kind="stable").tolist():
        between = bootstrap(pearson_correlation, rest, columns[:, place], people)
        rows.append(
            {
                "condition": LABELS.get(names[place], names[place].replace("_", " ")),
                "r": float(found[place]),
                "r_low": between and between.low,
                "r_high": between and between.high,
                "p": float(p_values[place]),
                "score_r": float(correlations(values[:, varies][:, [place]], scores)[0]),
            }
        )
    return rows

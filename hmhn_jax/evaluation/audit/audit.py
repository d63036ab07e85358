"""Shortcut audit: signs that the score comes from the recording and not from the face.

It finds what it looks for, and only where predictions show it: a shortcut that is as good as the
face in these videos stays hidden. All its tests together raise a false alarm in 5 % of cases.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from hmhn_jax.baselines.extract import Table
from hmhn_jax.evaluation.audit.conditions import follow
from hmhn_jax.evaluation.audit.identity import nearness
from hmhn_jax.evaluation.audit.people import person_means
from hmhn_jax.evaluation.audit.views import views
from hmhn_jax.evaluation.bootstrap import bootstrap
from hmhn_jax.evaluation.metrics import pearson_correlation
from hmhn_jax.input_pipeline.crops import Crops
from hmhn_jax.recordings.subjects import LEAST_SUBJECTS

FALSE_ALARMS = 0.05
P_VALUE = FALSE_ALARMS / 4  # of each: conditions, border, person, colour
NUM_CROPS = 480  # evenly over all videos; each is scored once a view
COLOUR_OF = 64  # crops whose mean colour covers what is hidden
SAME_SCORE = 0.05  # of the scale's range
LEAST_FALL = 0.1  # of the correlation without colour, to be worth a word
MOST_NAMED = 3  # conditions in the verdict

NOTHING = "no shortcut found among those looked for"


def audit(
    score: Callable[[np.ndarray], np.ndarray],
    features: Callable[[np.ndarray], np.ndarray],
    crops: Crops,
    predictions: np.ndarray,
    conditions: Table | None,
    *,
    padding: float,
    limits: tuple[float, float],
    batch_size: int,
) -> dict[str, Any] | None:
    """Looks for shortcuts.

    Args:
      score: u8[B,S,S,3] -> f[B], of batches of one size.
      features: u8[B,S,S,3] -> f[B,D].
      crops: of a split.
      predictions: f[V], of all of its crops.
      conditions: of the V videos; None where they are not known.
      padding: of the crops.
      limits: the lowest and the highest score that there is.
      batch_size: crops scored at once.

    Returns:
      conditions: see `conditions.follow`.
      views: a row each of `views.views`: `view`, `r` of the videos' scores with the predictions
        from it, over people, with `r_low`, `r_high` (95 %), `r_fall` (below that of everything)
        and its interval, and `change`, the mean absolute change of a video's prediction.
      person: see `identity.nearness`.
      found: a line each.
      verdict: one line.
      num_crops, num_people, false_alarms.
      None of fewer than `LEAST_SUBJECTS` people.
    """
    subjects = crops.subjects
    num_people = len(np.unique(subjects))
    if num_people < LEAST_SUBJECTS:
        return None
    scores = crops.scores.astype(np.float64)
    chosen = np.linspace(0, len(crops) - 1, min(NUM_CROPS, len(crops))).astype(int)
    chosen = np.union1d(chosen, np.unique(crops.video_of_crop, return_index=True)[1])
    of_views, of_videos = _score_views(score, features, crops, chosen, padding, batch_size)
    of_conditions = [] if conditions is None else follow(predictions, scores, subjects, conditions)
    tolerance = SAME_SCORE * (limits[1] - limits[0])
    person = nearness(of_videos, crops.videos, tolerance)
    rows = _view_rows(of_views, scores, subjects)
    found = [*_conditions_found(of_conditions), *_views_found(rows), *_person_found(person)]
    return {
        "conditions": of_conditions,
        "views": rows,
        "person": person,
        "found": found,
        "verdict": "; ".join(found) or NOTHING,
        "num_crops": len(chosen),
        "num_people": num_people,
        "false_alarms": FALSE_ALARMS,
    }


def _score_views(score, features, crops, chosen, padding, batch_size):
    """Returns each view's predictions of the videos, f64[V] by view, and features f64[V,D]."""
    some = crops.images(chosen[np.linspace(0, len(chosen) - 1, COLOUR_OF).astype(int)])
    seen = views(padding, np.rint(some.mean(axis=(0, 1, 2))).astype(np.uint8))
    values: dict[str, list[np.ndarray]] = {name: [] for name in seen}
    vectors = []
    for start in range(0, len(chosen), batch_size):
        indices = chosen[start : start + batch_size]
        images = crops.images(np.resize(indices, batch_size))  # the last batch repeats its first
        for name, view in seen.items():
            values[name].append(score(view(images))[: len(indices)])
        vectors.append(features(images)[: len(indices)])
    videos = crops.video_of_crop[chosen]
    of_views = {name: person_means(np.concatenate(each), videos) for name, each in values.items()}
    return of_views, person_means(np.concatenate(vectors), videos)


def _view_rows(of_views, scores, subjects):
    people = np.unique(subjects)
    scores_of_people = person_means(scores, subjects)
    everything = person_means(of_views["everything"], subjects)
    rows = []
    for name, of_videos in of_views.items():
        values = person_means(of_videos, subjects)
        row = {"view": name, "change": float(np.abs(of_videos - of_views["everything"]).mean())}

        def fall(values, scores, weights=None):
            whole = pearson_correlation(everything, scores, weights)
            return whole - pearson_correlation(values, scores, weights)

        for label, statistic in (("r", pearson_correlation), ("r_fall", fall)):
            value = statistic(values, scores_of_people)
            between = bootstrap(statistic, values, scores_of_people, people)
            row[label] = value if np.isfinite(value) else None
            row[f"{label}_low"] = between and between.low
            row[f"{label}_high"] = between and between.high
        row["p"] = (
            None
            if row["r"] is None
            else float(stats.pearsonr(values, scores_of_people, alternative="greater").pvalue)
        )
        rows.append(row)
    return rows


def _conditions_found(rows):
    named = [row for row in rows if row["p"] < P_VALUE][:MOST_NAMED]
    return [f"predictions follow {row['condition']}, r = {_value(row, 'r')}" for row in named]


def _views_found(rows):
    by_name = {row["view"]: row for row in rows}
    found = []
    border, grey = by_name["border only"], by_name["grey"]
    if border["p"] is not None and border["p"] < P_VALUE:
        found.append(f"the border without the face predicts the score, r = {_value(border, 'r')}")
    if grey["r_fall_low"] is not None and grey["r_fall_low"] > LEAST_FALL:
        found.append(f"predictions need colour: without it r falls by {_value(grey, 'r_fall')}")
    return found


def _person_found(person):
    if person is None or person["p"] >= P_VALUE:
        return []
    between = ""
    if person["share_low"] is not None:
        between = f" ({100 * person['share_low']:.0f} to {100 * person['share_high']:.0f} %)"
    share = f"{100 * person['share']:.0f} %"
    return [
        "features know the person: another session of the same person is nearer than one of "
        f"another person with the same score in {share} of cases{between}"
    ]


def _value(row, name):
    text = f"{row[name]:.2f}"
    if row[f"{name}_low"] is None:
        return text
    return f"{text} ({row[f'{name}_low']:.2f} to {row[f'{name}_high']:.2f})"

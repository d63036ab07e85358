"""Errors by severity, by task, and by any other column of the dataset."""

import collections
import math
from collections.abc import Mapping, Sequence

import numpy as np

from hmhn_jax.base.scale import Scale
from hmhn_jax.evaluation.bootstrap import Statistic, bootstrap
from hmhn_jax.evaluation.metrics import (
    mean_absolute_error,
    mean_error,
    root_mean_squared_error,
)
from hmhn_jax.input_pipeline.crops import Video

NOT_GIVEN = "not given"
MAX_TEXTS = 8  # of a column with more different texts each would stand for hardly any video
NUM_QUANTILES = 4
MEANS: dict[str, Statistic] = {"mae": mean_absolute_error, "bias": mean_error}
_NOT_A_GROUP = ("session",)  # says which videos belong together, not what they are like


def group_errors(
    videos: Sequence[Video],
    predictions: np.ndarray,
    scale: Scale,
    details: Mapping[str, Mapping[str, str]],
    anonymous: bool = False,
) -> list[dict]:
    """Computes errors by group, for each column that divides the videos into several.

    Numbers with more than four different values are parted at their quartiles. Texts with more
    than `MAX_TEXTS` different values are left out.

    Args:
      videos: the V videos.
      predictions: f[V].
      scale: of both.
      details: what else is known of a video by its id, {"v1": {"age": "34", "sex": "f"}}.
      anonymous: leaves out columns that may name people: those with a group of a single subject,
        and those in which each subject has another value.

    Returns:
      [{"column": "age", "groups": [{"group": "18 to 30", "num_videos", "mae", "rmse", "bias"}],
      "differences"}], the band of the true score first, then the task. `bias` is the mean of
      prediction minus score. Each video is in exactly one group of a column. `mae_low`,
      `mae_high`, `bias_low`, `bias_high`: 95 % over people, None of fewer than `LEAST_SUBJECTS`.
      `differences` has, of a column of two groups, `mae` and `bias` of the first minus those of the
      second, with intervals for which people are drawn once for both groups.
    """
    severities = [scale.band_name(video.score) for video in videos]
    names = [band.name for band in scale.bands if band.name in severities]
    columns = [("severity", severities, names)]
    known = [details.get(video.video_id, {}) for video in videos]
    texts = {"task": [video.task for video in videos]}
    for name in sorted({name for each in known for name in each} - set(_NOT_A_GROUP)):
        texts[name] = [str(each.get(name) or "").strip() for each in known]
    subjects = [video.subject_id for video in videos]
    for name, values in texts.items():
        labels, groups = _by_value(values) if name == "task" else _part(values)
        most = max(_subjects_a_value(values, subjects), default=0)
        if not anonymous or (most > 1 and min(_subjects_a_value(labels, subjects)) > 1):
            columns.append((name, labels, groups))
    scores, people = np.array([video.score for video in videos]), np.array(subjects)
    return [
        {
            "column": name,
            "groups": [
                {"group": group} | _errors(predictions, scores, people, np.array(labels) == group)
                for group in groups
            ],
            "differences": _differences(
                predictions,
                scores,
                people,
                [np.array(labels) == each for each in groups],
            ),
        }
        for name, labels, groups in columns
        if len(groups) > 1
    ]


def _subjects_a_value(values, subjects):
    """Returns how many subjects have each value."""
    pairs = {(value, subject) for value, subject in zip(values, subjects, strict=True) if value}
    return list(collections.Counter(value for value, _ in pairs).values())


def _errors(predictions, scores, subjects, chosen):
    predictions, scores, subjects = predictions[chosen], scores[chosen], subjects[chosen]
    return {
        "num_videos": int(chosen.sum()),
        "rmse": root_mean_squared_error(predictions, scores),
    } | _with_intervals(MEANS, predictions, scores, subjects)


def _differences(predictions, scores, subjects, groups):
    """Compares the errors of two groups; None of another number."""
    if len(groups) != 2:
        return None

    def between(statistic):
        def difference(predictions, scores, weights=None):
            weights = np.ones(len(scores)) if weights is None else weights
            one, other = (
                statistic(predictions[group], scores[group], np.atleast_2d(weights)[:, group])
                for group in groups
            )
            return (one - other)[0] if weights.ndim == 1 else one - other

        return difference

    statistics = {name: between(statistic) for name, statistic in MEANS.items()}
    with np.errstate(invalid="ignore"):  # a resample may lack a group: there is no interval then
        return _with_intervals(statistics, predictions, scores, subjects)


def _with_intervals(statistics, predictions, scores, subjects):
    values: dict[str, float | None] = {}
    for name, statistic in statistics.items():
        interval = bootstrap(statistic, predictions, scores, subjects)
        values[name] = float(statistic(predictions, scores))
        values[f"{name}_low"] = interval and interval.low
        values[f"{name}_high"] = interval and interval.high
    return values


def _part(texts):
    """Returns each video's group and the ordered groups; no groups where the texts give none."""
    given = {text for text in texts if text}
    numbers = {text: number for text in given if (number := _number(text)) is not None}
    if given and len(numbers) == len(given):
        if len(set(numbers.values())) > NUM_QUANTILES:
            return _by_quantile(texts, numbers)
        labels = {text: f"{number:.10g}" for text, number in numbers.items()}
        return _by_value([labels.get(text, "") for text in texts], order=float)
    return _by_value(texts) if len(given) <= MAX_TEXTS else (texts, [])


def _number(text):
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _by_value(texts, order=None):
    groups = sorted({text for text in texts if text}, key=order)
    if "" in texts:
        groups.append(NOT_GIVEN)
    return [text or NOT_GIVEN for text in texts], groups


def _by_quantile(texts, numbers):
    values = np.array([numbers.get(text, np.nan) for text in texts])
    shares = np.arange(1, NUM_QUANTILES) / NUM_QUANTILES
    places = np.searchsorted(np.nanquantile(values, shares), values, side="left")
    labels = [""] * len(texts)
    groups = []
    for place in range(NUM_QUANTILES):
        (members,) = np.nonzero(np.isfinite(values) & (places == place))
        if len(members):
            least, most = (f"{edge(values[members]):.10g}" for edge in (np.min, np.max))
            groups.append(least if least == most else f"{least} to {most}")
            for member in members:
                labels[member] = groups[-1]
    if "" in labels:
        groups.append(NOT_GIVEN)
    return [label or NOT_GIVEN for label in labels], groups

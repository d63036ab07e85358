"""Errors by severity, by task, and by any other column of the dataset."""

import collections
import math
from collections.abc import Mapping, Sequence

import numpy as np

from hmhn_jax.base.scale import Scale
from hmhn_jax.evaluation.bootstrap import bootstrap
from hmhn_jax.evaluation.metrics import (
    mean_absolute_error,
    mean_error,
    root_mean_squared_error,
)
from hmhn_jax.input_pipeline.crops import Video

NOT_GIVEN = "not given"
MAX_TEXTS = 8  # of a column with more different texts each would stand for hardly any video
NUM_QUANTILES = 4
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
      [{"column": "age", "groups": [{"group": "18 to 30", "num_videos", "mae", "rmse", "bias"}]}],
      the band of the true score first, then the task. `bias` is the mean of prediction minus
      score; of it and of the MAE NAME_low and NAME_high are 95 % intervals over subjects, None of
      few. Each video is in exactly one group of a column.
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
    scores, names = np.array([video.score for video in videos]), np.array(subjects)
    return [
        {
            "column": name,
            "groups": [
                {"group": group} | _errors(predictions, scores, names, np.array(labels) == group)
                for group in groups
            ],
        }
        for name, labels, groups in columns
        if len(groups) > 1
    ]


def _subjects_a_value(values, subjects):
    """Returns how many subjects have each value."""
    pairs = {(value, subject) for value, subject in zip(values, subjects, strict=True) if value}
    return list(collections.Counter(value for value, _ in pairs).values())


def _errors(predictions, scores, subjects, chosen):
    pairs = predictions[chosen], scores[chosen]
    result = {"num_videos": int(chosen.sum()), "rmse": root_mean_squared_error(*pairs)}
    for name, statistic in {"mae": mean_absolute_error, "bias": mean_error}.items():
        interval = bootstrap(statistic, *pairs, subjects[chosen])
        result[name] = statistic(*pairs)
        result[f"{name}_low"] = interval and interval.low
        result[f"{name}_high"] = interval and interval.high
    return result


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

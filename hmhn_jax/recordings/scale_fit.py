"""Fit of scores to a scale: do they look like those of another one?"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from hmhn_jax.base import scales
from hmhn_jax.base.scale import Scale
from hmhn_jax.recordings.recording import Recording
from hmhn_jax.recordings.tables.table import plain

# Fewer scores say too little about how far a scale reaches.
LEAST_SCORES = 20
# Of a range, what all scores of such a sample are hardly below; docs/data/scales.md has the rates.
LOW_PART = 0.5


def column_names(chosen: Iterable[Scale]) -> list[str]:
    """Returns what tables call a column of scores on one of these scales."""
    names = [plain(name) for scale in chosen for name in scale.columns]
    return [
        f"{name}{end}" for name in names for end in ("", " score", " total", " total score", " sum")
    ]


def better(recordings: Sequence[Recording], scale: Scale) -> list[str]:
    """Returns the presets whose range the scores fit better than that of `scale`.

    These are the presets that end in the lower half of the scale's range and below which no score
    lies out of at least `LEAST_SCORES`. Several videos of one person with one score count once.
    """
    scores = {(each.subject_id, each.score): each.score for each in recordings}.values()
    if len(scores) < LEAST_SCORES:
        return []
    most = scale.least + LOW_PART * scale.span
    return [
        name
        for name, other in scales.presets().items()
        if other.least <= min(scores) and max(scores) <= other.greatest <= most
    ]


def question(path: Path, column: str, recordings: Sequence[Recording]) -> str:
    """Returns a line that asks for the scale, empty where the default one fits.

    Args:
      path: of the table, which no word about the scale goes with.
      column: what it calls the scores.
      recordings: that it lists.
    """
    default, presets = scales.default(), scales.presets()
    others = [name for name in presets if plain(column) in column_names([presets[name]])]
    reason, also = f"the column {column} sounds like", f" and --config.data.columns=score:{column}"
    if not others:
        others = better(recordings, default)
        largest = max((each.score for each in recordings), default=0)
        reason, also = f"no score is above {largest:g}, which fits", ""
    if not others or scales.DEFAULT in others:
        return ""
    return (
        f"{path}: expected to be told the scale: {reason} "
        f"{' or '.join(presets[name].name for name in others)} better than {default}; say "
        f"--config.data.scale={' or '.join(others)}, or {scales.DEFAULT}{also} if it is that"
    )


def warnings(recordings: Sequence[Recording], scale: Scale) -> list[str]:
    """Returns a line if the scores look like those of another scale than they are said to be on."""
    largest = max((each.score for each in recordings), default=scale.greatest)
    ends = [
        name
        for name, other in scales.presets().items()
        if largest == other.greatest < scale.greatest
    ]
    if not (others := better(recordings, scale) or ends):
        return []
    names = " or ".join(str(scales.presets()[name]) for name in others)
    return [
        f"the largest score is {largest:g}: these may be scores on {names}, not on {scale}; "
        "--config.data.scale says which"
    ]

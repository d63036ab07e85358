"""Label files of AVEC 2013 and 2014: one whole number, and the session in the file's name."""

import dataclasses
import os
import re
from collections.abc import Mapping
from pathlib import Path

from hmhn_jax.base import scales
from hmhn_jax.base.errors import UserError
from hmhn_jax.recordings.file_names import files_below, plain_name
from hmhn_jax.recordings.tables.cells import parse_score
from hmhn_jax.recordings.tables.sheets import decode

# The releases also hold frame-wise labels of emotions, such as 203_1_Freeform_AROUSAL.csv.
_NAME = re.compile(r"(\d+_\d+)(_(freeform|northwind))?(_depression)?")


@dataclasses.dataclass(frozen=True)
class Label:
    """A session's score in BDI-II points, and its label file."""

    path: Path
    score: float


def read_labels(files: list[Path]) -> tuple[dict[str, Label], dict[str, list[str]]]:
    """Reads the depression labels among some files.

    Returns:
      ({session: its label}, {session: a line for each label that is no score or contradicts
      another}).
    """
    labels: dict[str, Label] = {}
    problems: dict[str, list[str]] = {}
    for path in files:
        stem, suffix = os.path.splitext(plain_name(path.name))
        match = _NAME.fullmatch(stem)
        if suffix != ".csv" or not match:
            continue
        if not match[4] and "depression" not in path.parent.name.lower():
            continue
        try:
            label = Label(path, _read(path))
            first = labels.setdefault(match[1], label)
            if first.score != label.score:
                raise UserError(
                    f"{path}: says {label.score:g} for session {match[1]}, but {first.path} says "
                    f"{first.score:g}; keep the right one"
                )
        except UserError as error:
            problems.setdefault(match[1], []).append(str(error))
    return labels, problems


def disagreements(scores: Mapping[str, float], other_root: Path) -> list[dict]:
    """Compares {session: score} with the labels below the other release's folder.

    Returns:
      {"session", "score", "other_score", "other_file"} of each session whose score differs.
    """
    others, _ = read_labels(files_below(other_root))
    return [
        {
            "session": session,
            "score": score,
            "other_score": others[session].score,
            "other_file": str(others[session].path),
        }
        for session, score in sorted(scores.items())
        if session in others and others[session].score != score
    ]


def _read(path: Path) -> float:
    try:
        text, _ = decode(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as text: {error}") from error
    values = text.split()
    if len(values) != 1:
        raise UserError(f"{path}, line 1: expected one score and nothing else, got {len(values)}")
    try:
        score = parse_score(values[0], scales.presets()["bdi2"])
    except UserError as error:
        raise UserError(f"{path}, line 1: {error}") from error
    if not score.is_integer():
        raise UserError(f"{path}, line 1: expected a whole number, got {values[0]}")
    return score

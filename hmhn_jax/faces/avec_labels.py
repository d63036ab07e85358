"""The label files of AVEC 2013 and 2014: one whole number, and the session in the file's name."""

import dataclasses
import os
import re
from collections.abc import Mapping
from pathlib import Path

from hmhn_jax import bounded_files
from hmhn_jax.errors import UserError
from hmhn_jax.faces.recordings import parse_score

# The releases also hold frame-wise labels of emotions, such as 203_1_Freeform_AROUSAL.csv.
_NAME = re.compile(r"(\d+_\d+)(_(freeform|northwind))?(_depression)?", re.IGNORECASE)

MOST_FOLDERS = 100_000  # of a release or an input


@dataclasses.dataclass(frozen=True)
class Label:
    """A session's score in BDI-II points, and the file that says it."""

    path: Path
    score: float


@dataclasses.dataclass(frozen=True)
class Disagreement:
    """A session whose score is another one in the other year's release.

    Attributes:
      session: such as "205_1".
      score: BDI-II points here.
      other_score: BDI-II points in `other_file`.
      other_file: the other release's label.
    """

    session: str
    score: float
    other_score: float
    other_file: str


def files_below(root: Path) -> list[Path]:
    """All files at any depth below a folder, in order, but hidden ones, pipes and devices.

    Links are followed, but none back to a folder that the way to it leads through.

    Raises:
      UserError: there are more than `MOST_FOLDERS`, as links to each other make many of few.
    """
    files, num_folders = [], 1
    ways = {str(root): (os.path.realpath(root),)}  # the real folders on the way to each
    for folder, subfolders, names in os.walk(root, followlinks=True):
        way = ways.pop(folder)
        # What macOS leaves in archives has names like the real files.
        below = {name: os.path.join(folder, name) for name in subfolders if name != "__MACOSX"}
        real = {name: os.path.realpath(path) for name, path in below.items()}
        subfolders[:] = [name for name in below if real[name] not in way]
        ways |= {below[name]: (*way, real[name]) for name in subfolders}
        num_folders += len(subfolders)
        if num_folders > MOST_FOLDERS:
            raise UserError(f"{root}: expected at most {MOST_FOLDERS} folders in it, got more")
        files += [Path(folder, name) for name in names if not name.startswith(".")]
    return sorted(path for path in files if path.is_file())


def read_labels(files: list[Path]) -> tuple[dict[str, Label], list[str]]:
    """Reads the depression labels among some files.

    Returns:
      ({session: its label}, a line for each label that is no score or contradicts another).
    """
    labels: dict[str, Label] = {}
    problems = []
    for path in files:
        match = _NAME.fullmatch(path.stem)
        if path.suffix.lower() != ".csv" or not match:
            continue
        if not match[4] and "depression" not in path.parent.name.lower():
            continue
        try:
            label = Label(path, _read(path))
        except UserError as error:
            problems.append(str(error))
            continue
        first = labels.setdefault(match[1], label)
        if first.score != label.score:
            problems.append(
                f"{path}: says {label.score:g} for session {match[1]}, but {first.path} says "
                f"{first.score:g}; keep the right one"
            )
    return labels, problems


def disagreements(scores: Mapping[str, float], other_root: Path) -> list[Disagreement]:
    """Compares {session: BDI-II points} with the labels below the other release's folder."""
    others, _ = read_labels(files_below(other_root))
    return [
        Disagreement(session, score, others[session].score, str(others[session].path))
        for session, score in sorted(scores.items())
        if session in others and others[session].score != score
    ]


def _read(path: Path) -> float:
    try:
        values = bounded_files.read_text(path, "utf-8-sig").split()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as text: {error}") from error
    if len(values) != 1:
        raise UserError(f"{path}, line 1: expected one score and nothing else, got {len(values)}")
    try:
        score = parse_score(values[0])
    except UserError as error:
        raise UserError(f"{path}, line 1: {error}") from error
    if not score.is_integer():
        raise UserError(f"{path}, line 1: expected a whole number, got {values[0]}")
    return score

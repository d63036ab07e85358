"""A recording: one video file of one subject, with its BDI-II score. A table of many."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from hmhn_jax.bdi import MAX_SCORE
from hmhn_jax.errors import UserError, one_line
from hmhn_jax.faces.csv_rows import read_rows

SPLITS = ("train", "validation", "test")
LABEL_COLUMNS = ("file", "subject", "task", "split", "score")
TASK_WITHOUT_NAME = "video"


@dataclasses.dataclass(frozen=True)
class Recording:
    """One video of one subject.

    Attributes:
      path: the video file.
      video_id: unique in its dataset; names the video in every result.
      subject_id: who is seen; the same person has one id in all splits.
      task: what the subject was doing, such as "freeform".
      split: one of `SPLITS`.
      score: BDI-II points, 0 to 63.
    """

    path: Path
    video_id: str
    subject_id: str
    task: str
    split: str
    score: float


@dataclasses.dataclass(frozen=True)
class Found:
    """What a folder of recordings holds, and what is wrong with it.

    Attributes:
      recordings: videos with all that a `Recording` needs.
      details: {video_id: {name: value}}, what is known of a video beyond that, such as an age.
      facts: a line each for what is worth knowing but stops nothing, such as a missing clip.
      problems: a line each, with file and line, for what a person must decide or mend.
    """

    recordings: tuple[Recording, ...]
    details: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    facts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def __post_init__(self):
        for name in ("facts", "problems"):  # they quote what strangers wrote
            object.__setattr__(self, name, tuple(map(one_line, getattr(self, name))))

    def refuse_problems(self) -> None:
        """Raises UserError with the first problem and how many more there are."""
        if not self.problems:
            return
        rest = len(self.problems) - 1
        more = f"; and {rest} more, which `run.py --mode doctor` lists" if rest else ""
        raise UserError(self.problems[0] + more)


def read_labels(csv_path: Path) -> list[Recording]:
    """Reads a table in which every column of `LABEL_COLUMNS` must be filled.

    Returns:
      The recordings in the table's order, at least one; see `read_table`.

    Raises:
      UserError: for the first defect, naming the table and the line.
    """
    found = read_table(csv_path, required=LABEL_COLUMNS)
    found.refuse_problems()
    return list(found.recordings)


def read_table(csv_path: Path, required: Sequence[str] = ("file", "subject", "score")) -> Found:
    """Reads a table of recordings, one video a row.

    Args:
      csv_path: a comma-separated file with a header. `file` is relative to the folder the table
        lies in (or absolute); without its suffix and the folder that all files share it becomes
        the `video_id`. Columns beyond `LABEL_COLUMNS` become the video's details.
      required: columns that must be there. Without `task` every recording has the task
        `TASK_WITHOUT_NAME`, without `split` an empty split.

    Returns:
      The rows without a defect in the table's order. `problems` has a line for each defective row:
      a missing value, a score that is no number from 0 to 63, an unknown split, a video that does
      not exist or is listed twice, a subject in two splits.

    Raises:
      UserError: the table cannot be read, lacks a column or has no rows.
    """
    csv_path = Path(csv_path)
    recordings, details, problems = [], [], []
    line_of_video: dict[str, int] = {}
    first_of_session: dict[tuple[str, str], tuple[float, int]] = {}
    first_of_subject: dict[str, tuple[str, int]] = {}
    for line, row in read_rows(csv_path, required):
        try:
            recording = _recording(row, csv_path.parent)
            video, subject, split = recording.video_id, recording.subject_id, recording.split
            first_line = line_of_video.setdefault(video, line)
            if first_line != line:
                raise UserError(
                    f'video "{video}" is listed already in line {first_line} '
                    "(endings such as .mp4 do not tell videos apart)"
                )
            first_split, first_line = first_of_subject.setdefault(subject, (split, line))
            if first_split != split:
                raise UserError(
                    f'subject "{subject}" is in split "{split}" here but in '
                    f'"{first_split}" in line {first_line}; a subject belongs to one split'
                )
            session = (subject, row.get("session") or video)
            first_score, first_line = first_of_session.setdefault(session, (recording.score, line))
            if first_score != recording.score:
                raise UserError(
                    f'session "{session[1]}" of subject "{subject}" has score {recording.score:g} '
                    f"here but {first_score:g} in line {first_line}; one session has one score"
                )
        except UserError as error:
            problems.append(f"{csv_path}, line {line}: {error}")
            continue
        recordings.append(recording)
        details.append({name: row[name] for name in row if name not in LABEL_COLUMNS})
    if not recordings and not problems:
        raise UserError(f"{csv_path}: no recordings, only a header")
    recordings = _without_shared_folder(recordings)
    ids = [recording.video_id for recording in recordings]
    named = {video_id: each for video_id, each in zip(ids, details, strict=True) if each}
    return Found(tuple(recordings), named, problems=tuple(problems))


def parse_score(text: str) -> float:
    """BDI-II points; raises UserError for anything but a number from 0 to 63."""
    try:
        score = float(text if text.isascii() and "_" not in text else "")
    except ValueError:
        raise UserError(f'score "{text}" is not a number') from None
    if not 0 <= score <= MAX_SCORE:  # also refuses nan
        raise UserError(f"score {text} is not between 0 and {MAX_SCORE}")
    return score


def _recording(row: dict[str, str], folder: Path) -> Recording:
    empty = [name for name in LABEL_COLUMNS if row.get(name) == ""]
    if empty:
        raise UserError(f"no value for {', '.join(empty)}")
    split = row.get("split", "")
    if "split" in row and split not in SPLITS:
        raise UserError(f'split "{split}" is unknown; expected one of {", ".join(SPLITS)}')
    path = folder / row["file"]
    try:
        is_there = path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        is_there = False
    if not is_there:
        raise UserError(f"video {path} does not exist or is no file")
    return Recording(
        path=path,
        # Relative also where the table has absolute paths: where the files lie is not theirs.
        video_id=Path(os.path.relpath(path, folder)).with_suffix("").as_posix(),
        subject_id=row["subject"],
        task=row.get("task", TASK_WITHOUT_NAME),
        split=split,
        score=parse_score(row["score"]),
    )


def _without_shared_folder(recordings: list[Recording]) -> list[Recording]:
    folders = {os.path.dirname(recording.video_id) for recording in recordings}
    shared = os.path.commonpath(folders) if folders else ""
    return [
        dataclasses.replace(recording, video_id=os.path.relpath(recording.video_id, shared or "."))
        for recording in recordings
    ]

"""A recording: one video file of one subject, with its BDI-II score."""

import csv
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from hmhn_jax.bdi import MAX_SCORE
from hmhn_jax.errors import UserError

SPLITS = ("train", "validation", "test")
LABEL_COLUMNS = ("file", "subject", "task", "split", "score")


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


def read_labels(csv_path: Path) -> list[Recording]:
    """Reads a table of recordings: `file,subject,task,split,score`, one video a row.

    Args:
      csv_path: a comma-separated file with a header. `file` is relative to the folder the table
        lies in (or absolute); without its suffix and the folder that all files share it becomes
        the `video_id`. Columns beyond `LABEL_COLUMNS` are ignored.

    Returns:
      The recordings in the table's order, at least one.

    Raises:
      UserError: for the first defect, naming the table and the line: a missing column or value, a
        score that is no number from 0 to 63, an unknown split, a video that does not exist or
        is listed twice, a subject in two splits.
    """
    csv_path = Path(csv_path)
    recordings = []
    line_of_video: dict[str, int] = {}
    first_of_subject: dict[str, tuple[str, int]] = {}
    for line, row in _rows(csv_path):
        where = f"{csv_path}, line {line}"
        recording = _recording(row, csv_path.parent, where)
        video, subject, split = recording.video_id, recording.subject_id, recording.split

        first_line = line_of_video.setdefault(video, line)
        if first_line != line:
            raise UserError(f'{where}: video "{video}" is listed already in line {first_line}')
        first_split, first_line = first_of_subject.setdefault(subject, (split, line))
        if first_split != split:
            raise UserError(
                f'{where}: subject "{subject}" is in split "{split}" here but in '
                f'"{first_split}" in line {first_line}; a subject belongs to one split'
            )
        recordings.append(recording)
    if not recordings:
        raise UserError(f"{csv_path}: no recordings, only a header")
    return _without_shared_folder(recordings)


def _rows(csv_path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields (line number, values by column) and makes sure that every value is there."""
    try:
        # Spreadsheet programs start a UTF-8 file with a byte order mark; "-sig" drops it.
        with csv_path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            header = [name.strip() for name in reader.fieldnames or []]
            missing = [name for name in LABEL_COLUMNS if name not in header]
            if missing:
                raise UserError(
                    f"{csv_path}, line 1: missing column {', '.join(missing)}; expected "
                    f"{','.join(LABEL_COLUMNS)}, got {','.join(header) or 'an empty file'}"
                )
            reader.fieldnames = header
            for row in reader:
                row = {name: (row[name] or "").strip() for name in LABEL_COLUMNS}
                empty = [name for name, value in row.items() if not value]
                if empty:
                    raise UserError(
                        f"{csv_path}, line {reader.line_num}: no value for {', '.join(empty)}"
                    )
                yield reader.line_num, row
    except OSError as error:
        raise UserError(f"{csv_path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{csv_path}: not a UTF-8 comma-separated table: {error}") from error


def _recording(row: dict[str, str], folder: Path, where: str) -> Recording:
    if row["split"] not in SPLITS:
        raise UserError(
            f'{where}: split "{row["split"]}" is unknown; expected one of {", ".join(SPLITS)}'
        )
    path = folder / row["file"]
    if not path.is_file():
        raise UserError(f"{where}: video {path} does not exist")
    return Recording(
        path=path,
        video_id=Path(row["file"]).with_suffix("").as_posix(),
        subject_id=row["subject"],
        task=row["task"],
        split=row["split"],
        score=_score(row["score"], where),
    )


def _without_shared_folder(recordings: list[Recording]) -> list[Recording]:
    folders = {os.path.dirname(recording.video_id) for recording in recordings}
    if len({os.path.isabs(folder) for folder in folders}) > 1:
        return recordings
    shared = os.path.commonpath(folders)
    return [
        dataclasses.replace(recording, video_id=os.path.relpath(recording.video_id, shared or "."))
        for recording in recordings
    ]


def _score(text: str, where: str) -> float:
    try:
        score = float(text)
    except ValueError:
        raise UserError(f'{where}: score "{text}" is not a number') from None
    if not 0 <= score <= MAX_SCORE:  # also refuses nan
        raise UserError(f"{where}: score {text} is not between 0 and {MAX_SCORE}")
    return score

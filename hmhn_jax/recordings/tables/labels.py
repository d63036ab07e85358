"""Recordings that a table lists."""

import contextlib
import dataclasses
import functools
import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from hmhn_jax.base import scales
from hmhn_jax.base.errors import UserError
from hmhn_jax.base.formats import VIDEO_SUFFIXES
from hmhn_jax.base.scale import Scale
from hmhn_jax.recordings import scale_fit
from hmhn_jax.recordings.file_names import files_below, index_names, meant
from hmhn_jax.recordings.recording import LABEL_COLUMNS, Found, Recording
from hmhn_jax.recordings.tables import cells, table
from hmhn_jax.recordings.tables.contradictions import refuse_contradiction
from hmhn_jax.recordings.tables.exclusion import excluded

TASK_WITHOUT_NAME = "video"
_NO_DETAILS = (*LABEL_COLUMNS, "use", "start", "end")


def read_labels(path: Path, scale: Scale | None = None) -> list[Recording]:
    """Reads a table in which every column of `LABEL_COLUMNS` must be filled; see `read_table`.

    Raises UserError for the first defect, naming the table and the line.
    """
    found = read_table(path, required=LABEL_COLUMNS, scale=scale)
    found.refuse_problems()
    return list(found.recordings)


def read_table(
    path: Path,
    required: Sequence[str] = ("file", "subject", "score"),
    columns: str = "",
    missing: str = "",
    exclude: Path | None = None,
    scale: Scale | None = None,
) -> Found:
    """Reads a table of recordings, one video a row.

    Args:
      path: a table as of `table.read`. `file` is relative to the folder the table lies in or
        absolute, and may be spelled as other systems spell it, see `file_names.meant`; without its
        suffix and the folder that all files share it becomes the `video_id`. `start` and `end`
        take a part of the file. Columns beyond those of `table.COLUMNS` become details.
      required: columns that must be there. Without `task` every recording has the task
        `TASK_WITHOUT_NAME`, without `split` an empty split.
      columns: what columns are called instead, as for `table.read`.
      missing: codes that stand for a missing score, such as "-99,-9".
      exclude: a list of videos to leave out, see `exclusion.excluded`.
      scale: of the scores; where none is known it is `scales.default`, or a question.

    Returns:
      The rows without a defect in the table's order, but those left out: without a score, with
      `use` no, or excluded. The one fact is what was understood. `problems` has a line for each
      defective row: a missing value, a score that is not on the scale, an unknown split, a
      video that does not exist or is listed twice, a subject in two splits.

    Raises:
      UserError: the table cannot be read, lacks a column or has no rows.
    """
    path = Path(path)
    below = functools.cache(lambda: _names_below(path.parent))
    score_names = scale_fit.column_names([scale] if scale else scales.presets().values())
    read = table.read(path, required, columns, below, score_names)
    is_given, scale = scale is not None, scale or scales.default()
    codes = [code.strip() for code in missing.split(",") if code.strip()]
    has_comma = cells.has_decimal_comma(row["score"] for _, row in read.rows)
    names = {row["file"] for _, row in read.rows}
    unwanted = excluded(exclude, names) if exclude else set()
    find = _file_finder(path.parent, below)
    recordings, details, problems, left_out, respelled = [], [], [], [], []
    reasons: Counter[str] = Counter()
    seen: dict = {}
    for line, row in read.rows:
        try:
            if reason := _why_left_out(row, unwanted, codes):
                reasons[reason] += 1
                with contextlib.suppress(UserError):  # it need not be there
                    left_out.append(find(row["file"]))
                continue
            recording = _recording(row, find, path.parent, scale, has_comma)
            refuse_contradiction(recording, row.get("session"), line, seen)
        except UserError as error:
            problems.append(f"{path}, line {line}: {error}")
            continue
        recordings.append(recording)
        details.append({name: row[name] for name in row if name not in _NO_DETAILS})
        if recording.path != path.parent / row["file"]:
            respelled.append(row["file"])
    without = "".join(f"; {number} {reason} left out" for reason, number in reasons.items())
    if not recordings and not problems:
        raise UserError(f"{path}: no recordings, only a header{without}")
    recordings = _without_shared_folder(recordings)
    ids = [recording.video_id for recording in recordings]
    named = {video_id: each for video_id, each in zip(ids, details, strict=True) if each}
    understood = (
        f"{path.name}: {_described(recordings, read)}{', decimal comma' * has_comma}{without}"
    )
    if respelled:
        understood += f"; {len(respelled)} files are spelled otherwise, such as {respelled[0]}"
    return Found(
        tuple(recordings),
        named,
        (understood,),
        tuple(problems),
        tuple(left_out),
        scale,
        "" if is_given else scale_fit.question(path, read.columns["score"], recordings),
    )


def _described(recordings: list[Recording], read: table.Table) -> str:
    columns = ", ".join(
        name if theirs.lower() == name else f"{name} ({theirs})"
        for name, theirs in read.columns.items()
    )
    num_people = len({recording.subject_id for recording in recordings})
    return f"{len(recordings)} videos of {num_people} people; columns {columns}; {read.form}"


def _why_left_out(row: dict[str, str], unwanted: set[str], codes: list[str]) -> str:
    if not cells.parse_use(row.get("use", "yes")):
        return "not for use"
    if row["file"] in unwanted:
        return "excluded"
    return "without a score" if cells.is_missing(row["score"], codes) else ""


def _names_below(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in files_below(folder)]


def _file_finder(folder: Path, below: Callable[[], list[str]]) -> Callable[[str], Path]:
    """Gives a function from a name in a table to the file that it means."""

    @functools.cache
    def index() -> dict[str, set[str]]:
        return index_names(below(), VIDEO_SUFFIXES)

    def find(name: str) -> Path:
        path = folder / name
        with contextlib.suppress(OSError, ValueError):  # of a name that no file can have
            if path.is_file():
                return path
        try:
            return folder / meant(name, index())
        except UserError as hint:
            end = f"; {hint}" * bool(str(hint))
            raise UserError(f"video {path} does not exist or is no file{end}") from None

    return find


def _recording(
    row: dict[str, str],
    find: Callable[[str], Path],
    folder: Path,
    scale: Scale,
    decimal_comma: bool,
) -> Recording:
    if empty := [name for name in LABEL_COLUMNS if row.get(name) == ""]:
        raise UserError(f"no value for {', '.join(empty)}")
    split = cells.parse_split(row["split"]) if "split" in row else ""
    path = find(row["file"])
    start_s = cells.parse_seconds(row.get("start", ""), "start", decimal_comma) or 0
    end_s = cells.parse_seconds(row.get("end", ""), "end", decimal_comma)
    if end_s is not None and end_s <= start_s:
        raise UserError(f"end {row['end']} is not after start {row.get('start') or 0}")
    # Relative also where the table has absolute paths: where the files lie is not theirs.
    video_id = Path(os.path.relpath(path, folder)).with_suffix("").as_posix()
    if start_s or end_s is not None:
        video_id += f"_{start_s:g}-{'end' if end_s is None else f'{end_s:g}s'}"
    return Recording(
        path=path,
        video_id=unicodedata.normalize("NFC", video_id),
        subject_id=row["subject"],
        task=row.get("task", TASK_WITHOUT_NAME),
        split=split,
        score=_score(row["score"], scale, decimal_comma),
        start_s=start_s,
        end_s=end_s,
    )


def _score(text: str, scale: Scale, decimal_comma: bool) -> float:
    try:
        return cells.parse_score(text, scale, decimal_comma)
    except UserError as error:
        if "," in text or "." in text:  # no code for a missing score has these
            raise
        raise UserError(
            f"{error}; if it stands for a missing score: --config.data.missing={text}; for "
            "another scale: --config.data.scale"
        ) from None


def _without_shared_folder(recordings: list[Recording]) -> list[Recording]:
    folders = {os.path.dirname(recording.video_id) for recording in recordings}
    shared = os.path.commonpath(folders) if folders else ""
    return [
        dataclasses.replace(recording, video_id=os.path.relpath(recording.video_id, shared or "."))
        for recording in recordings
    ]

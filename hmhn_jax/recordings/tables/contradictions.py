"""Rows of a table that contradict each other."""

import math
import os

from hmhn_jax.base.errors import UserError
from hmhn_jax.recordings.file_names import plain_name
from hmhn_jax.recordings.recording import Recording


def refuse_contradiction(each: Recording, session: str | None, line: int, seen: dict) -> None:
    """Compares a row of a table with those above it.

    Args:
      each: what the row says.
      session: its session, if it has one.
      line: its number.
      seen: keeps what the rows above say; empty at first.

    Raises:
      UserError: the video or a part of it is there already, the subject is in another split or
        spelled otherwise, or the session has another score.
    """
    _, first_line = seen.setdefault(("video", each.video_id), (None, line))
    if first_line != line:
        raise UserError(
            f'video "{each.video_id}" is listed already in line {first_line} '
            "(endings such as .mp4 do not tell videos apart)"
        )
    end_s = math.inf if each.end_s is None else each.end_s
    parts = seen.setdefault(("parts", os.path.normpath(each.path)), [])
    for start_s, other_end_s, first_line in parts:
        if each.start_s < other_end_s and start_s < end_s:
            raise UserError(
                f"this part of {each.path.name} overlaps that of line {first_line}; no moment "
                "may be in two videos"
            )
    parts.append((each.start_s, end_s, line))
    subject = each.subject_id
    first_name, first_line = seen.setdefault(("subject", plain_name(subject)), (subject, line))
    if first_name != subject:
        raise UserError(
            f'subject "{subject}" is "{first_name}" in line {first_line}; spell one person alike, '
            "and two apart"
        )
    first_split, first_line = seen.setdefault(("split", each.subject_id), (each.split, line))
    if first_split != each.split:
        raise UserError(
            f'subject "{each.subject_id}" is in split "{each.split}" here but in '
            f'"{first_split}" in line {first_line}; a subject belongs to one split'
        )
    session = session or each.video_id
    first_score, first_line = seen.setdefault(
        ("session", each.subject_id, session), (each.score, line)
    )
    if first_score != each.score:
        raise UserError(
            f'session "{session}" of subject "{each.subject_id}" has score {each.score:g} here '
            f"but {first_score:g} in line {first_line}; one session has one score"
        )

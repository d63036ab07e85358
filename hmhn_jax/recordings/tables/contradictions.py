"""Rows of a table that contradict each other."""

import math
import os

from hmhn_jax.base.errors import UserError
from hmhn_jax.recordings.file_names import plain_name
from hmhn_jax.recordings.recording import Recording


def refuse_contradiction(each: Recording, session: str | None, line: int, seen: dict) -> None:
    """Compares a row of a table with those above it, which `seen` keeps; it is empty at first.

    Raises UserError when the video or a part of it is there already, the subject is in another
    split or spelled otherwise, or the session, if it has one, has another score.
    """

    def first(kind, key, value):
        """Returns what the first row with this key says, and that row's line."""
        return seen.setdefault((kind, key), (value, line))

    _, first_line = first("video", each.video_id, None)
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
    first_name, first_line = first("subject", plain_name(subject), subject)
    if first_name != subject:
        raise UserError(
            f'subject "{subject}" is "{first_name}" in line {first_line}; spell one person alike, '
            "and two apart"
        )
    first_split, first_line = first("split", subject, each.split)
    if first_split != each.split:
        raise UserError(
            f'subject "{subject}" is in split "{each.split}" here but in '
            f'"{first_split}" in line {first_line}; a subject belongs to one split'
        )
    session = session or each.video_id
    first_score, first_line = first("session", (subject, session), each.score)
    if first_score != each.score:
        raise UserError(
            f'session "{session}" of subject "{subject}" has score {each.score:g} here '
            f"but {first_score:g} in line {first_line}; one session has one score"
        )

"""Contact sheet: a page of thumbnails of the crops, to be checked before training."""

import dataclasses
from pathlib import Path

from hmhn_jax.base import files, templating
from hmhn_jax.base.pseudonyms import FILE, Pseudonyms
from hmhn_jax.faces.report import CropReport


def write_contact_sheet(
    path: Path,
    title: str,
    reports: list[CropReport],
    faces: bool = True,
    names: Pseudonyms | None = None,
) -> None:
    """Writes a self-contained HTML page, the videos that want looking at first.

    `faces` says whether crops are shown; `names` are shown in the place of the videos' own. Raises
    UserError when the file cannot be written.
    """
    if names:
        reports = _without_names(reports, names)
    template = templating.environment().get_template("contact_sheet.html")
    page = template.render(
        title=title,
        reports=sorted(reports, key=_soundness),
        faces=faces,
        key=FILE if names else None,
    )
    files.write_text(path, page)


def _soundness(each):
    sound = not (each.failure or each.warnings)
    return sound, each.found_rate, each.confidence or 0.0, each.recording.video_id


def _without_names(reports, names):
    paths = [each.recording.path for each in reports]
    return [
        dataclasses.replace(
            each,
            recording=dataclasses.replace(
                each.recording, video_id=names.videos[each.recording.video_id]
            ),
            failure=each.failure and names.hide(each.failure, paths),
            warnings=tuple(names.hide(warning, paths) for warning in each.warnings),
        )
        for each in reports
    ]

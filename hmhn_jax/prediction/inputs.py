"""Input files of a path: a video or picture, all below a folder, or those of a pattern."""

import dataclasses
import glob
import hashlib
import os
from pathlib import Path

from hmhn_jax.base.errors import UserError
from hmhn_jax.base.formats import SUFFIXES, is_picture
from hmhn_jax.faces.media.container import VideoError, open_video
from hmhn_jax.recordings.file_names import files_below

MOST_NAME_BYTES = 150  # of the 255 that file systems take


@dataclasses.dataclass(frozen=True)
class Inputs:
    """Files to score.

    Attributes:
      name: of all of them together, fit for a folder's name: the file's or folder's, or "pattern",
        and 8 digits of a hash of where they lie, so that others of the same name have another.
      root: the folder that they are all below.
      files: videos and pictures, in order.
      skipped: files that are neither, by their endings.
    """

    name: str
    root: Path
    files: tuple[Path, ...]
    skipped: tuple[Path, ...] = ()


def find(text: str, excluded: Path | None = None) -> Inputs:
    """Finds the files.

    Args:
      text: a file, whatever its ending; a folder, for all files at any depth below it but hidden
        ones and those in hidden folders; or a pattern of the shell (`*`, `?`, `[...]`, `**`), for
        the files it matches.
      excluded: a folder whose files are passed over, such as of earlier results.

    Raises:
      UserError: there is no such file, or none of them is a video or picture.
    """
    path = Path(text)
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            _refuse_other_content(path)
        return Inputs(_name(path.name, path), path.parent, (path,))
    if path.is_dir():
        name, root = _name(path.resolve().name or "root", path.resolve()), path
        found = [each for each in files_below(path) if not _is_hidden(each.relative_to(path))]
    else:
        found = sorted(Path(each) for each in glob.glob(text, recursive=True))
        found = [each for each in found if each.is_file()]
        if not found:
            is_pattern = glob.has_magic(text)
            wanted = "a file that matches" if is_pattern else "a video, picture or folder"
            raise UserError(f"expected {wanted} {text!r}, found none")
        name = _name("pattern", path)
        root = Path(os.path.commonpath([each.parent for each in found]))
    if excluded is not None:
        found = [each for each in found if not each.resolve().is_relative_to(excluded.resolve())]
    files = tuple(each for each in found if each.suffix.lower() in SUFFIXES)
    if not files:
        raise UserError(
            f"expected videos or pictures in {text!r}, found {len(found)} files of other endings"
        )
    return Inputs(name, root, files, tuple(sorted(set(found) - set(files))))


def _refuse_other_content(path):
    try:
        if not is_picture(path):
            with open_video(path):
                pass
    except VideoError as error:
        message = f"expected a video or picture, got {str(path)!r}: {error.reason}"
        raise UserError(message) from error


def _name(name, path):
    """Returns a name that is distinct for each place, and always the same for one."""
    # One that can be printed, with room for the endings of what is not finished.
    name = os.fsencode(name)[:MOST_NAME_BYTES].decode(errors="replace")
    return f"{name}-{hashlib.sha256(os.fsencode(os.path.abspath(path))).hexdigest()[:8]}"


def _is_hidden(path):
    return any(part.startswith(".") for part in path.parts)

"""The folder of a prediction: all of it of one run, and nobody else's files lost for it."""

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from hmhn_jax import atomic, bounded_files
from hmhn_jax.errors import UserError

TABLES = ("predictions.csv", "frames.csv")
ABOUT = "about.json"
PICTURES = "pictures"
PICTURE_ENDINGS = (".attention.png", ".scores.png", ".overlay.mp4")
_OF_THE_SYSTEM = (".DS_Store",)  # macOS leaves it in every folder that was looked at

_ABANDONED_AFTER_SECONDS = 24 * 3600


@contextlib.contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yields an empty folder beside `folder` that takes its place when all went well.

    Until then earlier results stay as they are; after an error or interruption they stay for good.

    Raises:
      UserError: as `check`, or when something cannot be written.
    """
    check(folder)
    folder = folder.resolve()
    atomic.make_folder(folder.parent)
    # No process id: in containers that share a disk it is often the same.
    stem = f".{folder.name}.{secrets.token_hex(4)}"
    temporary, old = folder.with_name(f"{stem}.part"), folder.with_name(f"{stem}.old")
    try:
        temporary.mkdir()
        yield temporary
        check(folder)  # it may have taken hours
        if folder.exists():
            folder.rename(old)
        temporary.rename(folder)
        _remove_abandoned(folder)
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        for path in (temporary, old):
            shutil.rmtree(path, ignore_errors=True)


def check(folder: Path) -> None:
    """Raises UserError unless a folder is new, empty, or holds results and nothing else."""
    folder = folder.resolve()
    if not folder.exists():
        return
    wanted = "expected a new or empty folder, or one with results of --mode predict alone"
    if not folder.is_dir():
        raise UserError(f"{wanted}, got the file {folder}")
    if os.path.ismount(folder):
        raise UserError(f"cannot replace {folder}, where a disk is mounted: name a folder in it")
    files = [path for path in sorted(folder.rglob("*")) if not path.is_dir()]
    for path in files:
        if not _is_ours(path.relative_to(folder)):
            raise UserError(f"{wanted}, got {path}; nothing was written")
    if files and not _is_about_a_prediction(folder / ABOUT):
        raise UserError(f"{wanted}, got no such {folder / ABOUT}; nothing was written")


def _is_ours(path):
    if path.parts[0] == PICTURES and path.name.endswith(PICTURE_ENDINGS):
        return True
    return path.name in _OF_THE_SYSTEM or path.as_posix() in (*TABLES, ABOUT)


def _is_about_a_prediction(path):
    try:
        return "members" in bounded_files.read_json(path)
    except (OSError, ValueError, TypeError):
        return False


def _remove_abandoned(folder):
    """Removes what killed processes left beside the folder; it may show faces."""
    left = re.compile(rf"\.{re.escape(folder.name)}\.[0-9a-f]{{8}}\.(part|old)")
    for path in [each for each in folder.parent.iterdir() if left.fullmatch(each.name)]:
        if time.time() - path.stat().st_mtime > _ABANDONED_AFTER_SECONDS:
            shutil.rmtree(path, ignore_errors=True)

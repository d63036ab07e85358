"""The folder of one prediction: new for every call, and there when it is whole."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from hmhn_jax.base import files
from hmhn_jax.base.errors import UserError

TABLES = ("predictions.csv", "frames.csv")
ABOUT = "about.json"
PICTURES = "pictures"


@contextlib.contextmanager
def new(folder: Path) -> Iterator[Path]:
    """Yields a hidden folder `.NAME.*.partial` that takes the name `folder` when all went well.

    Raises:
      UserError: as `check`, or when something cannot be written.
    """
    check(folder)
    folder = folder.resolve()
    files.make_folder(folder.parent)
    # No process id: in containers that share a disk it is often the same.
    partial = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        partial.mkdir()
        yield partial
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    try:
        partial.rename(folder)
    except OSError as error:  # something came there meanwhile; the work of hours is kept
        reason = error.strerror or error
        raise UserError(f"cannot write {folder}: {reason}; results: {partial}") from error


def check(folder: Path) -> None:
    """Raises UserError unless a folder is new or empty."""
    folder = folder.resolve()
    wanted = "expected the output to be a new or empty folder"
    if os.path.ismount(folder):
        raise UserError(f"{wanted}, got {folder}, where a disk is mounted: name a folder in it")
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{wanted}, got {folder}, which has files; nothing was written")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{wanted}, got the file {folder}")

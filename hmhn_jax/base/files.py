"""Files that are there whole or not at all, and JSON files read."""

import contextlib
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hmhn_jax.base.errors import UserError

_ABANDONED_AFTER_SECONDS = 600  # no file is written for so long: its writer was killed


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path in the same folder, which replaces `path` if no error is raised.

    Raises UserError when the file cannot be written, such as on a full disk.
    """
    # The ending stays, as libraries choose the format by it.
    # Not the process's number, which on another machine that shares the folder may be the same.
    writer = uuid.uuid4().hex[:12]
    temporary = path.with_name(f".{path.stem}.{writer}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Makes a folder and those above it; raises UserError when it cannot."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {path}: {error.strerror or error}") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a whole file or, raising UserError, nothing."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Writes a whole text file or, raising UserError, nothing."""
    write_bytes(path, text.encode())


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises OSError when it cannot be read, ValueError when it is no JSON, no UTF-8, or nested too
    deeply.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def remove_abandoned(folder: Path) -> None:
    """Removes half-written files that killed processes left in a folder."""
    for temporary in folder.glob(".*.part*"):
        with contextlib.suppress(OSError):  # its writer was quicker, or the folder is read-only
            if time.time() - temporary.stat().st_mtime > _ABANDONED_AFTER_SECONDS:
                temporary.unlink()

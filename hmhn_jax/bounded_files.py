"""Files that may come from strangers: never more of one is read than a limit."""

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

MOST_TEXT_BYTES = 64 * 2**20  # a table of as many lists half a million videos


def read_bytes(path: Path, most_bytes: int) -> bytes:
    """The whole content of a file.

    Raises:
      OSError: when it cannot be read, has more than `most_bytes`, or is no file but a pipe or a
        device, which may never end.
    """
    try:
        mode = path.stat().st_mode  # a pipe would already block when it is opened
    except ValueError as error:  # a name that no file can have
        raise OSError(errno.EINVAL, str(error)) from error
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "a pipe or device, not a file")
    with path.open("rb") as file:
        content = file.read(min(most_bytes, os.fstat(file.fileno()).st_size) + 1)
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"too large: expected at most {most_bytes / 2**20:g} MiB")
    return content


def read_text(path: Path, encoding: str = "utf-8", most_bytes: int = MOST_TEXT_BYTES) -> str:
    """The whole text of a file.

    Raises:
      OSError: as `read_bytes`.
      UnicodeDecodeError: when it is no text.
    """
    return read_bytes(path, most_bytes).decode(encoding)


def read_json(path: Path) -> Any:
    """What the JSON of a file says.

    Raises:
      OSError: as `read_bytes`.
      ValueError: when it is no JSON, no UTF-8, or nested too deeply.
    """
    try:
        return json.loads(read_text(path))
    except RecursionError:
        raise ValueError("nested too deeply") from None

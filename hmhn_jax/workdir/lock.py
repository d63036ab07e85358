"""Lock of a workdir: one training at a time."""

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from hmhn_jax.base.errors import UserError

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def held(workdir: Path) -> Iterator[None]:
    """Locks a workdir against other training; the lock of a killed program is released.

    Nothing is locked on file systems that cannot. Raises UserError when another program trains
    there, or the workdir cannot be written.
    """
    path = Path(workdir) / "lock"
    try:
        file = path.open("a+b", buffering=0)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
    with file:
        try:
            if sys.platform != "win32":
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(200).decode(errors="replace").strip() or "unknown"
            raise UserError(
                f"{workdir} is in use by another run ({holder}); "
                "wait until it ends or use another --workdir"
            ) from None
        except OSError:  # as some network file systems answer
            pass
        with contextlib.suppress(OSError):  # a full disk; it is locked all the same
            file.truncate(0)
            file.write(f"process {os.getpid()} on {platform.node()}\n".encode())
        yield

"""Checkpoints that are not what was saved: how they are noticed, and put out of the way."""

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hmhn_jax import atomic, bounded_files, checksums, echoes, processes
from hmhn_jax.errors import UserError
from hmhn_jax.provenance import OtherVersionError

FOLDER = "damaged_checkpoints"  # in the workdir
REMOVAL_SECONDS = 2.0  # Orbax removes the files of a checkpoint first, and then its folders


class DamagedError(UserError):
    """A checkpoint that is not what was saved.

    Attributes:
      what: the message without advice.
      folder: of the checkpoint.
      read: which folder of that name was read.
    """

    def __init__(self, what: str, folder: Path, read: tuple | None, advice: str = ""):
        super().__init__(what + advice)
        self.what, self.folder, self.read = what, folder, read


def was_removed(error: DamagedError) -> bool:
    """Whether nothing is damaged: a run that trains beside removed or replaced the checkpoint."""
    end = time.monotonic() + REMOVAL_SECONDS
    while error.read is not None and _identity(error.folder) == error.read:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _identity(folder):
    """Changes when the folder is another one, or loses what is in it; None without one."""
    try:
        stat = folder.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino, stat.st_ctime_ns


@contextlib.contextmanager
def noticed(folder: Path, advice: Callable[[], str] = str) -> Iterator[None]:
    """Makes one line of whatever reading a checkpoint raises.

    Args:
      folder: of the checkpoint.
      advice: gives the end of the line.

    Raises:
      DamagedError: it is damaged.
      UserError: it cannot be read now, such as for lack of rights.
    """
    read = _identity(folder)
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # Orbax lets through whatever damaged files may cause
        echoes.silence_failed()
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        what = f"cannot restore checkpoint {folder}: {reason}"
        if _is_passing(error):
            raise UserError(what) from error
        raise DamagedError(what, folder, read, advice()) from error


def _is_passing(error):
    """Whether something else than the files' content is to blame, as far as one can tell."""
    if isinstance(error, MemoryError | OtherVersionError | ImportError | NameError):
        return True
    if isinstance(error, OSError):
        return not isinstance(error, FileNotFoundError)
    return any(reason in str(error) for reason in ("PERMISSION_DENIED", "RESOURCE_EXHAUSTED"))


def check(folder: Path, name: str, value: dict[str, int] | int) -> None:
    """Compares the checksum of a part with what was stored; older checkpoints have none.

    Raises:
      ValueError: when they differ.
    """
    if (folder / "checksums").exists():
        stored = bounded_files.read_json(folder / "checksums" / "metadata")
        checksums.check(name, value, stored)


def read_validation_mae(folder: Path) -> float:
    """The validation MAE, by which the best checkpoint is chosen and kept.

    Raises:
      DamagedError: it is not what was saved.
    """
    with noticed(folder, lambda: "; without this folder another checkpoint is taken"):
        metrics: Any = bounded_files.read_json(folder / "metrics" / "metrics")
        check(folder, "metrics", checksums.of_json(metrics))
        return float(metrics["validation_mae"])


@contextlib.contextmanager
def set_aside(folder: Path, has_other: bool) -> Iterator[None]:
    """Moves a checkpoint that is found damaged to DIR/damaged_checkpoints/, and says so.

    Args:
      folder: of the checkpoint.
      has_other: whether the run can go on from another one; otherwise the error stays.

    Raises:
      UserError: when it cannot be moved.
    """
    try:
        yield
    except DamagedError as error:
        if not has_other or processes.count() > 1:  # several would have to agree on it
            raise
        place = folder.parents[1] / FOLDER / f"{folder.name}-{uuid.uuid4().hex[:6]}"
        atomic.make_folder(place.parent)
        try:
            folder.rename(place)
        except OSError as reason:
            raise UserError(f"cannot move {folder} to {place}: {reason.strerror}") from error
        print(
            f"note: {error.what}; it is in {place} now and the run goes on without it", flush=True
        )

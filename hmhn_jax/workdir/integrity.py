"""Checksums of a checkpoint's parts, and one line for a checkpoint that cannot be restored.

Orbax does not notice a changed byte in the arrays' data.
"""

import contextlib
import json
import time
import traceback
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from hmhn_jax.base.errors import UserError, reason_of
from hmhn_jax.workdir.provenance import OtherVersionError

REMOVAL_SECONDS = 2.0  # Orbax removes the files of a checkpoint first, and then its folders


def checksums_of_tree(tree: Any) -> dict[str, int]:
    """Computes {name: CRC-32 of the bytes} of the arrays of a tree, wherever they lie."""
    leaves = jax.tree_util.tree_leaves_with_path(jax.device_get(tree))
    return {
        jax.tree_util.keystr(path): zlib.crc32(
            np.ascontiguousarray(leaf).reshape(-1).view(np.uint8)
        )
        for path, leaf in leaves
    }


def checksum_of_json(value: Any) -> int:
    """Computes the CRC-32 of what JSON makes of a value, however it is laid out in a file."""
    read_back = json.loads(json.dumps(value))  # keys are texts there, and sorted as such
    return zlib.crc32(json.dumps(read_back, sort_keys=True).encode())


def check(folder: Path, name: str, value: dict[str, int] | int) -> None:
    """Compares the checksums of one part of a checkpoint with what was stored.

    Checkpoints written by older versions have none and are read without this check. Raises
    ValueError, which names the array, when they differ.
    """
    if not (folder / "checksums").exists():
        return
    expected = json.loads((folder / "checksums" / "metadata").read_bytes())
    stored = expected.get(name) if isinstance(expected, dict) else None
    if stored == value:
        return
    changed = name
    if isinstance(value, dict) and isinstance(stored, dict):
        arrays = value.keys() | stored.keys()
        changed += min(each for each in arrays if value.get(each) != stored.get(each))
    raise ValueError(f"{changed} is not what was saved: its checksum differs")


def read_validation_mae(folder: Path) -> float:
    """Reads the validation MAE, which chooses the best checkpoint; raises as `one_line_for`."""
    with one_line_for(folder):
        metrics = json.loads((folder / "metrics" / "metrics").read_bytes())
        check(folder, "metrics", checksum_of_json(metrics))
        if not isinstance(metrics, dict) or not isinstance(metrics["validation_mae"], int | float):
            raise ValueError(f"metrics: expected a validation_mae, got {metrics!r}")
        return metrics["validation_mae"]


@contextlib.contextmanager
def one_line_for(folder: Path) -> Iterator[None]:
    """Makes a UserError of one line of whatever reading a checkpoint's folder raises.

    The checkpoint is damaged, was removed meanwhile, or cannot be read now; the line names its
    folder and the other checkpoint of the workdir.
    """
    try:
        yield
    except Exception as error:  # Orbax lets through whatever damaged files may cause
        if isinstance(error, UserError) or _is_a_defect(error):
            raise
        what = f"cannot restore checkpoint {folder}: {reason_of(error)}"
        if not _is_passing(error):
            time.sleep(REMOVAL_SECONDS)
            what += _advice(folder)
        raise UserError(what) from error


def _is_a_defect(error: Exception) -> bool:
    """Returns whether our own code failed, not a check of it, nor Orbax at what the files hold."""
    (*_, (frame, _)) = traceback.walk_tb(error.__traceback__)
    is_ours = frame.f_globals["__name__"].startswith("hmhn_jax.")
    return is_ours and not isinstance(error, ValueError | OSError | KeyError)


def _is_passing(error: Exception) -> bool:
    """Returns whether something else than the files' content is to blame, as far as known."""
    if isinstance(error, MemoryError | OtherVersionError | ImportError | OSError):
        return not isinstance(error, FileNotFoundError)
    return any(reason in str(error) for reason in ("PERMISSION_DENIED", "RESOURCE_EXHAUSTED"))


def _advice(folder: Path) -> str:
    step = int(folder.name)
    if not folder.exists():
        return "; it was removed while it was read, as by a run that trains there: try again"
    names = {path.name for path in folder.parent.iterdir()} - {folder.name}
    others = sorted(int(name) for name in names if name.isdigit())
    if not others:
        return "; there is no other in this workdir"
    which = "last" if others[-1] > step else "best"
    return (
        f"; if it is damaged, delete this folder: there is step {others[-1]}, too "
        f"(--config.evaluate.checkpoint={which})"
    )

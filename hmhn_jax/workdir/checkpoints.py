"""Orbax checkpoints of a run: weights, optimiser state and provenance."""

import contextlib
import dataclasses
import operator
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers

from hmhn_jax.base.errors import UserError, reason_of
from hmhn_jax.runtime import processes
from hmhn_jax.workdir import integrity
from hmhn_jax.workdir.provenance import Provenance

NO_VALIDATION = float("inf")  # stands for the MAE of a run without a validation split


@contextlib.contextmanager
def open_manager(workdir: Path, alone: bool = False) -> Iterator[ocp.CheckpointManager]:
    """Opens the checkpoints of a workdir; on leaving, pending writes are finished.

    Keeps the last one, to resume from, and the best one by validation MAE. If nobody else writes
    there (`alone`, see `lock.held`), what killed runs left half-written is removed.

    Raises UserError when a checkpoint's validation MAE is damaged, or the folder cannot be made.
    """
    mae = operator.itemgetter("validation_mae")
    best = checkpoint_managers.BestN(n=1, get_metric_fn=mae, reverse=True)
    policy = checkpoint_managers.AnyPreservationPolicy([checkpoint_managers.LatestN(1), best])
    options = ocp.CheckpointManagerOptions(preservation_policy=policy, best_fn=mae, best_mode="min")
    directory = checkpoint_directory(workdir)
    if alone and processes.count() == 1:
        _remove_unfinished(directory)
    for step in steps(workdir):
        integrity.read_validation_mae(directory / str(step))
    with _writable(directory):
        manager = ocp.CheckpointManager(directory, options=options)
    with _closed(manager, _writable):
        yield manager


@contextlib.contextmanager
def open_to_read(workdir: Path) -> Iterator[ocp.CheckpointManager]:
    """Opens the checkpoints of a workdir while another program may train there.

    Raises UserError when the folder cannot be read.
    """
    # Light: nothing is read of checkpoints that are not asked for.
    options = ocp.CheckpointManagerOptions(read_only=True, lightweight_initialize=True)
    directory = checkpoint_directory(workdir)
    with _readable(directory):
        manager = ocp.CheckpointManager(directory, options=options)
    with _closed(manager, _readable):
        yield manager


@contextlib.contextmanager
def _closed(manager, errors):
    try:
        yield manager
    except BaseException:
        if processes.count() == 1:  # otherwise it would wait for those that may be gone
            with contextlib.suppress(OSError, ValueError):  # the first error is the one to say
                manager.close()
        raise
    with errors(manager.directory):
        manager.close()


def checkpoint_directory(workdir: Path) -> Path:
    return Path(workdir).absolute() / "checkpoints"


def steps(workdir: Path) -> list[int]:
    """Lists the steps of the checkpoints of a workdir, in ascending order."""
    return _steps_in(checkpoint_directory(workdir))


def _steps_in(directory):
    with _readable(directory):
        return sorted(ocp.utils.checkpoint_steps(directory)) if directory.is_dir() else []


def exist(workdir: Path) -> bool:
    """Returns whether a workdir has a checkpoint."""
    return bool(steps(workdir))


def check_exists(workdir: Path) -> None:
    """Raises UserError when a workdir has no checkpoint."""
    if not exist(workdir):
        directory = checkpoint_directory(workdir)
        raise UserError(f"expected a checkpoint in {directory}, found none; train first")


def save(
    manager: ocp.CheckpointManager,
    step: int,
    parts: dict[str, Any],
    provenance: Provenance,
    validation_mae: float | None,
    unlogged: Sequence[dict[str, float]] = (),
) -> None:
    """Starts to write a checkpoint, which appears under its name when it is whole.

    Checksums of all that is in it are in it, too. The parts are trees of arrays by name,
    "variables" and "optimizer", each restorable alone. The validation MAE, in points, is None
    without a validation split, or within an epoch; `unlogged` has metrics f32[] of the steps whose
    mean was not written yet.
    """
    if processes.count() > 1:  # to Orbax, an array that only one process knows is not whole
        parts = jax.tree.map(np.array, parts)
    metrics = {"validation_mae": NO_VALIDATION if validation_mae is None else validation_mae}
    texts = {
        "provenance": dataclasses.asdict(provenance),
        "unlogged": jax.tree.map(float, jax.device_get(list(unlogged))),
    }
    texts["checksums"] = {
        name: integrity.checksums_of_tree(tree) for name, tree in parts.items()
    } | {
        name: integrity.checksum_of_json(each)
        for name, each in (texts | {"metrics": metrics}).items()
    }
    with _writable(manager.directory):
        manager.save(
            step,
            args=ocp.args.Composite(
                **{name: ocp.args.StandardSave(tree) for name, tree in parts.items()},
                **{name: ocp.args.JsonSave(each) for name, each in texts.items()},
            ),
            metrics=metrics,
        )


def choose_step(manager: ocp.CheckpointManager, which: str) -> int:
    """Returns the step of the "last" or the "best" checkpoint (by validation MAE) that exists now.

    Without a validation split there is no best one, and the last is taken. Raises UserError when
    there is none, or the MAE of one that may be chosen is damaged.
    """
    directory = Path(manager.directory)
    if not (found := _steps_in(directory)):
        raise UserError(f"no checkpoint in {directory}; train first")
    candidates = reversed(found) if which == "best" else found[-1:]  # of equal ones the later one
    maes = {step: integrity.read_validation_mae(directory / str(step)) for step in candidates}
    return min(maes, key=maes.__getitem__)


def _remove_unfinished(directory):
    # Orbax's `cleanup_tmp_directories` goes on in a thread that only the next save waits for.
    if directory.is_dir():
        with _writable(directory):
            for path in ocp.utils.tmp_checkpoints(directory):
                shutil.rmtree(path.get())


@contextlib.contextmanager
def _writable(directory):
    try:
        yield
    except (OSError, ValueError) as error:  # tensorstore reports a full disk as a ValueError
        raise UserError(f"cannot write checkpoints in {directory}: {reason_of(error)}") from error


@contextlib.contextmanager
def _readable(directory):
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot read checkpoints in {directory}: {reason}") from error

"""Orbax checkpoints of a run: the weights, the optimiser, and what they were made from."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from ml_collections import ConfigDict
from orbax.checkpoint import checkpoint_managers

from hmhn_jax import config as config_lib
from hmhn_jax import processes
from hmhn_jax.errors import UserError

NO_VALIDATION = float("inf")  # stands for the MAE of a run without a validation split


@dataclasses.dataclass(frozen=True)
class Provenance:
    """What weights were made from; stored as JSON in every checkpoint and beside every result.

    Attributes:
      config: of the run.
      data: metadata of the dataset, its `fingerprint` and whether it is `synthetic` among them.
      score_mean, score_std: of the training videos, in BDI-II points; the mean is the baseline.
      subject_means: the mean training score of each subject in the training videos.
      versions: of the packages that computed it.
      init_from: what the run started from: file, sha256 and parts; None when from scratch.
    """

    config: dict
    data: dict
    score_mean: float
    score_std: float
    subject_means: dict[str, float]
    versions: dict
    init_from: dict | None = None

    def check_same_model(self, config: ConfigDict, directory: Path) -> None:
        """Raises UserError when `config` describes another architecture."""
        stored = config_lib.from_dict(self.config)
        if changed := config_lib.differences(config, stored, "model."):
            raise UserError(
                f"the checkpoint in {directory} is of another architecture: {'; '.join(changed)}"
            )


@contextlib.contextmanager
def open_manager(workdir: Path) -> Iterator[ocp.CheckpointManager]:
    """The checkpoints of a workdir; on leaving, those being written are finished.

    Keeps the last one, to resume from, and the best one by validation MAE.
    """
    policy = checkpoint_managers.AnyPreservationPolicy(
        [
            checkpoint_managers.LatestN(1),
            checkpoint_managers.BestN(
                n=1, get_metric_fn=lambda metrics: metrics["validation_mae"], reverse=True
            ),
        ]
    )
    options = ocp.CheckpointManagerOptions(
        preservation_policy=policy,
        best_fn=lambda metrics: metrics["validation_mae"],
        best_mode="min",
    )
    directory = checkpoint_directory(workdir)
    with _writable(directory):
        manager = ocp.CheckpointManager(directory, options=options)
    try:
        yield manager
    except BaseException:
        if processes.count() == 1:  # otherwise it would wait for those that may be gone
            manager.close()
        raise
    with _writable(directory):
        manager.close()


def checkpoint_directory(workdir: Path) -> Path:
    return Path(workdir).absolute() / "checkpoints"


def exist(workdir: Path) -> bool:
    """Whether a workdir has a checkpoint."""
    directory = checkpoint_directory(workdir)
    return directory.is_dir() and bool(ocp.utils.checkpoint_steps(directory))


def check_exists(workdir: Path) -> None:
    """Raises UserError when a workdir has no checkpoint."""
    directory = checkpoint_directory(workdir)
    if not exist(workdir):
        raise UserError(f"expected a checkpoint in {directory}, found none; train first")


def save(
    manager: ocp.CheckpointManager,
    step: int,
    parts: dict[str, Any],
    provenance: Provenance,
    validation_mae: float | None,
    unlogged: Sequence[dict[str, float]] = (),
) -> None:
    """Starts to write a checkpoint; it appears under its name when it is whole.

    Args:
      manager: of the workdir.
      step: how many were taken.
      parts: trees of arrays by name, "variables" and "optimizer", each restorable alone.
      provenance: what they were made from.
      validation_mae: in BDI-II points, None without a validation split, or within an epoch.
      unlogged: metrics f32[] of the steps whose mean was not written yet.
    """
    metric = NO_VALIDATION if validation_mae is None else validation_mae
    if processes.count() > 1:  # to Orbax, an array that only one process knows is not whole
        parts = jax.tree.map(np.array, parts)
    with _writable(manager.directory):
        manager.save(
            step,
            args=ocp.args.Composite(
                **{name: ocp.args.StandardSave(tree) for name, tree in parts.items()},
                provenance=ocp.args.JsonSave(dataclasses.asdict(provenance)),
                unlogged=ocp.args.JsonSave(jax.tree.map(float, jax.device_get(list(unlogged)))),
            ),
            metrics={"validation_mae": metric},
        )


def choose_step(manager: ocp.CheckpointManager, which: str) -> int:
    """The step of the "last" or the "best" checkpoint, the latter by validation MAE.

    Without a validation split there is no best one, and the last is taken.

    Raises:
      UserError: when there is none.
    """
    step = manager.latest_step()
    if which == "best" and (best := manager.best_step()) is not None:
        mae = manager.metrics(best)["validation_mae"]
        step = step if mae == NO_VALIDATION else best
    if step is None:
        raise UserError(f"no checkpoint in {manager.directory}; train first")
    return step


def read_provenance(manager: ocp.CheckpointManager, step: int) -> Provenance:
    with _readable(manager, step):
        restored = manager.restore(step, args=ocp.args.Composite(provenance=ocp.args.JsonRestore()))
        return Provenance(**restored.provenance)


def read_unlogged(manager: ocp.CheckpointManager, step: int) -> list[dict[str, float]]:
    """What `save` got as `unlogged`; nothing of a checkpoint that was written without it."""
    if not (manager.directory / str(step) / "unlogged").exists():
        return []
    with _readable(manager, step):
        restored = manager.restore(step, args=ocp.args.Composite(unlogged=ocp.args.JsonRestore()))
        return restored.unlogged


def restore(manager: ocp.CheckpointManager, step: int, targets: dict[str, Any]) -> dict[str, Any]:
    """Restores the named parts and reads nothing else.

    Args:
      manager: of the workdir.
      step: of the checkpoint.
      targets: for each part wanted, a tree of arrays or `jax.ShapeDtypeStruct` like it.

    Raises:
      UserError: when the checkpoint is damaged or of another architecture.
    """
    if processes.count() > 1:  # each process reads all of it
        targets = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), targets)
    with _readable(manager, step):
        parts = {name: ocp.args.StandardRestore(tree) for name, tree in targets.items()}
        return dict(manager.restore(step, args=ocp.args.Composite(**parts)).items())


def restore_chosen(config: ConfigDict, workdir: Path) -> tuple[int, Provenance, Any]:
    """The checkpoint that `config.evaluate.checkpoint` chooses: its step, origin and variables.

    Raises:
      UserError: without a checkpoint, or with one of another architecture.
    """
    with open_manager(workdir) as manager:
        step = choose_step(manager, config.evaluate.checkpoint)
        provenance = read_provenance(manager, step)
        provenance.check_same_model(config, manager.directory)
        target = config_lib.variable_shapes(config)
        return step, provenance, restore(manager, step, {"variables": target})["variables"]


@contextlib.contextmanager
def _writable(directory):
    try:
        yield
    except (OSError, ValueError) as error:  # tensorstore reports a full disk as a ValueError
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"cannot write checkpoints in {directory}: {reason}") from error


@contextlib.contextmanager
def _readable(manager, step):
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"cannot restore checkpoint {manager.directory / str(step)}: {reason}"
        ) from error

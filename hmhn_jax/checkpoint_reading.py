"""What is read from Orbax checkpoints, held against the checksums that were saved with it."""

import contextlib
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from ml_collections import ConfigDict

from hmhn_jax import checkpoint_damage, checksums, processes, provenance
from hmhn_jax.checkpoint_damage import DamagedError
from hmhn_jax.checkpoints import choose_step, open_to_read
from hmhn_jax.errors import UserError
from hmhn_jax.models import factory
from hmhn_jax.provenance import Provenance

TRIES = 20  # a busy machine may take longer to read than a tiny run takes from one to the next


def read_provenance(manager: ocp.CheckpointManager, step: int) -> Provenance:
    """Raises UserError when it is damaged, or not what a run writes."""
    with _readable(manager, step):
        return provenance.parse(_restore_json(manager, step, "provenance"))


def read_unlogged(manager: ocp.CheckpointManager, step: int) -> list[dict[str, float]]:
    """What `save` got as `unlogged`; nothing of a checkpoint that was written without it."""
    if not (Path(manager.directory) / str(step) / "unlogged").exists():
        return []
    with _readable(manager, step):
        return _restore_json(manager, step, "unlogged")


def _restore_json(manager, step, name):
    args = ocp.args.Composite(**{name: ocp.args.JsonRestore()})
    value = manager.restore(step, args=args)[name]
    checkpoint_damage.check(Path(manager.directory) / str(step), name, checksums.of_json(value))
    return value


def restore(manager: ocp.CheckpointManager, step: int, targets: dict[str, Any]) -> dict[str, Any]:
    """Restores the named parts and reads nothing else.

    Args:
      manager: of the workdir.
      step: of the checkpoint.
      targets: for each part wanted, a tree of arrays or `jax.ShapeDtypeStruct` like it.

    Raises:
      DamagedError: when the checkpoint is damaged or of another architecture.
    """
    if processes.count() > 1:  # each process reads all of it
        targets = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), targets)
    with _readable(manager, step):
        parts = {name: ocp.args.StandardRestore(tree) for name, tree in targets.items()}
        restored = dict(manager.restore(step, args=ocp.args.Composite(**parts)).items())
        for name, tree in restored.items():
            sums = checksums.of_tree(tree)
            checkpoint_damage.check(Path(manager.directory) / str(step), name, sums)
        return restored


def restore_chosen(config: ConfigDict, workdir: Path) -> tuple[int, Provenance, Any]:
    """The checkpoint that `config.evaluate.checkpoint` chooses: its step, origin and variables.

    A run may train there at the same time: of checkpoints that it removes meanwhile, the choice is
    made again.

    Raises:
      UserError: without a checkpoint, or with one of another architecture.
      DamagedError: when it is damaged.
    """
    for number in range(1, TRIES + 1):
        try:
            return _restore_chosen(config, workdir)
        except DamagedError as error:
            # Several processes would have to agree on another one.
            if processes.count() > 1 or not checkpoint_damage.was_removed(error):
                raise
            if number == TRIES:
                raise UserError(
                    f"expected a checkpoint in {workdir} that stays while it is read; {TRIES} were "
                    f"removed; the last: {error.what}"
                ) from error


def _restore_chosen(config, workdir):
    with open_to_read(workdir) as manager:
        step = choose_step(manager, config.evaluate.checkpoint)
        origin = read_provenance(manager, step)
        origin.check_same_model(config, manager.directory)
        target = factory.variable_shapes(config)
        return step, origin, restore(manager, step, {"variables": target})["variables"]


def _readable(manager, step):
    folder = Path(manager.directory) / str(step)
    return checkpoint_damage.noticed(folder, lambda: _other(manager, step))


def _other(manager, step):
    """Which other checkpoint can be asked for."""
    for which in ("last", "best"):
        with contextlib.suppress(UserError):  # damaged, too
            if (other := choose_step(manager, which)) != step:
                return f"; there is step {other}, too: --config.evaluate.checkpoint={which}"
    return "; there is no other in this workdir"

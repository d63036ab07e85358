"""Reading of Orbax checkpoints, compared with the checksums that were saved with it."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from ml_collections import ConfigDict

from hmhn_jax.models import factory
from hmhn_jax.runtime import processes
from hmhn_jax.workdir import integrity, provenance
from hmhn_jax.workdir.checkpoints import choose_step, open_to_read
from hmhn_jax.workdir.provenance import Provenance


def read_provenance(manager: ocp.CheckpointManager, step: int) -> Provenance:
    """Raises UserError when it is damaged, or not what a run writes."""
    with integrity.one_line_for(_folder(manager, step)):
        return provenance.parse(_restore_json(manager, step, "provenance"))


def read_unlogged(manager: ocp.CheckpointManager, step: int) -> list[dict[str, float]]:
    """Returns what `save` got as `unlogged`; nothing of one that was written without."""
    if not (_folder(manager, step) / "unlogged").exists():
        return []
    with integrity.one_line_for(_folder(manager, step)):
        return _restore_json(manager, step, "unlogged")


def _restore_json(manager, step, name):
    args = ocp.args.Composite(**{name: ocp.args.JsonRestore()})
    value = manager.restore(step, args=args)[name]
    integrity.check(_folder(manager, step), name, integrity.checksum_of_json(value))
    return value


def restore(manager: ocp.CheckpointManager, step: int, targets: dict[str, Any]) -> dict[str, Any]:
    """Restores the named parts and reads nothing else.

    `targets` has for each part a tree of arrays or `jax.ShapeDtypeStruct` like it. Raises UserError
    when the checkpoint is damaged or of another architecture.
    """
    if processes.count() > 1:  # each process reads all of it
        targets = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), targets)
    with integrity.one_line_for(_folder(manager, step)):
        parts = {name: ocp.args.StandardRestore(tree) for name, tree in targets.items()}
        restored = dict(manager.restore(step, args=ocp.args.Composite(**parts)).items())
        for name, tree in restored.items():
            integrity.check(_folder(manager, step), name, integrity.checksums_of_tree(tree))
        return restored


def restore_chosen(config: ConfigDict, workdir: Path) -> tuple[int, Provenance, Any]:
    """Restores the checkpoint that `config.evaluate.checkpoint` chooses: step, origin, variables.

    Raises UserError without a checkpoint, with one of another architecture, or a damaged one.
    """
    with open_to_read(workdir) as manager:
        step = choose_step(manager, config.evaluate.checkpoint)
        origin = read_provenance(manager, step)
        origin.check_same_model(config, manager.directory)
        target = factory.variable_shapes(config)
        return step, origin, restore(manager, step, {"variables": target})["variables"]


def _folder(manager, step):
    return Path(manager.directory) / str(step)

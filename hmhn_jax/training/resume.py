"""Start of a run: at its first step, or at its last checkpoint."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from hmhn_jax import config as config_lib
from hmhn_jax.base.errors import UserError
from hmhn_jax.runtime import devices
from hmhn_jax.training import pretrained
from hmhn_jax.training.step import TrainState, make_optimizer
from hmhn_jax.workdir import checkpoints, restore, stored_config
from hmhn_jax.workdir.provenance import Provenance

STEPS_DEPEND_ON = (
    "seed",
    "init_from",
    "data.people",
    "data.train_split",
    "data.image_size",
    "train.batch_size",
)


@dataclasses.dataclass(frozen=True)
class Start:
    """The state that a run starts with, on all devices, and the provenance of its checkpoints.

    `unlogged` has metrics f32[] of the last steps, whose mean was not written yet.
    """

    state: TrainState
    provenance: Provenance
    unlogged: list[dict[str, jax.Array]]


def start(
    manager: Any,
    first_state: Callable[[], TrainState],
    config: ConfigDict,
    provenance: Provenance,
) -> Start:
    """Returns the last checkpoint's state or, without one, a new run's.

    Only a new run calls `first_state` (which knows nothing of `config.init_from`) and has this
    provenance. Raises UserError when the checkpoint is damaged or of other data, another
    architecture or other steps, or when a new run cannot start from `config.init_from`.
    """
    if manager.latest_step() is None:
        state = first_state()
        variables, loaded = pretrained.start(config, state.variables)
        state = devices.replicate(dataclasses.replace(state, variables=variables))
        return Start(state, dataclasses.replace(provenance, init_from=loaded), [])
    step = checkpoints.choose_step(manager, "last")
    stored = restore.read_provenance(manager, step)
    stored.check_same_model(config, manager.directory)
    stored.check_same_scale(provenance.scale, config.data.dataset, manager.directory)
    trained_config = stored_config.from_dict(stored.config)
    if changed := config_lib.differences(config, trained_config, STEPS_DEPEND_ON):
        raise UserError(
            f"{manager.directory} was trained with another config: {'; '.join(changed)}; the run "
            "cannot go on with it: use another --workdir"
        )
    if stored.data.get("fingerprint") != provenance.data.get("fingerprint"):
        raise UserError(
            f"{manager.directory} was trained on other data (fingerprint "
            f"{stored.data.get('fingerprint')}) than are in {config.data.dataset} now "
            f"({provenance.data.get('fingerprint')}); use another --workdir"
        )
    if changed := config_lib.differences(config, trained_config):
        print(f"note: resuming with a changed config: {'; '.join(changed)}", flush=True)
    shapes = jax.eval_shape(first_state)
    _check_same_optimizer(manager, shapes, config, trained_config)
    targets = {"variables": shapes.variables, "optimizer": shapes.opt_state}
    restored = restore.restore(manager, step, targets)
    state = TrainState(jnp.int32(step), restored["variables"], restored["optimizer"])
    print(f"resuming from step {step}", flush=True)
    unlogged = [jax.tree.map(jnp.float32, each) for each in restore.read_unlogged(manager, step)]
    provenance = dataclasses.replace(provenance, init_from=stored.init_from)
    return Start(devices.replicate(state), provenance, unlogged)


def _check_same_optimizer(manager, shapes, config, trained_config):
    """Some settings are parts of the optimiser, which another one's state does not fit."""
    stored = make_optimizer(trained_config.optimizer, steps_per_epoch=1, num_steps=1)
    expected = jax.eval_shape(stored.init, shapes.variables["params"])
    if jax.tree.structure(expected) != jax.tree.structure(shapes.opt_state):
        changed = config_lib.differences(config, trained_config, "optimizer.")
        raise UserError(
            f"{manager.directory} was trained by another optimiser: {'; '.join(changed)}; the run "
            "cannot go on with it: use another --workdir"
        )

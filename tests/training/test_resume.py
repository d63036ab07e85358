"""Tests of the point where a run resumes; test_run.py has whole interrupted runs."""

import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import default
from hmhn_jax import config as config_lib
from hmhn_jax.base.errors import UserError
from hmhn_jax.training import resume
from hmhn_jax.training.step import TrainState, make_optimizer
from hmhn_jax.workdir import checkpoints
from hmhn_jax.workdir.provenance import Provenance

CONFIG = default.get_config()
PROVENANCE = Provenance(CONFIG.to_dict(), {"fingerprint": "abc"}, 17.0, 12.0, {}, {})


def tree(value):
    return {"w": jnp.full(3, float(value))}


def variables(value):
    return {"params": tree(value)}


def optimizer(value, config=CONFIG):
    state = make_optimizer(config.optimizer, 1, 1).init(tree(0))
    return jax.tree.map(lambda leaf: jnp.full_like(leaf, value), state)


def save(manager, step, mae):
    parts = {"variables": variables(step), "optimizer": optimizer(-step)}
    checkpoints.save(manager, step, parts, PROVENANCE, mae)


def spoil(workdir, step):
    path = checkpoints.checkpoint_directory(workdir) / str(step) / "checksums" / "metadata"
    sums = json.loads(path.read_text())
    sums["optimizer"][next(iter(sums["optimizer"]))] += 1
    path.write_text(json.dumps(sums))


def start(manager, config=CONFIG):
    new = TrainState(np.int32(0), variables(0), optimizer(0, config))
    return resume.start(manager, lambda: new, config, PROVENANCE).state


@pytest.fixture
def workdir(tmp_path):
    with checkpoints.open_manager(tmp_path) as manager:
        save(manager, 1, 3.0)
        save(manager, 2, 4.0)
    return tmp_path


def test_a_damaged_checkpoint_is_named_and_without_it_the_run_goes_on(workdir, capsys):
    spoil(workdir, 2)
    damaged = checkpoints.checkpoint_directory(workdir) / "2"
    with (
        pytest.raises(UserError, match=f"{damaged}: .*delete this folder: there is step 1, too"),
        checkpoints.open_manager(workdir, alone=True) as manager,
    ):
        start(manager)
    assert checkpoints.steps(workdir) == [1, 2]
    shutil.rmtree(damaged)
    with checkpoints.open_manager(workdir, alone=True) as manager:
        state = start(manager)
        assert capsys.readouterr().out.splitlines() == ["resuming from step 1"]
        assert int(state.step) == 1
        np.testing.assert_array_equal(state.variables["params"]["w"], np.ones(3))
        for leaf in jax.tree.leaves(state.opt_state):
            np.testing.assert_array_equal(leaf, np.full_like(leaf, -1))
        save(manager, 2, 5.0)  # the step that was damaged is written again
    with checkpoints.open_manager(workdir, alone=True) as manager:
        assert int(start(manager).step) == 2


@pytest.mark.parametrize(
    ("field", "value"), [("optimizer.clip_norm", 0.0), ("optimizer.plateau_factor", 1.0)]
)
def test_another_optimiser_is_refused_and_nothing_is_moved(workdir, field, value):
    config = config_lib.override(CONFIG, {field: value})
    with (
        pytest.raises(UserError, match=f"by another optimiser: {field} {value}, stored"),
        checkpoints.open_manager(workdir, alone=True) as manager,
    ):
        start(manager, config)
    assert checkpoints.steps(workdir) == [1, 2]

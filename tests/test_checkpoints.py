"""Checkpoints: which are kept, what can be read of them, what a spoiled one says."""

import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import default
from hmhn_jax import checkpoints
from hmhn_jax.errors import UserError

PROVENANCE = checkpoints.Provenance(
    config=json.loads(default.get_config().to_json()),
    data={"fingerprint": "abc", "synthetic": True},
    score_mean=17.0,
    score_std=12.0,
    subject_means={"203": 17.0},
    versions={"jax": "0"},
)


def parts(step):
    return {
        "variables": {"params": {"w": jnp.full(3, float(step))}},
        "optimizer": {"m": jnp.full(3, -float(step))},
    }


def save(workdir, maes):
    """Checkpoints 1, 2, ... with these validation MAEs."""
    with checkpoints.open_manager(workdir) as manager:
        for step, mae in enumerate(maes, start=1):
            checkpoints.save(manager, step, parts(step), PROVENANCE, mae)


def steps_left(workdir):
    return sorted(int(path.name) for path in checkpoints.checkpoint_directory(workdir).iterdir())


def test_the_best_and_the_last_are_kept(tmp_path):
    save(tmp_path, [5.0, 3.0, 4.0, 6.0])
    assert steps_left(tmp_path) == [2, 4]
    with checkpoints.open_manager(tmp_path) as manager:
        assert checkpoints.choose_step(manager, "best") == 2
        assert checkpoints.choose_step(manager, "last") == 4


def test_the_best_of_an_earlier_run_is_known_to_the_next(tmp_path):
    save(tmp_path, [5.0, 3.0, 4.0])
    with checkpoints.open_manager(tmp_path) as manager:
        checkpoints.save(manager, 4, parts(4), PROVENANCE, 3.5)
    assert steps_left(tmp_path) == [2, 4]


def test_without_validation_the_last_is_kept(tmp_path):
    save(tmp_path, [None, None, None])
    assert steps_left(tmp_path)[-1] == 3
    with checkpoints.open_manager(tmp_path) as manager:
        assert checkpoints.choose_step(manager, "last") == 3
        assert checkpoints.choose_step(manager, "best") == 3


def test_parts_come_back_alone(tmp_path):
    save(tmp_path, [5.0])
    target = {"params": {"w": jax.ShapeDtypeStruct((3,), jnp.float32)}}
    with checkpoints.open_manager(tmp_path) as manager:
        restored = checkpoints.restore(manager, 1, {"variables": target})
        assert checkpoints.read_provenance(manager, 1) == PROVENANCE
    assert set(restored) == {"variables"}
    np.testing.assert_array_equal(restored["variables"]["params"]["w"], np.ones(3))


@pytest.mark.parametrize(
    "target",
    [
        {"params": {"w": jax.ShapeDtypeStruct((4,), jnp.float32)}},
        {"params": {"v": jax.ShapeDtypeStruct((3,), jnp.float32)}},
    ],
)
def test_weights_of_another_shape_or_name_are_refused(tmp_path, target):
    save(tmp_path, [5.0])
    with (
        checkpoints.open_manager(tmp_path) as manager,
        pytest.raises(UserError, match="cannot restore checkpoint") as raised,
    ):
        checkpoints.restore(manager, 1, {"variables": target})
    assert "\n" not in str(raised.value)


def test_a_spoiled_checkpoint_is_named(tmp_path):
    save(tmp_path, [5.0])
    folder = checkpoints.checkpoint_directory(tmp_path) / "1"
    shutil.rmtree(folder / "variables")
    target = {"params": {"w": jax.ShapeDtypeStruct((3,), jnp.float32)}}
    with (
        checkpoints.open_manager(tmp_path) as manager,
        pytest.raises(UserError, match="checkpoints/1"),
    ):
        checkpoints.restore(manager, 1, {"variables": target})


def test_an_empty_workdir_is_named(tmp_path):
    with pytest.raises(UserError, match="found none; train first"):
        checkpoints.check_exists(tmp_path)
    save(tmp_path, [5.0])
    checkpoints.check_exists(tmp_path)


def test_another_architecture_is_refused_by_its_fields(tmp_path):
    config = default.get_config()
    PROVENANCE.check_same_model(config, tmp_path)
    config.seed = 9  # no matter of architecture
    PROVENANCE.check_same_model(config, tmp_path)
    config.model.grid = (2, 2)
    with pytest.raises(UserError, match=r"model.grid \(2, 2\), stored \(3, 3\)"):
        PROVENANCE.check_same_model(config, tmp_path)

"""Tests of checkpoints: which are kept, what is restored, and messages about damaged ones."""

import dataclasses
import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import default
from hmhn_jax import config as config_lib
from hmhn_jax.base.errors import UserError
from hmhn_jax.models import factory
from hmhn_jax.workdir import checkpoints, integrity, restore
from hmhn_jax.workdir.provenance import Provenance


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(integrity, "REMOVAL_SECONDS", 0.0)


PROVENANCE = Provenance(
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
    """Saves checkpoints 1, 2, ... with these validation MAEs."""
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
        restored = restore.restore(manager, 1, {"variables": target})
        assert restore.read_provenance(manager, 1) == PROVENANCE
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
        restore.restore(manager, 1, {"variables": target})
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
        restore.restore(manager, 1, {"variables": target})


def test_an_empty_workdir_is_named(tmp_path):
    with pytest.raises(UserError, match="found none; train first"):
        checkpoints.check_exists(tmp_path)
    save(tmp_path, [5.0])
    checkpoints.check_exists(tmp_path)


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    save(tmp_path, [3.0])

    def refuse(directory):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkpoints.ocp.utils, "checkpoint_steps", refuse)
    with pytest.raises(UserError, match=r"cannot read checkpoints in .*: Permission denied"):
        checkpoints.check_exists(tmp_path)


def test_another_architecture_is_refused_by_its_fields(tmp_path):
    config = default.get_config()
    PROVENANCE.check_same_model(config, tmp_path)
    config.seed = 9  # no matter of architecture
    PROVENANCE.check_same_model(config, tmp_path)
    config.model.grid = (2, 2)
    with pytest.raises(UserError, match=r"model.grid \(2, 2\), stored \(3, 3\)"):
        PROVENANCE.check_same_model(config, tmp_path)


TARGET = {"params": {"w": jax.ShapeDtypeStruct((3,), jnp.float32)}}


def changed(path, old, new):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


def test_a_flipped_bit_in_an_array_is_noticed(tmp_path):
    rng = np.random.default_rng(0)
    tree = {"params": {"w": rng.normal(size=3).astype(np.float32)}}
    with checkpoints.open_manager(tmp_path) as manager:
        checkpoints.save(manager, 1, {"variables": tree}, PROVENANCE, 5.0)
    with checkpoints.open_manager(tmp_path) as manager:
        restore.restore(manager, 1, {"variables": TARGET})
        stored = checkpoints.checkpoint_directory(tmp_path) / "1" / "checksums" / "metadata"
        sums = json.loads(stored.read_text())
        # As if the array were another one by a bit, which Orbax has no way to know.
        sums["variables"]["['params']['w']"] ^= 1
        stored.write_text(json.dumps(sums))
        with pytest.raises(UserError, match=r"checkpoints/1: variables\['params'\]\['w'\] is not"):
            restore.restore(manager, 1, {"variables": TARGET})


KEPT = {name: value for name, value in dataclasses.asdict(PROVENANCE).items() if name != "config"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "expected it to be an object"),
        ({"config": 1}, "of another version; fields that differ: data"),
        ({"config": 1, **KEPT}, "expected config to be an object, got 1"),
        ({"config": {"seed": 1, "data": {}, "model": {}}, **KEPT}, "config.data.dataset"),
        ({"config": {"seed": "1"}, **KEPT}, "expected config.seed to be a number, got '1'"),
        ({**dataclasses.asdict(PROVENANCE), "score_mean": "17"}, "score_mean to be a number"),
        ({**dataclasses.asdict(PROVENANCE), "subject_means": {"a": None}}, "subject_means"),
        ({**dataclasses.asdict(PROVENANCE), "data": {"crops": [1]}}, "data.crops"),
        ({**dataclasses.asdict(PROVENANCE), "data": {"num_videos": [1]}}, "data.num_videos"),
    ],
)
def test_a_strangers_provenance_is_one_line(tmp_path, value, words):
    save(tmp_path, [5.0])
    folder = checkpoints.checkpoint_directory(tmp_path) / "1"
    (folder / "provenance" / "metadata").write_text(json.dumps(value))
    shutil.rmtree(folder / "checksums")
    with (
        checkpoints.open_manager(tmp_path) as manager,
        pytest.raises(UserError, match="checkpoints/1: provenance: ") as raised,
    ):
        restore.read_provenance(manager, 1)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("provenance/metadata", b"17.0", b"18.0"), ("metrics/metrics", b"4.0", b"9.0")],
)
def test_a_changed_number_is_noticed(tmp_path, file, old, new):
    save(tmp_path, [3.0, 4.0])
    folder = checkpoints.checkpoint_directory(tmp_path) / "2"
    changed(folder / file, old, new)
    with (
        pytest.raises(UserError, match=r"checkpoints/2: \w+ is not what was saved"),
        checkpoints.open_manager(tmp_path) as manager,
    ):
        restore.read_provenance(manager, 2)


def test_the_line_names_the_other_checkpoint(tmp_path):
    save(tmp_path, [3.0, 4.0])
    changed(checkpoints.checkpoint_directory(tmp_path) / "2/provenance/metadata", b"17.0", b"18.0")
    with (
        checkpoints.open_manager(tmp_path) as manager,
        pytest.raises(UserError, match=r"there is step 1, too .*checkpoint=best"),
    ):
        restore.read_provenance(manager, 2)


@pytest.mark.parametrize("content", ['{"validat', "[]", '{"validation_mae": "3"}'])
def test_metrics_that_are_damaged_name_the_checkpoint(tmp_path, content):
    save(tmp_path, [3.0, 4.0])
    folder = checkpoints.checkpoint_directory(tmp_path) / "2"
    (folder / "metrics" / "metrics").write_text(content)
    shutil.rmtree(folder / "checksums")
    with (
        pytest.raises(UserError, match=r"checkpoints/2: .*delete this folder: there is step 1"),
        checkpoints.open_manager(tmp_path, alone=True),
    ):
        pass
    assert steps_left(tmp_path) == [1, 2]


def test_what_a_killed_run_left_half_written_goes(tmp_path):
    save(tmp_path, [3.0])
    left = checkpoints.checkpoint_directory(tmp_path) / "2.orbax-checkpoint-tmp"
    left.mkdir()
    with checkpoints.open_manager(tmp_path):
        assert left.exists()  # it may be another program's
    with checkpoints.open_manager(tmp_path, alone=True):
        assert not left.exists()
    assert steps_left(tmp_path) == [1]


@pytest.fixture
def small(monkeypatch):
    """As if the network had three weights."""
    monkeypatch.setattr(factory, "variable_shapes", lambda config: TARGET)


def restore_chosen(workdir, which):
    config = config_lib.override(default.get_config(), {"evaluate.checkpoint": which})
    step, _, variables = restore.restore_chosen(config, workdir)
    np.testing.assert_array_equal(variables["params"]["w"], np.full(3, step))
    return step


def test_a_file_that_stays_away_is_damage(tmp_path, small):
    save(tmp_path, [3.0, 4.0])
    (checkpoints.checkpoint_directory(tmp_path) / "2" / "provenance" / "metadata").unlink()
    with pytest.raises(UserError, match=r"cannot restore .*checkpoints/2: .*there is step 1, too"):
        restore_chosen(tmp_path, "last")


def test_of_the_last_checkpoint_no_other_needs_to_be_whole(tmp_path, small):
    save(tmp_path, [3.0, 4.0])
    (checkpoints.checkpoint_directory(tmp_path) / "1" / "metrics" / "metrics").write_text("{")
    assert restore_chosen(tmp_path, "last") == 2
    with pytest.raises(UserError, match="checkpoints/1"):
        restore_chosen(tmp_path, "best")

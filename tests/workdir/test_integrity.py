"""Checksums of a checkpoint's parts, and the line for a checkpoint that cannot be restored."""

import json
import zlib

import jax.numpy as jnp
import numpy as np
import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.workdir import integrity
from hmhn_jax.workdir import restore as checkpoint_reading
from hmhn_jax.workdir.integrity import checksum_of_json, checksums_of_tree


def test_every_array_has_its_own():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    tree = {"a": jnp.asarray(array), "b": [np.int32(7), jnp.ones(3, jnp.bfloat16)]}
    sums = checksums_of_tree(tree)
    assert sums["['a']"] == zlib.crc32(array.tobytes())
    assert sums["['b'][0]"] == zlib.crc32(np.int32(7).tobytes())
    assert checksums_of_tree(tree | {"a": array.T.copy().T}) == sums  # laid out otherwise
    array[1, 2] += 1e-6
    assert checksums_of_tree(tree | {"a": array}) != sums


def test_json_counts_by_what_it_says():
    assert checksum_of_json({"b": (1, 2.5), "a": {10: 1, 9: 2}}) == checksum_of_json(
        {"a": {"9": 2, "10": 1}, "b": [1, 2.5]}
    )
    assert checksum_of_json({"a": 1}) != checksum_of_json({"a": 2})


@pytest.mark.parametrize("stored", [{}, {"part": 3}, {"part": {"['a']": 2}}, [], None])
def test_another_or_none_is_refused(tmp_path, stored):
    integrity.check(tmp_path, "part", {"['a']": 1})  # of an older version: not checked
    (tmp_path / "checksums").mkdir()
    path = tmp_path / "checksums" / "metadata"
    path.write_text(json.dumps({"part": {"['a']": 1}}))
    integrity.check(tmp_path, "part", {"['a']": 1})
    path.write_text(json.dumps(stored))
    with pytest.raises(ValueError, match=r"^part.* is not what was saved"):
        integrity.check(tmp_path, "part", {"['a']": 1})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The second of two checkpoints."""
    monkeypatch.setattr(integrity, "REMOVAL_SECONDS", 0.0)
    for step in ("1", "2"):
        (tmp_path / step).mkdir()
    return tmp_path / "2"


def raise_in_orbax(error):
    exec("raise error", {"__name__": "orbax.checkpoint", "error": error})


@pytest.mark.parametrize("error", [TypeError("int"), KeyError("a"), ValueError("a\nb"), EOFError()])
def test_what_damaged_files_cause_names_the_folder_and_the_other(folder, error):
    with (
        pytest.raises(UserError, match=f"^cannot restore checkpoint {folder}: .*delete") as raised,
        integrity.one_line_for(folder),
    ):
        raise_in_orbax(error)
    assert "there is step 1, too (--config.evaluate.checkpoint=best)" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_only_checkpoint_is_not_to_be_deleted(folder):
    (folder.parent / "1").rmdir()
    with (
        pytest.raises(UserError, match="there is no other in this workdir") as raised,
        integrity.one_line_for(folder),
    ):
        raise_in_orbax(ValueError("damaged"))
    assert "delete" not in str(raised.value)


def test_a_defect_of_ours_is_not_taken_for_damage(folder, monkeypatch):
    def restore(step):
        raise AssertionError("never reached: it knows no argument `args`")

    class Manager:
        directory = folder.parent

    Manager.restore = staticmethod(restore)
    with pytest.raises(TypeError, match="unexpected keyword argument 'args'"):
        checkpoint_reading.restore(Manager, 2, {})


@pytest.mark.parametrize(
    "error", [MemoryError(), PermissionError(13, "no right"), ValueError("RESOURCE_EXHAUSTED: x")]
)
def test_what_passes_is_not_called_damage(folder, error):
    with (
        pytest.raises(UserError, match=r"^cannot restore checkpoint") as raised,
        integrity.one_line_for(folder),
    ):
        raise_in_orbax(error)
    assert "delete" not in str(raised.value)


def test_a_checkpoint_that_a_run_removes_meanwhile_is_to_be_tried_again(folder):
    with (
        pytest.raises(UserError, match=r"2: .*; it was removed while it was read, .*: try again$"),
        integrity.one_line_for(folder),
    ):
        (folder.rename(folder.with_name("gone")) / "metrics").read_bytes()

"""Checksums of what a checkpoint holds."""

import zlib

import jax.numpy as jnp
import numpy as np
import pytest

from hmhn_jax import checksums


def test_every_array_has_its_own():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    tree = {"a": jnp.asarray(array), "b": [np.int32(7), jnp.ones(3, jnp.bfloat16)]}
    sums = checksums.of_tree(tree)
    assert sums["['a']"] == zlib.crc32(array.tobytes())
    assert sums["['b'][0]"] == zlib.crc32(np.int32(7).tobytes())
    assert checksums.of_tree(tree | {"a": array.T.copy().T}) == sums  # laid out otherwise
    array[1, 2] += 1e-6
    assert checksums.of_tree(tree | {"a": array}) != sums


def test_json_counts_by_what_it_says():
    assert checksums.of_json({"b": (1, 2.5), "a": {10: 1, 9: 2}}) == checksums.of_json(
        {"a": {"9": 2, "10": 1}, "b": [1, 2.5]}
    )
    assert checksums.of_json({"a": 1}) != checksums.of_json({"a": 2})


@pytest.mark.parametrize("stored", [{}, {"part": 3}, {"part": {"['a']": 2}}, [], None])
def test_another_or_none_is_refused(stored):
    checksums.check("part", {"['a']": 1}, {"part": {"['a']": 1}})
    with pytest.raises(ValueError, match=r"^part.* is not what was saved"):
        checksums.check("part", {"['a']": 1}, stored)

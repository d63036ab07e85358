"""CRC-32 of what a checkpoint holds: Orbax does not notice a changed byte in the arrays' data."""

import json
import zlib
from typing import Any

import jax
import numpy as np


def of_tree(tree: Any) -> dict[str, int]:
    """{name: CRC-32 of the bytes} of the arrays of a tree, wherever they lie."""
    leaves = jax.tree_util.tree_leaves_with_path(jax.device_get(tree))
    return {jax.tree_util.keystr(path): zlib.crc32(_bytes_of(leaf)) for path, leaf in leaves}


def of_json(value: Any) -> int:
    """CRC-32 of what JSON makes of a value, however it is laid out in a file."""
    read_back = json.loads(json.dumps(value))  # keys are texts there, and sorted as such
    return zlib.crc32(json.dumps(read_back, sort_keys=True).encode())


def check(name: str, value: dict[str, int] | int, expected: Any) -> None:
    """Compares the checksum of one part with what was stored.

    Args:
      name: of the part.
      value: of `of_tree` or `of_json`.
      expected: {part: checksum} as stored.

    Raises:
      ValueError: when they differ, or none was stored; it names the array.
    """
    stored = expected.get(name) if isinstance(expected, dict) else None
    if stored == value:
        return
    changed = name
    if isinstance(value, dict) and isinstance(stored, dict):
        arrays = value.keys() | stored.keys()
        changed += min(each for each in arrays if value.get(each) != stored.get(each))
    raise ValueError(f"{changed} is not what was saved: its checksum differs")


def _bytes_of(leaf):
    return np.ascontiguousarray(leaf).reshape(-1).view(np.uint8)

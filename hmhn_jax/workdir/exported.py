"""Exported networks, `DIR/export/`: read back to score crops."""

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.export
import numpy as np

from hmhn_jax.base import files
from hmhn_jax.base.errors import UserError, reason_of

ARTEFACT = "hmhn.jaxexport"
DESCRIPTION = "export.json"


@dataclasses.dataclass(frozen=True, eq=False)
class Exported:
    """An exported network: it scores crops, and shows no attention maps.

    Attributes:
      path: of its file.
      exported: u8[b,S,S,3] -> f32[b], for any b.
      data: what is known of the training data.
      image_size: S, side of the images that it takes, in pixels.
    """

    path: Path
    exported: jax.export.Exported = dataclasses.field(repr=False)
    data: Mapping[str, Any] = dataclasses.field(repr=False)
    image_size: int

    @functools.cached_property
    def _score(self) -> Callable:
        return jax.jit(self.exported.call)

    def score_frames(self, images: np.ndarray) -> np.ndarray:
        """Scores crops u8[b,S,S,3] -> f32[b], unclipped."""
        return np.asarray(self._score(images))


def is_exported(path: Path) -> bool:
    """Returns whether a path is of an exported network, its file or its folder."""
    return path.name == ARTEFACT or (path / ARTEFACT).is_file()


def read(path: Path) -> Exported:
    """Reads an exported network, and compares it with the checksum next to it.

    Args:
      path: of its file or folder; export.json lies next to the file.

    Raises:
      UserError: a file is missing, damaged, or of another export.
    """
    folder = path if path.is_dir() else path.parent
    try:
        content = (folder / ARTEFACT).read_bytes()
        description = files.read_json(folder / DESCRIPTION)
        if hashlib.sha256(content).hexdigest() != description["sha256"]:
            raise ValueError(f"{ARTEFACT} is not what {DESCRIPTION} describes: its sha256 differs")
        data, size = description["trained"]["data"], description["input"]["shape"][1]
        if not isinstance(data, dict) or not isinstance(size, int):
            raise ValueError(f"{DESCRIPTION}: expected data and the size of the input")
        exported = jax.export.deserialize(bytearray(content))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise UserError(f"cannot read the network of {folder}: {reason_of(error)}") from error
    return Exported(folder / ARTEFACT, exported, data, size)

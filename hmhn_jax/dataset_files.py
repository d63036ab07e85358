"""What a prepared dataset says about itself, checked for damage: TFDS checks only records."""

import hashlib
import json
from pathlib import Path

from hmhn_jax import atomic, bounded_files
from hmhn_jax.errors import UserError

DESCRIPTIONS = ("dataset_info.json", "features.json", "metadata.json")
CHECKSUMS = "checksums.json"


def write_checksums(folder: Path) -> None:
    """Writes the sha256 of each of `DESCRIPTIONS` beside them.

    Raises:
      UserError: when it cannot be written.
    """
    digests = {name: _sha256(folder / name) for name in DESCRIPTIONS if (folder / name).exists()}
    atomic.write_text(folder / CHECKSUMS, json.dumps(digests, indent=2) + "\n")


def check(folder: Path) -> None:
    """Compares them with what is there; a dataset that was prepared without is taken as it is.

    Raises:
      UserError: a file is not what was written, or cannot be read.
    """
    path = folder / CHECKSUMS
    try:
        stored = bounded_files.read_json(path)
        if not isinstance(stored, dict):
            raise ValueError(f"expected an object, got {stored!r}")
        changed = [name for name, digest in stored.items() if _sha256(folder / name) != digest]
    except FileNotFoundError as error:
        if Path(error.filename) == path:
            return
        raise UserError(f"cannot open {folder}: {error.filename} is missing") from error
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    if changed:
        raise UserError(
            f"cannot open {folder}: {changed[0]} is not what was written when it was prepared; "
            "delete the folder and it is built again"
        )


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()

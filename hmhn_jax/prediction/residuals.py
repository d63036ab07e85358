"""Out-of-fold errors of a cross-validated workdir, as stored: DIR/residuals.json."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hmhn_jax.base import files
from hmhn_jax.base.errors import UserError
from hmhn_jax.prediction.conformal import Residuals
from hmhn_jax.prediction.ensemble import Trained
from hmhn_jax.workdir import partition

FILE = "residuals.json"
SPLIT = "out-of-fold"  # what its evaluation is called


def write(residuals: Residuals, workdir: Path) -> None:
    """Writes DIR/residuals.json, which names nobody.

    Raises:
      UserError: it cannot be written.
    """
    values = dataclasses.asdict(residuals) | {
        "residuals": residuals.residuals.tolist(),
        "groups": residuals.groups.tolist(),
        "unseen": residuals.unseen.astype(int).tolist(),
        "coverage": {
            str(level): share if np.isfinite(share) else None
            for level, share in residuals.coverage.items()
        },
    }
    files.write_text(workdir / FILE, json.dumps(values) + "\n")


def read_for(workdir: Path, members: Sequence[Trained]) -> Residuals | None:
    """Reads the residuals for networks restored from a workdir; None unless it is cross-validated.

    Raises:
      UserError: the cross-validation is not finished, or the file is damaged.
    """
    if partition.read(workdir) is None:
        return None
    return read(workdir, [member.workdir.name for member in members])


def read(workdir: Path, members: Sequence[str]) -> Residuals:
    """Reads the residuals of a cross-validated workdir.

    Args:
      workdir: of the cross-validation.
      members: names of its networks, in the order of scores to come.

    Raises:
      UserError: the file is missing or damaged.
    """
    path = Path(workdir) / FILE
    try:
        values = files.read_json(path)
        order = [values["members"].index(name) for name in members]
        found = Residuals(
            np.array(values["residuals"], float),
            np.array(values["groups"], int),
            np.array(values["unseen"], bool)[:, order],
            tuple(members),
            float(values["least"]),
            float(values["greatest"]),
            str(values["group"]),
            {
                float(level): np.nan if share is None else float(share)
                for level, share in values["coverage"].items()
            },
        )
        if not (len(found.residuals) == len(found.groups) == len(found.unseen) > 0):
            raise ValueError("unequal numbers of videos")
        if not found.unseen.any(axis=1).all():
            raise ValueError("a video that every network has seen")
        return found
    except FileNotFoundError:
        raise UserError(
            f"{workdir}: the cross-validation is not finished; go on with --mode crossvalidate"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError(f"cannot read {path}: {type(error).__name__}: {error}") from error

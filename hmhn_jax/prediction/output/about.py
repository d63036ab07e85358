"""Origin of a prediction: files, networks, crops and software."""

import dataclasses
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from hmhn_jax.base.notices import NOTICE
from hmhn_jax.prediction import ensemble, result
from hmhn_jax.prediction.conformal import Residuals
from hmhn_jax.prediction.ensemble import Trained
from hmhn_jax.workdir import versions


def describe(
    members: Sequence[Trained],
    text: str,
    files: Sequence[tuple[Path, str | None]],
    residuals: Residuals | None = None,
) -> dict:
    """Describes the origin of predictions.csv in JSON values; files by their absolute paths.

    Args:
      members: the networks.
      text: the input as it was given.
      files: each file that was read, with its sha256, None if it could not be.
      residuals: of the cross-validation that intervals come from.
    """
    settings, warning = result.crop_settings(members[0].provenance.data)
    columns = ["score"]  # of frames.csv; that of --workdir is the first
    if len(members) > 1:
        columns = [f"score_{number}" for number in range(1, len(members) + 1)]
    return {
        "notice": NOTICE,
        "synthetic": ensemble.is_synthetic(members),
        "network": ensemble.training_data(members),
        "scale": members[0].scale.to_json(),
        "command": sys.argv,
        "input": str(Path(text).absolute()),
        "files": [{"file": str(path.absolute()), "sha256": sha256} for path, sha256 in files],
        "members": [_member(each, column) for each, column in zip(members, columns, strict=True)],
        "maps_are_of": str(members[0].workdir.absolute()),
        "warnings": list(ensemble.copies(members)),
        "crops": dataclasses.asdict(settings),
        "crops_warning": warning,
        "intervals": residuals and residuals.describe(),
        "versions": versions.installed(),
    }


def _member(trained, column):
    config = json.dumps(trained.provenance.config, sort_keys=True).encode()
    return trained.summary() | {
        "workdir": str(trained.workdir.absolute()),
        "column": column,
        "config_sha256": hashlib.sha256(config).hexdigest(),
        "weights_sha256": ensemble.weights_sha256(trained),
    }

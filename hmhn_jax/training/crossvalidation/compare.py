"""Paired comparison of two cross-validations of the same folds."""

import json
from pathlib import Path

import numpy as np

from hmhn_jax.base import files
from hmhn_jax.base.errors import UserError
from hmhn_jax.evaluation.bootstrap import bootstrap
from hmhn_jax.evaluation.metrics import mean_error
from hmhn_jax.input_pipeline.crops import Crops
from hmhn_jax.training.crossvalidation import out_of_fold
from hmhn_jax.workdir import partition

FILE = "comparison.json"


def compare(workdir: Path, other: Path, crops: Crops) -> dict:
    """Compares the errors of the same people, and writes DIR/comparison.json.

    Args:
      workdir: cross-validated.
      other: cross-validated too, with the same folds of the same data.
      crops: of these data.

    Returns:
      `mae`, `other_mae`, `difference`, the MAE here minus there, and its 95 % interval over people,
      `difference_low` and `difference_high`.

    Raises:
      UserError: the folds or the scores are not the same.
    """
    if (theirs := partition.read(other)) is None or (ours := partition.read(workdir)) is None:
        raise UserError(f"--compare: expected a cross-validated workdir, got {other}")
    for name, same in {
        "data": ours.fingerprint == theirs.fingerprint,
        "folds": {name: each.test for name, each in ours.folds.items()}
        == {name: each.test for name, each in theirs.folds.items()},
    }.items():
        if not same:
            raise UserError(f"--compare: {other} has other {name} than {workdir}")
    videos, scores = crops.videos, crops.scores
    subjects = np.array([video.subject_id for video in videos])
    here, there = (  # of each video, the mean over repeats
        np.abs(out_of_fold.read(dirs, videos, crops.scale).predictions - scores).mean(axis=0)
        for dirs in (ours.workdirs(workdir), theirs.workdirs(other))
    )
    interval = bootstrap(mean_error, here, there, subjects)
    result = {
        "workdir": str(workdir),
        "other": str(other),
        "mae": float(here.mean()),
        "other_mae": float(there.mean()),
        "difference": float(mean_error(here, there)),
        "difference_low": interval and interval.low,
        "difference_high": interval and interval.high,
        "num_subjects": len(np.unique(subjects)),
    }
    files.write_text(workdir / FILE, json.dumps(result, indent=2) + "\n")
    between = (
        f" (95 % interval over people {interval.low:+.2f} to {interval.high:+.2f})"
        if interval
        else ""
    )
    print(
        f"compared with {other}: MAE {result['mae']:.2f} here, {result['other_mae']:.2f} there; "
        f"difference {result['difference']:+.2f}{between}; in {workdir / FILE}",
        flush=True,
    )
    return result

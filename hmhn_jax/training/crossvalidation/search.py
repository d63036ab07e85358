"""Nested search: a few settings tried inside each fold, chosen by its validation people."""

import functools
import itertools
import json
import runpy
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from hmhn_jax import config as config_lib
from hmhn_jax.base import files
from hmhn_jax.base.errors import UsageError
from hmhn_jax.runtime import config_files
from hmhn_jax.training import child_runs
from hmhn_jax.training.crossvalidation.plan import Fold
from hmhn_jax.workdir import checkpoints, people, scalars, stored_config

MOST_CANDIDATES = 12  # each is a training in each fold
SEARCHED = ("seed", "model.", "loss.", "augment.", "optimizer.", "train.")
MAE = "validation_mae"
CHOICE = "search.json"  # of a fold: what was tried, and what was chosen


def read(config: ConfigDict) -> list[dict]:
    """Reads the file of `config.cv.search`, as those of configs/searches/.

    Returns:
      {field: value} of each candidate, all combinations of the file's values; none without a file.

    Raises:
      UsageError: it is no search, or nobody could choose.
    """
    path = config.cv.search
    if not path:
        return []
    if not Path(path).is_file():
        raise UsageError(f"config.cv.search: no such file: {path}")
    if fault := config_files.fault_of(path):
        raise UsageError(f"config.cv.search: {fault}")
    if not config.cv.validation_share:
        raise UsageError("config.cv.search needs a config.cv.validation_share above 0")
    fields = runpy.run_path(path)["get_config"]()
    if not isinstance(fields, Mapping) or not all(
        isinstance(values, tuple | list) and values for values in fields.values()
    ):
        raise UsageError(f"config.cv.search: {path} must give {{field: (value, value)}}")
    for name in fields:
        if not str(name).startswith(SEARCHED) or name not in config_lib.FIELDS:
            known = ", ".join(f"{each}*" if each[-1] == "." else each for each in SEARCHED)
            raise UsageError(f"config.cv.search: {name} is no field that is searched ({known})")
    candidates = [
        dict(zip(fields, values, strict=True)) for values in itertools.product(*fields.values())
    ]
    if not 2 <= len(candidates) <= MOST_CANDIDATES:
        raise UsageError(
            f"config.cv.search: {path} must give 2 to {MOST_CANDIDATES} combinations, got "
            f"{len(candidates)}"
        )
    for candidate in candidates:
        config_lib.check(config_lib.override(config, candidate))
    return candidates


def workdir_of(fold: Fold, number: int) -> Path:
    """Returns the workdir of a candidate, beside the fold's."""
    return fold.workdir.with_name(f"{fold.name}-candidate{number}")


def check_same(fold: Fold, candidates: list[dict]) -> None:
    """Raises UserError where a fold's candidates were begun with other settings."""
    for number, candidate in enumerate(candidates):
        config = config_lib.override(fold.config, candidate)
        child_runs.check_same(config, workdir_of(fold, number), "search")


def run_fold(fold: Fold, run: Callable[..., None], candidates: list[dict]) -> str:
    """Trains each candidate, chooses by validation MAE and evaluates what was chosen.

    The fold's test people are scored by the chosen network alone.

    Returns:
      Why it failed, or "".
    """
    if not (fold.workdir / CHOICE).exists():
        tried, maes = [], []
        for number, candidate in enumerate(candidates):
            folder = workdir_of(fold, number)
            print(f"{fold.name}, candidate {number}: {describe(candidate)}", flush=True)
            files.write_bytes(folder / people.FILE, fold.people.content())
            stored_config.save(config_lib.override(fold.config, candidate), folder)
            train = functools.partial(run, mode="train")
            if reason := child_runs.attempt(train, folder):
                return f"candidate {number}: {reason}"
            maes.append(min(each[MAE] for each in scalars.read(folder) if MAE in each))
            tried.append({"set": candidate, MAE: maes[-1]})
        chosen = int(np.argmin(maes))
        _take(workdir_of(fold, chosen), fold.workdir)
        text = json.dumps({"tried": tried, "chosen": chosen}, indent=2) + "\n"
        files.write_text(fold.workdir / CHOICE, text)
    return child_runs.attempt(functools.partial(run, mode="evaluate"), fold.workdir)


def describe(candidate: Mapping) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in candidate.items())


def _take(candidate: Path, workdir: Path) -> None:
    """Copies a trained network's workdir."""
    directory = checkpoints.checkpoint_directory(workdir)
    shutil.rmtree(directory, ignore_errors=True)  # of a copy that was interrupted
    shutil.copytree(checkpoints.checkpoint_directory(candidate), directory)
    for name in (stored_config.config_path(workdir).name, "scalars.jsonl"):
        shutil.copyfile(candidate / name, workdir / name)

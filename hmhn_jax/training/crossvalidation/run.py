"""Cross-validation: a run for each fold, resumed where they ended, and then their report."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.input_pipeline import split
from hmhn_jax.training import child_runs
from hmhn_jax.training.crossvalidation import collect, compare, plan, search
from hmhn_jax.training.crossvalidation.plan import Fold
from hmhn_jax.workdir import partition, stored_config


def crossvalidate(
    config: ConfigDict,
    workdir: Path,
    builder: Any,
    run: Callable[..., None],
    *,
    only: str | None = None,
    other: Path | None = None,
) -> None:
    """Runs or resumes the folds of a cross-validation, then writes its report.

    A fold that fails does not stop the others.

    Args:
      config: checked; its `cv` says how people are divided.
      workdir: gets folds.json, folds/NAME/, each an ordinary workdir, evaluation/out-of-fold/ and
        residuals.json.
      builder: the prepared TFDS builder of `config.data`.
      run: run(workdir, mode=MODE) does what a mode of run.py does in a workdir that has its config.
      only: runs this fold alone, and writes no report.
      other: another cross-validated workdir of the same folds, to compare with.

    Raises:
      UserError: when folds failed, after all others; or when the workdir is of another
        cross-validation.
    """
    candidates = search.read(config)
    splits = plan.splits(config, builder)
    crops = split.read_encoded(builder, splits, config.data)
    folds = plan.prepare(config, workdir, crops.videos, builder.info.metadata, splits)
    crops = split.of_subjects(crops, [name for fold in folds for name in fold.people.test])
    for fold in folds:
        search.check_same(fold, candidates)
    names = [fold.name for fold in folds]
    if only and only not in names:
        raise UsageError(f"--fold must be one of {', '.join(names)}, got {only!r}")
    pending = [fold for fold in folds if not finished(fold) and only in (None, fold.name)]
    shared = None
    if len(pending) > 1 or (pending and candidates):
        shared = split.share_decoded(crops, workdir / partition.FOLDER, builder, config.data)
    failures = run_folds(pending, len(folds), run, candidates, alone=only is not None)
    if failures:
        raise UserError(
            f"{len(failures)} of {len(folds)} folds failed; the same command tries them again: "
            + "; ".join(f"{name}: {reason}" for name, reason in failures.items())
        )
    if only:
        return print(f"fold {only} is finished; without --fold the same command makes the report")
    if shared:
        shared.unlink(missing_ok=True)
    collect.collect(config, workdir, builder, crops, folds)
    if other:
        compare.compare(workdir, other, crops)


def finished(fold: Fold) -> bool:
    return child_runs.results(fold.workdir, "test") is not None


def run_folds(
    pending: Sequence[Fold],
    total: int,
    run: Callable[..., None],
    candidates: list[dict],
    alone: bool,
) -> dict[str, str]:
    """Runs folds one after the other; returns why some failed, by name."""
    failures = {}
    begun = time.monotonic()
    for done, fold in enumerate(pending):
        number = total - len(pending) + done + 1
        left = (time.monotonic() - begun) / done * (len(pending) - done) if done else None
        about = "" if left is None else f", about {_duration(left)} left for all"
        people = fold.people
        print(
            f"fold {number}/{total}: {fold.name}, {len(people.train)} people train, "
            f"{len(people.validation)} validate, {len(people.test)} test, in "
            f"{fold.workdir}{about}",
            flush=True,
        )
        if candidates:
            reason = search.run_fold(fold, run, candidates)
        else:
            stored_config.save(fold.config, fold.workdir)
            reason = child_runs.attempt(run, fold.workdir, alone)
        if not reason and not finished(fold):
            reason = "it ended without results"
        if reason:
            failures[fold.name] = reason
            print(f"failed, continuing with the next: {reason}", flush=True)
    return failures


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{max(1, minutes)} min"

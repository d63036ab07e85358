"""Sweeps: every variant with several seeds, for one table."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ml_collections import ConfigDict

from hmhn_jax import config as config_lib
from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.training import child_runs, sweep_table
from hmhn_jax.training.sweep_table import Cell
from hmhn_jax.workdir import stored_config

FIELDS = {"title": str, "seeds": tuple, "base": ConfigDict, "cells": tuple}
CELL_FIELDS = {field.name for field in dataclasses.fields(Cell)}


@dataclasses.dataclass(frozen=True)
class Run:
    """One cell with one seed.

    Attributes:
      cell: what is varied.
      config: of the run, checked.
      workdir: of the run, an ordinary one.
    """

    cell: Cell
    config: ConfigDict
    workdir: Path

    def __str__(self) -> str:
        return f"{self.cell.name} ({self.cell.label}), seed {self.config.seed}"

    def results(self) -> dict | None:
        """Reads the run's metrics.json; None before it is finished."""
        return child_runs.results(self.workdir, self.config.data.test_split)


def sweep(
    settings: ConfigDict, workdir: Path, train_and_evaluate: Callable[[Path], None], command: str
) -> None:
    """Runs or resumes all runs of a sweep, as in configs/sweeps/, then writes its table and figure.

    A run that fails does not stop the others; the table, written again after each run, says what is
    missing, and which command was typed.

    Args:
      settings: of the sweep.
      workdir: gets cells/NAME/seedN/, each an ordinary workdir, table.md, table.csv, figure.png.
      train_and_evaluate: makes one run, in a process of its own, in a workdir that has its config.
      command: that was typed.

    Raises:
      UserError: when runs failed, after all others; or when the workdir is of another sweep.
    """
    cells = read_cells(settings)
    runs = list(plan(settings, cells, workdir))
    for run in runs:
        child_runs.check_same(run.config, run.workdir, "sweep")
    failures = {}
    for number, run in enumerate(runs, start=1):
        if run.results() is not None:
            print(f"run {number}/{len(runs)}: {run}: already finished", flush=True)
            continue
        print(f"run {number}/{len(runs)}: {run}, in {run.workdir}", flush=True)
        stored_config.save(run.config, run.workdir)
        if reason := _attempt(train_and_evaluate, run):
            failures[str(run)] = reason
            print(f"failed, continuing with the next: {reason}", flush=True)
        else:
            _write_table(workdir, settings, cells, runs, command)
    _write_table(workdir, settings, cells, runs, command)
    print((workdir / "table.md").read_text(encoding="utf-8"))
    print(f"results: {workdir}/{{table.md,table.csv,figure.png}}", flush=True)
    if failures:
        raise UserError(
            f"{len(failures)} of {len(runs)} runs failed; the same command tries them again: "
            + "; ".join(f"{run}: {reason}" for run, reason in failures.items())
        )


def read_cells(settings: ConfigDict) -> list[Cell]:
    """Reads the cells of a sweep's config; raises UsageError for one that is not a sweep's."""
    for field, wanted in FIELDS.items():
        if not isinstance(settings.get(field), wanted):
            raise UsageError(
                f"--mode sweep expects a config as in configs/sweeps/; config.{field} must be of "
                f"type {wanted.__name__}, got {type(settings.get(field)).__name__}"
            )
    for cell in settings.cells:
        if not isinstance(cell, Mapping) or set(cell) != CELL_FIELDS:
            raise UsageError(
                f"config.cells must be dicts of {', '.join(sorted(CELL_FIELDS))}, got {cell!r}"
            )
        for field, wanted in {"name": str, "label": str, "set": Mapping, "paper": Mapping}.items():
            if not isinstance(cell[field], wanted):
                raise UsageError(
                    f"config.cells: {field} must be a {wanted.__name__}, got {cell[field]!r}"
                )
    names = [cell["name"] for cell in settings.cells]
    if len(set(names)) < len(names) or any(name != Path(name).name for name in names):
        raise UsageError(f"config.cells must have different valid folder names, got {names}")
    if not names or not settings.seeds:
        raise UsageError("config.cells and config.seeds must not be empty")
    if len(set(settings.seeds)) < len(settings.seeds):
        raise UsageError(f"config.seeds must differ from each other, got {settings.seeds}")
    return [Cell(**cell) for cell in settings.cells]


def plan(settings: ConfigDict, cells: list[Cell], workdir: Path) -> Iterator[Run]:
    """Lists every cell with the first seed, then with the second, and so on.

    Raises UsageError for a cell or a seed that no run can have.
    """
    base = config_lib.complete(settings.base)
    config_lib.check(base)
    for seed in settings.seeds:
        for cell in cells:
            fields = {**cell.set, "seed": seed}
            if unknown := sorted(fields.keys() - config_lib.FIELDS.keys()):
                raise UsageError(f"config.cells: {cell.name} sets no known field: {unknown}")
            try:
                config = config_lib.override(base, fields)
            except UsageError as error:
                raise UsageError(f"config.cells: {cell.name}, seed {seed!r}: {error}") from error
            config_lib.check(config)
            yield Run(cell, config, workdir / "cells" / cell.name / f"seed{seed}")


def _attempt(train_and_evaluate, run) -> str:
    """Attempts a run; returns why it failed, or ""."""
    if reason := child_runs.attempt(train_and_evaluate, run.workdir):
        return reason
    return "" if run.results() else "it ended without results"


def _write_table(workdir, settings, cells, runs, command):
    results = {cell.name: [] for cell in cells}
    for run in runs:
        if (finished := run.results()) is not None:
            results[run.cell.name].append(finished)
    rows = [sweep_table.Row(cell, results[cell.name]) for cell in cells]
    sweep_table.write(workdir, settings.title, rows, len(settings.seeds), command)

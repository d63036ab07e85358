"""Runs that a larger job starts: each in an ordinary workdir and in a process of its own."""

import traceback
from collections.abc import Callable
from pathlib import Path

from ml_collections import ConfigDict

from hmhn_jax import config as config_lib
from hmhn_jax.base import files, process_pool
from hmhn_jax.base.errors import SoftwareFault, UserError
from hmhn_jax.workdir import checkpoints, stored_config


def results(workdir: Path, split: str) -> dict | None:
    """Reads a run's metrics.json; None before it is finished."""
    path = workdir / "evaluation" / split / "metrics.json"
    try:
        return files.read_json(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}; delete it to run it again") from error


def check_same(config: ConfigDict, workdir: Path, job: str) -> None:
    """Raises UserError where a workdir was begun with another config, by another such job."""
    if results(workdir, config.data.test_split) is None and not checkpoints.exist(workdir):
        return  # there is nothing in it that another config would spoil
    stored = stored_config.load(workdir)
    if stored and (changed := config_lib.differences(config, stored)):
        raise UserError(
            f"{workdir} is of another {job}: {'; '.join(changed)}; use another --workdir, or "
            "delete that one"
        )


def attempt(run: Callable[[Path], None], workdir: Path, alone: bool = False) -> str:
    """Attempts a run in a process of its own; returns why it failed, or "".

    Args:
      run: makes it, in a workdir that has its config.
      workdir: its.
      alone: whether it is the only one: it then runs in this process, which signals reach.
    """
    try:
        if alone:
            run(workdir)
        else:
            process_pool.in_fresh_process(run, workdir)
    except (UserError, SoftwareFault) as error:
        return str(error)
    except Exception as error:  # whatever it is, the other runs can do without this one
        path = workdir / "error.txt"
        files.write_text(path, "".join(traceback.format_exception(error)))
        return f"{type(error).__name__}, see {path}"
    return ""

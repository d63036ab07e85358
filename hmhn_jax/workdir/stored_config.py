"""The config of a workdir, config.json: chosen, written and read back."""

import json
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from hmhn_jax.base import files
from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.config import check, complete, override


def choose(flag: Any, workdir: Path) -> ConfigDict:
    """Returns the config of a run, checked: the file that was asked for, else the workdir's own.

    Fields set on the command line win in both cases. Raises UserError for a config that no run can
    use. `flag` is that of `config_flags.DEFINE_config_file`.
    """
    config = flag.value
    if "cells" in config:
        raise UsageError("--config names a sweep; add --mode sweep")
    if flag.using_default_value and (stored := load(workdir)):
        config = override(stored, flag.override_values)
    config = complete(config)
    check(config)
    return config


def config_path(workdir: Path) -> Path:
    return Path(workdir) / "config.json"


def save(config: ConfigDict, workdir: Path) -> None:
    text = json.dumps(config.to_dict(), indent=2) + "\n"
    files.write_text(config_path(workdir), text)


def load(workdir: Path) -> ConfigDict | None:
    """Reads the config that a workdir was trained with; None without one.

    Fields that are newer than it have their defaults. Raises UserError if the file is no config.
    """
    path = config_path(workdir)
    try:
        stored = from_dict(files.read_json(path))
        check(stored)
        return stored
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, AttributeError, UsageError) as error:
        raise UserError(f"cannot read {path} as a config: {error}") from error


def from_dict(values: dict) -> ConfigDict:
    """Returns the config that JSON stored: lists are tuples again, newer fields have defaults."""
    return complete(ConfigDict(_lists_to_tuples(values)))


def _lists_to_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists_to_tuples(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return tuple(map(_lists_to_tuples, value))
    return value

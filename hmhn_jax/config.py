"""A run's config: checked, built into the objects it describes, written and read back."""

import json
import math
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from hmhn_jax import atomic, bounded_files
from hmhn_jax.augment import AugmentSettings
from hmhn_jax.config_limits import CHOICES, LEAST, MOST, MOST_KERNEL_SIDE, MOST_KERNELS
from hmhn_jax.errors import UsageError, UserError
from hmhn_jax.models import HMHN


def check_fields(config: ConfigDict, pattern: ConfigDict) -> None:
    """Raises UsageError unless the config has the fields of `pattern`, of the same types."""
    values, expected = flatten(config), flatten(pattern)
    for field in sorted(values.keys() ^ expected.keys()):
        missing = field in expected
        raise UsageError(f"config.{field} is {'missing' if missing else 'no known field'}")
    for field, value in values.items():
        wanted = type(expected[field])
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise UsageError(f"config.{field} must be of type {wanted.__name__}, got {value!r}")


def check(config: ConfigDict) -> None:
    """Raises UsageError, in one line, for a value that no run can use."""
    values = flatten(config)
    for field, choices in CHOICES.items():
        if values[field] not in choices:
            expected = " or ".join(map(repr, choices))
            raise UsageError(f"config.{field} must be {expected}, got {values[field]!r}")
    for field, least in LEAST.items():
        if not least <= values[field] < math.inf:  # nan is refused, too
            raise UsageError(f"config.{field} must be at least {least}, got {values[field]}")
    for field, most in MOST.items():
        if values[field] > most:
            raise UsageError(f"config.{field} must be at most {most}, got {values[field]}")
    if not 0 <= config.model.dropout_rate < 1:
        rate = config.model.dropout_rate
        raise UsageError(f"config.model.dropout_rate must be in [0, 1), got {rate}")
    for field in ("optimizer.plateau_factor", "loss.partition_epsilon"):
        if not 0 < values[field] <= 1:
            raise UsageError(f"config.{field} must be in (0, 1], got {values[field]}")
    for field, sizes in (
        ("model.grid", (config.model.grid,)),
        ("model.kernels", config.model.kernels),
    ):
        if not sizes or not all(map(_is_pair, sizes)):
            raise UsageError(
                f"config.{field} must be made of pairs of whole numbers, got {values[field]}"
            )
    kernels = config.model.kernels
    if len(kernels) > MOST_KERNELS or max(map(max, kernels)) > MOST_KERNEL_SIDE:
        raise UsageError(
            f"config.model.kernels must be at most {MOST_KERNELS} of at most {MOST_KERNEL_SIDE} "
            f"pixels, got {kernels}"
        )
    if max(config.model.grid) > config.data.image_size:
        raise UsageError(
            f"config.model.grid must fit an image of {config.data.image_size} pixels, "
            f"got {config.model.grid}"
        )
    if config.model.use_dff and not config.model.use_gwa:
        raise UsageError("config.model.use_dff=True needs config.model.use_gwa=True")


def _is_pair(size):
    return (
        isinstance(size, tuple)
        and len(size) == 2
        and all(isinstance(length, int) and length >= 1 for length in size)
    )


def make_model(config: ConfigDict, **fields) -> HMHN:
    """The network of `config.model`; `fields` are those of `HMHN` that a run adds."""
    settings = dict(config.model)
    settings["dtype"] = jnp.dtype(settings["dtype"])
    return HMHN(**settings, **fields)


def variable_shapes(config: ConfigDict) -> Any:
    """The network's variables as `jax.ShapeDtypeStruct`s; nothing is computed."""
    size = config.data.image_size
    images = jax.ShapeDtypeStruct((1, size, size, 3), jnp.float32)
    return jax.eval_shape(make_model(config).init, jax.random.key(0), images)


def augment_settings(config: ConfigDict) -> AugmentSettings:
    return AugmentSettings(**config.augment)


def flatten(config: ConfigDict) -> dict:
    """{"model.width": 16, ...} of all fields."""
    flat = {}
    for key, value in config.items():
        if isinstance(value, ConfigDict):
            flat |= {f"{key}.{name}": inner for name, inner in flatten(value).items()}
        else:
            flat[key] = value
    return flat


def differences(
    config: ConfigDict, stored: ConfigDict, fields: str | tuple[str, ...] = ""
) -> list[str]:
    """Which fields (whose names start so) differ, as "model.width 16, stored 32"."""
    ours, theirs = flatten(config), flatten(stored)
    return [
        f"{field} {ours.get(field)!r}, stored {theirs.get(field)!r}"
        for field in sorted(ours | theirs)
        if field.startswith(fields) and ours.get(field) != theirs.get(field)
    ]


def override(config: ConfigDict, values: dict) -> ConfigDict:
    """The config with some fields, such as {"model.width": 32}, changed."""
    changed = config.copy_and_resolve_references().lock()
    try:
        changed.update_from_flattened_dict(values)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"cannot change the config: {error}") from error
    return changed


def choose(flag: Any, workdir: Path, pattern: ConfigDict) -> ConfigDict:
    """The config of a run, checked: the file that was asked for, else the workdir's own.

    Args:
      flag: of `config_flags.DEFINE_config_file`; fields set on the command line win in both cases.
      workdir: of the run, new or not.
      pattern: any config, for the fields and types it must have.

    Raises:
      UsageError, UserError: for a config that no run can use.
    """
    config = flag.value
    if "cells" in config:
        raise UsageError("--config is of a sweep, many runs: add --mode sweep")
    check_fields(config, pattern)
    if flag.using_default_value and (stored := load(workdir, pattern)):
        config = override(stored, flag.override_values)
    check(config)
    return config


def config_path(workdir: Path) -> Path:
    return Path(workdir) / "config.json"


def save(config: ConfigDict, workdir: Path) -> None:
    text = json.dumps(config.to_dict(), indent=2) + "\n"
    atomic.write_text(config_path(workdir), text)


def load(workdir: Path, pattern: ConfigDict) -> ConfigDict | None:
    """The config a workdir was trained with, None when it has none yet.

    Args:
      workdir: of a run.
      pattern: any config, for the fields and types it must have.

    Raises:
      UserError: when the file is there but is not a config.
    """
    path = config_path(workdir)
    try:
        stored = from_dict(bounded_files.read_json(path))
        check_fields(stored, pattern)
        check(stored)
        return stored
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, AttributeError, UsageError) as error:
        raise UserError(f"cannot read {path} as a config: {error}") from error


def from_dict(values: dict) -> ConfigDict:
    """A config from what JSON made of it: lists are tuples again."""
    return ConfigDict(_lists_to_tuples(values))


def _lists_to_tuples(value):
    if isinstance(value, dict):
        return {key: _lists_to_tuples(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return tuple(map(_lists_to_tuples, value))
    return value

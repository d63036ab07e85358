"""A run's config: checked, built into the objects it describes, written and read back."""

import json
from pathlib import Path

import jax.numpy as jnp
from ml_collections import ConfigDict

from hmhn_jax import atomic
from hmhn_jax.augment import AugmentSettings
from hmhn_jax.errors import UsageError, UserError
from hmhn_jax.models import HMHN

CHOICES = {
    "model.gwa_softmax_axis": ("grid", "last"),
    "model.spatial_reduce": ("mean", "sum"),
    "model.dtype": ("float32", "bfloat16"),
    "optimizer.schedule": ("constant", "cosine"),
    "evaluate.checkpoint": ("best", "last"),
}
AT_LEAST_ONE = (
    "data.image_size",
    "model.num_heads",
    "model.width",
    "model.lgfe_expansion",
    "train.batch_size",
    "train.num_epochs",
    "train.checkpoint_every_epochs",
    "train.log_every_steps",
    "evaluate.batch_size",
)
NOT_NEGATIVE = (
    "seed",
    "augment.rotation",
    "augment.zoom",
    "augment.shift",
    "augment.brightness",
    "augment.contrast",
    "augment.saturation",
    "loss.partition_weight",
    "optimizer.learning_rate",
    "optimizer.warmup_epochs",
    "optimizer.weight_decay",
    "optimizer.clip_norm",
    "optimizer.plateau_patience",
)


def check(config: ConfigDict) -> None:
    """Raises UsageError, in one line, for a value that no run can use."""
    values = flatten(config)
    for field, choices in CHOICES.items():
        if values[field] not in choices:
            expected = " or ".join(map(repr, choices))
            raise UsageError(f"config.{field} must be {expected}, got {values[field]!r}")
    for fields, least in ((AT_LEAST_ONE, 1), (NOT_NEGATIVE, 0)):
        for field in fields:
            if not values[field] >= least:
                raise UsageError(f"config.{field} must be at least {least}, got {values[field]}")
    if not 0 <= config.model.dropout_rate < 1:
        rate = config.model.dropout_rate
        raise UsageError(f"config.model.dropout_rate must be in [0, 1), got {rate}")
    if not 0 < config.optimizer.plateau_factor <= 1:
        factor = config.optimizer.plateau_factor
        raise UsageError(f"config.optimizer.plateau_factor must be in (0, 1], got {factor}")
    pairs = {"model.grid": (config.model.grid,), "model.kernels": config.model.kernels}
    for field, sizes in pairs.items():
        if not all(
            isinstance(size, tuple)
            and len(size) == 2
            and all(isinstance(n, int) and n >= 1 for n in size)
            for size in sizes
        ):
            raise UsageError(
                f"config.{field} must be made of pairs of whole numbers, got {values[field]}"
            )
    if not config.model.kernels:
        raise UsageError("config.model.kernels must be one or more sizes, got ()")
    if config.model.use_dff and not config.model.use_gwa:
        raise UsageError("config.model.use_dff=True needs config.model.use_gwa=True")
    if config.evaluate.checkpoint == "best" and not config.data.validation_split:
        raise UsageError(
            "config.evaluate.checkpoint='best' needs config.data.validation_split to choose by"
        )


def make_model(config: ConfigDict, **fields) -> HMHN:
    """The network of `config.model`; `fields` are those of `HMHN` that a run adds."""
    settings = dict(config.model)
    settings["dtype"] = jnp.dtype(settings["dtype"])
    return HMHN(**settings, **fields)


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


def differences(config: ConfigDict, stored: ConfigDict, section: str = "") -> list[str]:
    """Which fields (of one section) differ, as "model.width 16, stored 32"."""
    ours, theirs = flatten(config), flatten(stored)
    return [
        f"{field} {ours.get(field)!r}, stored {theirs.get(field)!r}"
        for field in sorted(ours | theirs)
        if field.startswith(section) and ours.get(field) != theirs.get(field)
    ]


def override(config: ConfigDict, values: dict) -> ConfigDict:
    """The config with some fields, such as {"model.width": 32}, changed."""
    changed = config.copy_and_resolve_references().lock()
    try:
        changed.update_from_flattened_dict(values)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"cannot change the stored config: {error}") from error
    return changed


def config_path(workdir: Path) -> Path:
    return Path(workdir) / "config.json"


def save(config: ConfigDict, workdir: Path) -> None:
    text = json.dumps(config.to_dict(), indent=2) + "\n"
    atomic.write_text(config_path(workdir), text)


def load(workdir: Path) -> ConfigDict | None:
    """The config a workdir was made with, None when it has none.

    Raises:
      UserError: when the file is there but is not a config.
    """
    path = config_path(workdir)
    try:
        return from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, AttributeError) as error:
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

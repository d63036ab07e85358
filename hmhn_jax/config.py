"""The fields of a run's config: defaults, limits and meanings, in one table.

Checks and their error lines come from the table, and so does docs/use/config.md:

    python -m hmhn_jax.config > docs/use/config.md
"""

import dataclasses
import math
import sys
from typing import Any

from ml_collections import ConfigDict

from hmhn_jax.base.errors import UsageError

MOST_KERNELS, MOST_KERNEL_SIDE = 16, 64


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a config.

    Attributes:
      default: its value where a config has none: the paper's setting, and ours where the paper is
        silent. Its type is the field's; whole numbers may stand for floats.
      meaning: a phrase for the reader of docs/use/config.md.
      choices: the only values, where there are few; of a tuple, of its items.
      least, most, above, below: bounds of a number, the last two exclusive. Upper bounds of
        sizes limit what a downloaded workdir can ask of a machine.
      newer: whether configs were stored before the field was there; these have its default.
    """

    default: Any
    meaning: str
    choices: tuple = ()
    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf
    below: float = math.inf
    newer: bool = False

    def limits(self) -> str:
        """Returns the values that the field may have, in words; empty without limits."""
        if self.choices:
            several = "any of " if isinstance(self.default, tuple) else ""
            return several + " or ".join(map(repr, self.choices))
        words = {"least": "at least", "above": "above", "most": "at most", "below": "below"}
        bounds = {name: getattr(self, name) for name in words}
        return " and ".join(
            f"{words[name]} {bound}" for name, bound in bounds.items() if math.isfinite(bound)
        )

    def takes(self, value: Any) -> bool:
        """Returns whether a value of the field's type lies within its limits."""
        if self.choices:
            values = value if isinstance(value, tuple) else (value,)
            return all(each in self.choices for each in values)
        if not isinstance(value, int | float):
            return True
        # A number that is not finite lies within no limits.
        inclusive = self.least <= value <= self.most and -math.inf < value < math.inf
        return inclusive and self.above < value < self.below


FIELDS = {
    "seed": Field(0, "random numbers of weights, order, augmentation", least=0, most=sys.maxsize),
    "init_from": Field("", "a PyTorch file of weights to start from; empty: from scratch"),
    "data.dataset": Field("avec_faces/avec2014", "the TFDS dataset, with its builder config"),
    "data.data_dir": Field("", "where datasets lie; empty: TFDS's default, ~/tensorflow_datasets"),
    "data.manual_dir": Field("", "where the videos are; empty: data_dir/downloads/manual"),
    "data.table": Field("", "which table of a folder, of several", newer=True),
    "data.columns": Field(
        "", "what a table's columns are called, such as file:Video,score:Total", newer=True
    ),
    "data.missing": Field("", "codes of missing scores, such as -99", newer=True),
    "data.exclude": Field("", "a file with a list of videos to leave out", newer=True),
    "data.scale": Field(
        "",
        "rating scale of a folder's scores: a name such as phq9, or a .toml or .json file",
        newer=True,
    ),
    "data.train_split": Field("train+validation", "videos that are trained on"),
    "data.validation_split": Field("", "videos that choose the checkpoint; empty: none"),
    "data.test_split": Field("test", "videos that are evaluated"),
    "data.people": Field(
        "", "sha256 of DIR/people.json, whose people are train, validation and test", newer=True
    ),
    "data.image_size": Field(224, "side of a crop, in pixels", least=1, most=4096),
    "data.cache_gib": Field(4.0, "decoded crops are kept in memory up to this size", least=0),
    "model.num_heads": Field(4, "attention heads of MAB (Fig. 6)", least=1, most=256),
    "model.grid": Field((3, 3), "rows and columns of GWA's grid (Fig. 7)"),
    "model.kernels": Field(((3, 3), (1, 3), (3, 1)), "parallel convolutions of a head (Table 5)"),
    "model.use_gwa": Field(True, "whether the network has GWA"),
    "model.use_dff": Field(True, "whether the network has DFF, which needs GWA"),
    "model.use_mab": Field(True, "whether the network has MAB and AFB"),
    # The heads' squeeze layers have half as many units.
    "model.width": Field(64, "channels of the first stage, 64 in ResNet-18", least=2, most=4096),
    "model.lgfe_expansion": Field(
        16, "hidden channels of LGFE over its input's (Table 2)", least=1, most=4096
    ),
    "model.gwa_softmax_axis": Field(
        "grid", "GWA's softmax: over the grids, or Eq. 4 to the letter", choices=("grid", "last")
    ),
    "model.spatial_reduce": Field(
        "mean", "reduction of a head's branches to one map", choices=("mean", "sum")
    ),
    "model.dropout_rate": Field(0.2, "dropout before the last layer", least=0, below=1),
    "model.use_output_norm": Field(True, "whether the score has a batch normalisation"),
    "model.dtype": Field("float32", "arithmetic of activations", choices=("float32", "bfloat16")),
    "loss.partition_weight": Field(1.0, "weight of the partition loss (Eq. 11)", least=0),
    "loss.partition_ddof": Field(1, "variance over K heads is divided by K - ddof", choices=(0, 1)),
    "loss.partition_epsilon": Field(1e-6, "added to the variance over heads", above=0, most=1),
    "augment.flip": Field(True, "whether crops are mirrored at random"),
    "augment.rotation": Field(10.0, "largest turn, in degrees", least=0),
    "augment.zoom": Field(0.08, "largest change of size, as a fraction", least=0),
    "augment.shift": Field(0.04, "largest shift, as a fraction of the side", least=0),
    "augment.brightness": Field(0.2, "largest change of brightness", least=0),
    "augment.contrast": Field(0.2, "largest change of contrast", least=0),
    "augment.saturation": Field(0.2, "largest change of saturation", least=0),
    "optimizer.learning_rate": Field(1e-3, "the highest learning rate", least=0),
    "optimizer.schedule": Field(
        "constant", "cosine: down to 0 at the last step", choices=("constant", "cosine")
    ),
    "optimizer.warmup_epochs": Field(0.0, "epochs of a rising learning rate", least=0),
    "optimizer.weight_decay": Field(0.01, "AdamW's", least=0),
    "optimizer.clip_norm": Field(1.0, "largest norm of the gradients; 0: any", least=0),
    "optimizer.plateau_factor": Field(
        0.1, "the paper's learning factor; 1: no reduction", above=0, most=1
    ),
    "optimizer.plateau_patience": Field(
        5, "epochs without a lower mean training loss before a reduction", least=0
    ),
    "train.batch_size": Field(64, "crops of a step, over all devices", least=1, most=2**20),
    "train.num_epochs": Field(50, "epochs; the paper gives none", least=1),
    "train.checkpoint_every_epochs": Field(1, "epochs from checkpoint to checkpoint", least=1),
    "train.log_every_steps": Field(10, "steps from line to line of scalars.jsonl", least=1),
    "evaluate.batch_size": Field(64, "crops scored at once, over all devices", least=1, most=2**20),
    "evaluate.checkpoint": Field(
        "last", "best: the one of the lowest validation MAE", choices=("last", "best")
    ),
    "evaluate.baselines": Field(
        ("conditions", "motion", "texture", "pixels"),
        "what HMHN is compared with; empty: nothing",
        choices=("conditions", "motion", "texture", "pixels"),
        newer=True,
    ),
    "evaluate.features": Field(
        "",
        "a CSV file, or a folder of them, of another tool's features to compare with",
        newer=True,
    ),
    "evaluate.audit": Field(True, "whether evaluation looks for shortcuts", newer=True),
    "evaluate.occlusion_patch": Field(
        0.2, "side of the patch of occlusion maps, over the crop's", above=0, most=1, newer=True
    ),
    "evaluate.occlusion_stride": Field(
        0.15, "step of that patch, over the crop's side", least=0.02, most=1, newer=True
    ),
    "cv.folds": Field(
        0, "folds of cross-validation; 0: 5 of people, or one a group", least=0, newer=True
    ),
    "cv.repeats": Field(1, "how often everyone is divided into folds", least=1, newer=True),
    "cv.group": Field(
        "subject", "what stays in one fold: subject, or a column such as site", newer=True
    ),
    "cv.splits": Field("", "splits that are divided, train+validation; empty: all", newer=True),
    "cv.validation_share": Field(
        0.2,
        "share of a fold's training people that choose its checkpoint",
        least=0,
        most=0.5,
        newer=True,
    ),
    "cv.seed": Field(0, "another one divides differently", least=0, most=2**63 - 1, newer=True),
    "cv.search": Field("", "a file of configs/searches/: chosen inside each fold", newer=True),
    "cv.widest_interval": Field(
        0.0, "no score where the 95 % interval is wider, in points; 0: any", least=0, newer=True
    ),
    "report.faces": Field(True, "whether reports show crops of the largest errors", newer=True),
    "report.pseudonyms": Field(
        False, "whether reports name people P01, P02, ... and no paths", newer=True
    ),
}


def default() -> ConfigDict:
    """Returns a config of all fields' defaults."""
    config = ConfigDict()
    for name, field in FIELDS.items():
        _set(config, name, field.default)
    return config


def complete(config: ConfigDict) -> ConfigDict:
    """Returns a copy with the defaults of fields that are newer than the config."""
    completed = config.copy_and_resolve_references().unlock()
    for name in (name for name, field in FIELDS.items() if field.newer):
        section, _, key = name.rpartition(".")
        part = completed.get(section, ConfigDict())
        if isinstance(part, ConfigDict) and key not in part:  # anything else is refused by `check`
            _set(completed, name, FIELDS[name].default)
    return completed.lock()


def _set(config: ConfigDict, name: str, value: Any) -> None:
    section, dot, key = name.rpartition(".")
    if dot and section not in config:
        config[section] = ConfigDict()
    (config[section] if dot else config)[key] = value


def check(config: ConfigDict) -> None:
    """Raises UsageError, in one line, for the first value that no run can use."""
    values = flatten(config)
    for name in sorted(values.keys() ^ FIELDS.keys()):
        raise UsageError(f"config.{name} is {'missing' if name in FIELDS else 'no known field'}")
    for name, field in FIELDS.items():
        value, wanted = values[name], type(field.default)
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise UsageError(f"config.{name} must be of type {wanted.__name__}, got {value!r}")
        if not field.takes(value):
            expected = field.limits() or "a finite number"
            raise UsageError(f"config.{name} must be {expected}, got {value!r}")
    grid, kernels = config.model.grid, config.model.kernels
    for name, sizes in {"grid": (grid,), "kernels": kernels}.items():
        if not sizes or not all(map(_is_pair, sizes)):
            got = config.model[name]
            raise UsageError(f"config.model.{name} must be of pairs of whole numbers, got {got}")
    if len(kernels) > MOST_KERNELS or max(map(max, kernels)) > MOST_KERNEL_SIDE:
        raise UsageError(
            f"config.model.kernels must be at most {MOST_KERNELS} of at most {MOST_KERNEL_SIDE} "
            f"pixels, got {kernels}"
        )
    if max(grid) > config.data.image_size:
        size = config.data.image_size
        raise UsageError(f"config.model.grid must fit an image of {size} pixels, got {grid}")
    if config.model.use_dff and not config.model.use_gwa:
        raise UsageError("config.model.use_dff=True needs config.model.use_gwa=True")


def _is_pair(size: Any) -> bool:
    is_pair = isinstance(size, tuple) and len(size) == 2
    return is_pair and all(isinstance(side, int) and side >= 1 for side in size)


def flatten(config: ConfigDict) -> dict[str, Any]:
    """Returns {"model.width": 16, ...} of all fields."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, ConfigDict):
            flat |= {f"{key}.{name}": inner for name, inner in flatten(value).items()}
        else:
            flat[key] = value
    return flat


def changed_fields(config: ConfigDict, other: ConfigDict) -> list[tuple[str, Any, Any]]:
    """Returns (field, here, there) of each field that differs, in order."""
    here, there = flatten(config), flatten(other)
    pairs = ((field, here.get(field), there.get(field)) for field in sorted(here | there))
    return [(field, ours, theirs) for field, ours, theirs in pairs if ours != theirs]


def differences(
    config: ConfigDict, stored: ConfigDict, fields: str | tuple[str, ...] = ""
) -> list[str]:
    """Lists differing fields whose names start with `fields`, as "model.width 16, stored 32".

    Those of `report` are left out: no result depends on them.
    """
    return [
        f"{name} {ours!r}, stored {theirs!r}"
        for name, ours, theirs in changed_fields(config, stored)
        if name.startswith(fields) and not name.startswith("report.")
    ]


def override(config: ConfigDict, values: dict[str, Any]) -> ConfigDict:
    """Returns a copy with some fields, such as {"model.width": 32}, changed.

    Raises UsageError for a field or type that the config does not have.
    """
    changed = config.copy_and_resolve_references().lock()
    try:
        changed.update_from_flattened_dict(values)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"cannot change the config: {error}") from error
    return changed


def markdown() -> str:
    """Returns the page of all fields, docs/use/config.md."""
    lines = [
        "# Fields of a config",
        "",
        "Set one on the command line, `--config.model.width=32`, or in a file of `configs/`. The",
        "defaults are the paper's setting on AVEC 2014. A run stores its fields in",
        "`DIR/config.json` and goes on with them.",
        "",
        "| field | default | meaning | limits |",
        "|---|---|---|---|",
    ]
    for name, field in FIELDS.items():
        value = f"`{field.default!r}`"
        lines.append(f"| `{name}` | {value} | {field.meaning} | {field.limits()} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")

"""Provenance of weights: config, data and software that made them."""

import dataclasses
import math
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from hmhn_jax import config as config_lib
from hmhn_jax.base import scales
from hmhn_jax.base.errors import UserError
from hmhn_jax.base.scale import Scale
from hmhn_jax.workdir import stored_config

# What may be known of a dataset wherever results and networks go. The rest of its metadata names
# subjects, videos and files.
SHARED_FACTS = (
    "fingerprint",
    "synthetic",
    "scale",
    "train_score_mean",
    "train_score_sd",
    "crops",
    "num_videos",
    "num_frames_sampled",
    "num_frames_with_face",
    "software",
)


class OtherVersionError(ValueError):
    """Provenance written by another version of this program."""


@dataclasses.dataclass(frozen=True)
class Provenance:
    """The origin of weights; stored as JSON in every checkpoint and next to every result.

    Attributes:
      config: of the run.
      data: metadata of the dataset, its `fingerprint` and whether it is `synthetic` among them.
      score_mean, score_std: of the training videos, in points; the mean is the baseline.
      subject_means: the mean training score of each subject in the training videos.
      versions: of the packages that computed it.
      init_from: what the run started from: file, sha256 and parts; None when from scratch.
    """

    config: dict
    data: dict
    score_mean: float
    score_std: float
    subject_means: dict[str, float]
    versions: dict
    init_from: dict | None = None

    @property
    def scale(self) -> Scale:
        """The scale of the scores that it was trained on."""
        return scales.of(self.data)

    def check_same_scale(self, scale: Scale, dataset: str, directory: Path) -> None:
        """Raises UserError when the scores of a dataset are on another scale."""
        if not self.scale.measures_as(scale):
            raise UserError(
                f"the scores of {dataset} are on {scale}, but the checkpoint in {directory} was "
                f"trained on {self.scale}"
            )

    def check_same_model(self, config: ConfigDict, directory: Path) -> None:
        """Raises UserError when `config` describes another architecture."""
        stored = stored_config.from_dict(self.config)
        if changed := config_lib.differences(config, stored, "model."):
            raise UserError(
                f"the checkpoint in {directory} is of another architecture: {'; '.join(changed)}"
            )


def shared_facts(data: dict[str, Any]) -> dict[str, Any]:
    """Returns those of a dataset's metadata that name nobody and no file."""
    return {name: data[name] for name in SHARED_FACTS if name in data}


def parse(values: Any) -> Provenance:
    """Builds a `Provenance` from JSON, and checks the fields that are relied on.

    Raises ValueError, in one line, when it is none; OtherVersionError when it has other fields.
    """
    _expect(isinstance(values, dict), "it", "an object", values)
    fields = {field.name for field in dataclasses.fields(Provenance)}
    if wrong := (values.keys() ^ fields) - {"init_from"}:
        names = ", ".join(sorted(map(str, wrong)))
        raise OtherVersionError(
            f"provenance: of another version; fields that differ: {names[:200]}"
        )
    for name in ("config", "data", "subject_means", "versions"):
        _expect(isinstance(values[name], dict), name, "an object", values[name])
    _expect(isinstance(values.get("init_from"), dict | None), "init_from", "an object", "another")
    for name in ("score_mean", "score_std"):
        _expect(_is_finite(values[name]), name, "a number", values[name])
    means = values["subject_means"]
    _expect(all(map(_is_finite, means.values())), "subject_means", "numbers", means)
    config, data = values["config"], values["data"]
    _expect(isinstance(config.get("seed"), int), "config.seed", "a number", config.get("seed"))
    for name in ("data", "model"):
        _expect(isinstance(config.get(name), dict), f"config.{name}", "an object", config.get(name))
    for name in ("dataset", "train_split", "validation_split", "test_split"):
        value = config["data"].get(name)
        _expect(isinstance(value, str), f"config.data.{name}", "a text", value)
    for name in ("crops", "num_videos"):
        _expect(isinstance(data.get(name, {}), dict), f"data.{name}", "an object", data.get(name))
    numbers = [*data.get("num_videos", {}).values(), data.get("num_frames_sampled", 0)]
    _expect(all(map(_is_finite, numbers)), "data.num_videos and more", "numbers", numbers)
    try:
        scales.of(data)
    except UserError as error:
        raise ValueError(f"provenance: {error}") from error
    return Provenance(**values)


def _expect(holds: bool, name: str, expected: str, value: Any) -> None:
    if not holds:
        raise ValueError(f"provenance: expected {name} to be {expected}, got {repr(value)[:60]}")


def _is_finite(value):
    return isinstance(value, int | float) and math.isfinite(value)

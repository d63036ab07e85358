"""Trained networks, one or several, that score the same crops."""

import dataclasses
import functools
import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import jax
import numpy as np
from ml_collections import ConfigDict

from hmhn_jax import config as config_lib
from hmhn_jax.base import scales
from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.base.scale import Scale
from hmhn_jax.input_pipeline.crops import Crops
from hmhn_jax.models import HMHN, factory
from hmhn_jax.models.deploy.weights import DeployedWeights
from hmhn_jax.prediction.scoring import fold_weights, make_score_frames, score_crops, video_means
from hmhn_jax.prediction.video_means import VideoMeans
from hmhn_jax.workdir import checkpoints, partition, stored_config
from hmhn_jax.workdir.provenance import Provenance
from hmhn_jax.workdir.restore import restore_chosen


class Network(Protocol):
    """What scores crops: `Trained`, or an exported network."""

    @property
    def data(self) -> Mapping[str, Any]:
        """What is known of the training data."""

    @property
    def image_size(self) -> int:
        """Side of the images that it takes, in pixels."""

    def score_frames(self, images: np.ndarray) -> np.ndarray:
        """Scores crops u8[B,S,S,3] -> f32[B], unclipped."""


@dataclasses.dataclass(frozen=True)
class Trained:
    """A network restored from a workdir.

    Attributes:
      workdir: where from.
      model: the network.
      variables: its weights and running statistics.
      provenance: what they were made from.
      step: of the checkpoint.
      image_size: side of the images that it takes, in pixels.
    """

    workdir: Path
    model: HMHN
    variables: Any = dataclasses.field(repr=False)
    provenance: Provenance = dataclasses.field(repr=False)
    step: int
    image_size: int

    @property
    def scale(self) -> Scale:
        """The scale of its scores, that of its training data."""
        return self.provenance.scale

    @functools.cached_property
    def weights(self) -> DeployedWeights:
        """Weights folded for inference, on all local devices."""
        return fold_weights(self.model, self.variables)

    @property
    def data(self) -> Mapping[str, Any]:
        """What is known of the training data."""
        return self.provenance.data

    def score_frames(self, images: np.ndarray) -> np.ndarray:
        """Scores crops u8[B,S,S,3] -> f32[B], unclipped; B is a multiple of the devices."""
        return make_score_frames(self.model)(self.weights, images)

    def summary(self) -> dict:
        """Returns workdir, step, seed and data fingerprint, in JSON values."""
        return {
            "workdir": str(self.workdir),
            "checkpoint_step": self.step,
            "seed": self.provenance.config["seed"],
            "fingerprint": self.provenance.data.get("fingerprint"),
        }


def restore(config: ConfigDict, workdirs: Sequence[Path]) -> tuple[Trained, ...]:
    """Restores one network from each workdir; no dataset is needed.

    Args:
      config: checked; of the first workdir. The others have their own, but for which checkpoint
        is taken (`evaluate.checkpoint`).
      workdirs: of training runs, at least one, none twice; a cross-validated one stands for its
        folds, each with its own config.

    Raises:
      UserError: without a checkpoint, with one of another architecture, or when the networks
        do not take the same crops or score on the same scale.
      UsageError: when `config.data.scale` names another scale than theirs.
    """
    workdirs = [Path(workdir) for workdir in workdirs]
    of_folds = [fold for each in workdirs for fold in partition.members(each) if fold != each]
    workdirs = [fold for each in workdirs for fold in partition.members(each)]
    if len({workdir.resolve() for workdir in workdirs}) < len(workdirs):
        raise UsageError(f"expected different workdirs, got {', '.join(map(str, workdirs))}")
    members: list[Trained] = []
    choice = {"evaluate.checkpoint": config.evaluate.checkpoint}
    for workdir in workdirs:
        checkpoints.check_exists(workdir)
        is_fold = workdir in of_folds
        if (members or is_fold) and (own := stored_config.load(workdir)):
            config = config_lib.override(own, {} if is_fold else choice)
            config_lib.check(config)
        step, provenance, variables = restore_chosen(config, workdir)
        model, image_size = factory.make_model(config), config.data.image_size
        members.append(Trained(workdir, model, variables, provenance, step, image_size))
    for member in members[1:]:
        _check_same_crops(members[0], member)
        _check_same_scale(members[0], member)
    wanted = scales.presets().get(config.data.scale)  # a file need not be there any more
    if wanted and not wanted.measures_as(members[0].scale):
        raise UsageError(
            f"the checkpoint in {members[0].workdir} scores on {members[0].scale}: "
            f"config.data.scale must be empty or that, got {config.data.scale}"
        )
    return tuple(members)


def _check_same_scale(first: Trained, other: Trained) -> None:
    if not first.scale.measures_as(other.scale):
        raise UserError(
            f"networks of an ensemble score on the same scale: expected {first.scale} as in "
            f"{first.workdir}, got {other.scale} in {other.workdir}"
        )


def _check_same_crops(first: Trained, other: Trained) -> None:
    values = {
        "image size": [each.image_size for each in (first, other)],
        "padding of the crops": [
            each.provenance.data.get("crops", {}).get("padding") for each in (first, other)
        ],
    }
    for name, (expected, got) in values.items():
        if expected != got:
            raise UserError(
                f"networks of an ensemble take the same crops: expected {name} {expected} as in "
                f"{first.workdir}, got {got} in {other.workdir}"
            )


def score_frames(members: Sequence[Network], images: np.ndarray) -> np.ndarray:
    """Scores each crop with each member, unclipped.

    Args:
      members: the M networks.
      images: u8[B,S,S,3], S the members' image size, B a multiple of the devices.

    Returns:
      f32[M,B]; the ensemble's score is the mean over M.
    """
    return np.stack([member.score_frames(images) for member in members])


def mean_score(members: Sequence[Trained]) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function that scores u8[B,S,S,3] by the mean over the members, f32[B]."""
    return lambda images: score_frames(members, images).mean(axis=0)


def score_videos(
    members: Sequence[Trained], crops: Crops, batch_size: int
) -> tuple[VideoMeans, np.ndarray]:
    """Scores every crop of a split once with each member.

    Returns:
      What computes to one score a video, of the mean over members, and each member's scores of
      the videos, f64[M,V].
    """
    scores = score_crops(functools.partial(score_frames, members), crops, batch_size)
    of_members = [video_means(each, crops).compute(crops.scale) for each in scores]
    return video_means(scores.mean(axis=0), crops), np.stack(of_members)


def spread(scores: np.ndarray) -> np.ndarray | None:
    """Computes the sample standard deviation over members, f[M,...] -> f[...]; None for one."""
    return None if len(scores) < 2 else np.std(scores, axis=0, ddof=1)


def is_synthetic(members: Sequence[Network]) -> bool:
    """Returns whether any of them was trained on rendered faces."""
    return any(member.data.get("synthetic") for member in members)


def training_data(members: Sequence[Trained]) -> str:
    """Describes the training data in one line, for results that are passed on by themselves."""
    names = dict.fromkeys(member.provenance.config["data"]["dataset"] for member in members)
    what = "synthetic faces, says nothing about people: " if is_synthetic(members) else ""
    return f"trained on {what}{', '.join(names)}"


def weights_sha256(trained: Trained) -> str:
    """Identifies a network by the SHA-256 of all variables with their names and shapes."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(trained.variables):
        leaf = np.asarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {leaf.dtype} {leaf.shape}".encode())
        digest.update(leaf.tobytes())
    return digest.hexdigest()


def copies(members: Sequence[Network]) -> tuple[str, ...]:
    """Returns a warning for each pair of members that are the same network."""
    if len(members) < 2:
        return ()
    trained = [each for each in members if isinstance(each, Trained)]
    pairs = itertools.combinations([(each.workdir, weights_sha256(each)) for each in trained], 2)
    return tuple(
        f"{one} and {other} hold the same network, which counts twice"
        for (one, digest), (other, other_digest) in pairs
        if digest == other_digest
    )

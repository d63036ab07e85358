"""A network's scores of crops, and of the videos they are of."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from hmhn_jax import devices
from hmhn_jax.augment import standardise
from hmhn_jax.input_pipeline import Crops, evaluation_batches
from hmhn_jax.metrics import VideoMeans
from hmhn_jax.models import HMHN
from hmhn_jax.models.deploy import forward
from hmhn_jax.models.deployed_weights import DeployedWeights
from hmhn_jax.models.fold import fold


@functools.cache  # the same network is compiled once
def make_score_frames(model: HMHN) -> Callable:
    """score_frames(weights, images u8[B,S,S,3]) -> f32[B], compiled for all local devices.

    The weights are those of `fold_weights`.
    """

    def score(weights, images):
        return forward(model, weights, standardise(images))[0]

    compiled = devices.parallel_map(score)

    def score_frames(weights: DeployedWeights, images: np.ndarray) -> np.ndarray:
        return np.asarray(compiled(weights, devices.split_batch(images))).reshape(-1)

    return score_frames


def fold_weights(model: HMHN, variables: Any) -> DeployedWeights:
    """The weights that score frames, on all local devices."""
    return devices.replicate(fold(model, variables))


def score_videos(
    score_frames: Callable, weights: DeployedWeights, crops: Crops, batch_size: int
) -> VideoMeans:
    """Scores every crop of a split once; what comes back computes to one score a video."""
    means = VideoMeans.empty(len(crops.videos))
    for batch in evaluation_batches(crops, batch_size):
        scores = score_frames(weights, batch["images"])
        means = means.add(scores, batch["videos"], batch["mask"])
    return means

"""Scores of crops, and of their videos, by one network."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from einops import rearrange

from hmhn_jax.input_pipeline.augment import standardise
from hmhn_jax.input_pipeline.crops import Crops, evaluation_batches
from hmhn_jax.models import HMHN
from hmhn_jax.models.deploy.fold import fold
from hmhn_jax.models.deploy.forward import forward
from hmhn_jax.models.deploy.weights import DeployedWeights
from hmhn_jax.prediction.video_means import VideoMeans
from hmhn_jax.runtime import devices, processes


@functools.cache  # the same network is compiled once
def make_score_frames(model: HMHN) -> Callable:
    """Compiles score_frames(weights, images u8[B,S,S,3]) -> f32[B] for all devices.

    The weights are those of `fold_weights`, the images this process's.
    """

    def score(weights, images):
        return forward(model, weights, standardise(images))[0]

    compiled = devices.parallel_map(score)

    def score_frames(weights: DeployedWeights, images: np.ndarray) -> np.ndarray:
        return np.asarray(compiled(weights, devices.split_batch(images))).reshape(-1)

    return score_frames


def fold_weights(model: HMHN, variables: Any) -> DeployedWeights:
    """Folds the weights for inference, on all devices of this process."""
    return devices.replicate(fold(model, variables))


def score_crops(
    score: Callable[[np.ndarray], np.ndarray], crops: Crops, batch_size: int
) -> np.ndarray:
    """Scores N crops of a split once by score(u8[B,S,S,3]) -> f32[...,B].

    The processes share the work: `batch_size` crops are scored at once by all devices. Returns
    f32[...,N], in every process.
    """
    rows = processes.own_rows(batch_size)
    batches = evaluation_batches(crops, batch_size, rows)
    own = np.stack([score(images) for images in batches])
    scores = rearrange(processes.gather(own), "P n ... r -> ... (n P r)")
    return scores[..., : len(crops)]


def video_means(scores: np.ndarray, crops: Crops) -> VideoMeans:
    """Sums the crops' scores f[N], from which one score a video is computed."""
    everything = np.ones(len(crops), bool)
    return VideoMeans.empty(len(crops.videos)).add(scores, crops.video_of_crop, everything)


def score_videos(
    score_frames: Callable, weights: DeployedWeights, crops: Crops, batch_size: int
) -> VideoMeans:
    """Scores every crop of a split once; the returned sums give one score a video."""
    scores = score_crops(functools.partial(score_frames, weights), crops, batch_size)
    return video_means(scores, crops)

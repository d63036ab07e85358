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


@functools.cache  # the same network is compiled once
def make_score_frames(model: HMHN) -> Callable:
    """score_frames(variables, images u8[B,S,S,3]) -> f32[B], compiled for all local devices."""

    def score(variables, images):
        return model.apply(variables, standardise(images))[0]

    compiled = devices.parallel_map(score)

    def score_frames(variables: Any, images: np.ndarray) -> np.ndarray:
        return np.asarray(compiled(variables, devices.split_batch(images))).reshape(-1)

    return score_frames


def score_videos(
    score_frames: Callable, variables: Any, crops: Crops, batch_size: int
) -> VideoMeans:
    """Scores every crop of a split once; what comes back computes to one score a video."""
    means = VideoMeans.empty(len(crops.videos))
    for batch in evaluation_batches(crops, batch_size):
        scores = score_frames(variables, batch["images"])
        means = means.add(scores, batch["videos"], batch["mask"])
    return means

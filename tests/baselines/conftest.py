"""Videos as arrays, which need no file."""

from collections.abc import Callable

import numpy as np
import pytest

from hmhn_jax.baselines.video import VideoData
from hmhn_jax.input_pipeline.crops import Crops, Detections, Video


def detections(num_crops: int, places=(0.0, 0.0), roll=0.0, size=1.0) -> Detections:
    """Makes detections a second apart of a face whose eyes are 60 pixels apart.

    Args:
      num_crops: how many.
      places: f[n,2] or f[2], added to the face's place, in pixels.
      roll: f[n] or a number, in degrees.
      size: f[n] or a number, of the face.
    """
    ones = np.ones(num_crops)
    angle, half = np.radians(roll) * ones, 30 * size * ones
    middle = np.array([300.0, 200.0]) + np.broadcast_to(places, (num_crops, 2))
    arm = np.stack([half * np.cos(angle), half * np.sin(angle)], axis=1)
    eyes = np.stack([middle - arm, middle + arm], axis=1)
    corner = np.stack([2 * half, 2 * half], axis=1)
    boxes = np.concatenate([middle - corner, middle + corner], axis=1)
    return Detections(
        np.arange(num_crops, dtype=np.float32),
        boxes.round().astype(np.int32),
        eyes.astype(np.float32),
        ones.astype(np.float32),
    )


@pytest.fixture
def make_video() -> Callable[..., VideoData]:
    """Returns make_video(images=None, recorded={}, **arguments of `detections`)."""

    def make_video(images=None, recorded=None, num_crops=8, **moves) -> VideoData:
        if images is None:
            rng = np.random.default_rng(0)
            images = rng.integers(0, 256, (num_crops, 32, 32, 3), dtype=np.uint8)
        return VideoData(images, detections(num_crops, **moves), recorded or {})

    return make_video


@pytest.fixture
def make_crops() -> Callable[..., Crops]:
    """Returns make_crops(scores, images u8[N,S,S,3]), as many crops of each video."""

    def make_crops(scores, images, prefix="v") -> Crops:
        each = len(images) // len(scores)
        videos = [
            Video(f"{prefix}{i}", f"{prefix}s{i}", f"{prefix}{i}", "talking", float(score))
            for i, score in enumerate(scores)
        ]
        return Crops(
            [b""] * len(images),
            np.repeat(np.arange(len(scores), dtype=np.int32), each),
            videos,
            images.shape[1],
            decoded=images,
            detections=detections(len(images)),
        )

    return make_crops

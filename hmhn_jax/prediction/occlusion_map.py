"""Occlusion maps (Zeiler and Fergus, 2014): what hiding each place does to the score.

Unlike the heads' maps they show what the score depends on, by construction: a patch of the crop's
mean colour slides over the crop, and each crop is scored again for each of its places.
"""

import math
from collections.abc import Callable

import matplotlib
import numpy as np
from ml_collections import ConfigDict

COLOURS = "RdBu_r"  # of Matplotlib: red where hiding lowers the score, blue where it raises it
OPACITY = 0.75  # of the colours where a map is largest


def mean_colours(images: np.ndarray) -> np.ndarray:
    """Returns each image's mean colour, u8[N,S,S,3] -> u8[N,3]."""
    return np.rint(images.mean(axis=(1, 2))).astype(np.uint8)


def paint(images: np.ndarray, mask: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Paints places over.

    Args:
      images: u8[N,S,S,3].
      mask: bool[N,S,S].
      colours: u8[N,3].

    Returns:
      u8[N,S,S,3].
    """
    return np.where(mask[..., None], colours[:, None, None], images)


def patch_starts(size: int, patch: float, stride: float) -> tuple[np.ndarray, int]:
    """Returns where a sliding patch begins along a side, i[n], and how long it is, in pixels.

    The places are evenly spaced, no further apart than the stride, from one end to the other.

    Args:
      size: of the image, in pixels.
      patch: the patch's side, as a share of the image's.
      stride: from one place to the next, as a share of the image's side.
    """
    side = min(size, max(1, round(patch * size)))
    count = math.ceil((size - side) / (stride * size)) + 1
    return np.unique(np.linspace(0, size - side, count).round().astype(int)), side


def occlusion_maps(
    score: Callable[[np.ndarray], np.ndarray], images: np.ndarray, settings: ConfigDict
) -> np.ndarray:
    """Computes how far the score falls when a place is hidden.

    Args:
      score: u8[B,S,S,3] -> f[B], in points, of batches of `settings.batch_size`.
      images: u8[N,S,S,3].
      settings: `config.evaluate`: `occlusion_patch`, `occlusion_stride` and `batch_size`.

    Returns:
      f32[N,S,S], in points: measured at the middle of each patch, linear between them. Above 0 the
      place raises the score: without it the score is lower.
    """
    size = images.shape[1]
    starts, side = patch_starts(size, settings.occlusion_patch, settings.occlusion_stride)
    pixels = np.arange(size)
    lines = (pixels >= starts[:, None]) & (pixels < starts[:, None] + side)
    masks = (lines[:, None, :, None] & lines[None, :, None, :]).reshape(-1, size, size)
    before = _scores(score, images, np.zeros((1, size, size), bool), settings.batch_size)
    falls = before - _scores(score, images, masks, settings.batch_size)
    middles = starts + (side - 1) / 2
    weights = np.stack([np.interp(pixels, middles, one) for one in np.eye(len(starts))], axis=1)
    falls = falls.reshape(-1, len(starts), len(starts))
    return np.einsum("yi,nij,xj->nyx", weights, falls, weights).astype(np.float32)


def _scores(score, images, masks, batch_size):
    """Scores each image under each mask, f32[N,P]; the last batch is filled with its last image."""
    count = len(images) * len(masks)
    colours = mean_colours(images)
    scores = []
    for start in range(0, count, batch_size):
        image, mask = np.divmod(
            np.minimum(np.arange(start, start + batch_size), count - 1), len(masks)
        )
        scores.append(score(paint(images[image], masks[mask], colours[image])))
    return np.concatenate(scores)[:count].reshape(len(images), len(masks)).astype(np.float32)


def overlay(images: np.ndarray, maps: np.ndarray, largest: float) -> np.ndarray:
    """Lays occlusion maps in colour over the face in grey.

    Args:
      images: u8[N,S,S,3].
      maps: f[N,S,S], from `occlusion_maps`.
      largest: the points that have the full colour, the same for maps that are compared.

    Returns:
      u8[N,S,S,3].
    """
    strength = np.clip(maps / max(largest, 1e-6), -1, 1)
    colours = 255 * matplotlib.colormaps[COLOURS]((strength + 1) / 2)[..., :3]
    opacity = OPACITY * np.abs(strength)[..., None]
    grey = images.mean(axis=-1, keepdims=True)
    return np.rint(grey * (1 - opacity) + colours * opacity).astype(np.uint8)

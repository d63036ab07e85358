"""Texture of a face: uniform local binary patterns (Ojala et al., 2002) on a grid.

In the manner of the baselines of AVEC 2013 and 2014, which took LPQ and LGBP-TOP; it is neither.
"""

import cv2
import numpy as np
from skimage.feature import local_binary_pattern

from hmhn_jax.baselines.video import VideoData

SIDE, GRID = 96, 4  # pixels, and cells of a side
POINTS, RADIUS = 8, 1
NUM_PATTERNS = POINTS * (POINTS - 1) + 3  # 58 uniform ones, and one for all others


def texture(video: VideoData) -> dict[str, float]:
    """Computes each cell's histogram of patterns: its mean over crops, and its spread over time."""
    histograms = np.stack([_histograms(image) for image in video.images])
    values = {"mean": histograms.mean(axis=0), "sd": histograms.std(axis=0)}
    return {
        f"{name}_{place}": float(value)
        for name, flat in values.items()
        for place, value in enumerate(flat)
    }


def _histograms(image):
    """Returns shares of patterns, f64[GRID * GRID * NUM_PATTERNS]."""
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (SIDE, SIDE))
    patterns = local_binary_pattern(grey, POINTS, RADIUS, method="nri_uniform").astype(int)
    cell = np.arange(SIDE) * GRID // SIDE
    place = (cell[:, None] * GRID + cell[None, :]) * NUM_PATTERNS + patterns
    counts = np.bincount(place.ravel(), minlength=GRID * GRID * NUM_PATTERNS)
    return counts / (SIDE / GRID) ** 2

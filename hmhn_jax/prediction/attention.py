"""Spatial attention maps of the heads (Eq. 8), as overlays on the face (as in Fig. 1)."""

import functools

import cv2
import jax
import matplotlib
import numpy as np

from hmhn_jax.input_pipeline.augment import standardise
from hmhn_jax.models.deploy.forward import forward
from hmhn_jax.prediction.ensemble import Trained
from hmhn_jax.runtime import compiler_options

COLOURS = "inferno"  # of Matplotlib; grows lighter from 0 to 1
AT_ONCE = 8  # images; always as many, so that it is compiled once
OPACITY = 0.75  # of the colours where a map is largest


def maps(trained: Trained, images: np.ndarray) -> np.ndarray | None:
    """Computes the heads' spatial maps f32[N,K,H',W'] of u8[N,S,S,3], not negative.

    S is the network's image size. None of a network without heads (`model.use_mab=False`).
    """
    if not trained.model.use_mab:
        return None
    parts = []
    for start in range(0, len(images), AT_ONCE):
        some = images[start : start + AT_ONCE]
        padded = np.resize(some, (AT_ONCE, *images.shape[1:]))
        parts.append(np.asarray(_attend()(trained.model, trained.weights, padded))[: len(some)])
    return np.concatenate(parts).astype(np.float32)


@functools.cache
def _attend():
    def attend(model, weights, images):
        return forward(model, weights, standardise(images))[1]["attention"]

    options = compiler_options.for_network()  # asks for the devices, so not before it is called
    return jax.jit(attend, static_argnums=0, compiler_options=options)


def overlay(images: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """Lays each head's map f[N,K,H',W'] in colour over the face u8[N,S,S,3] in grey: u8[N,K,S,S,3].

    A map is scaled so that its smallest value is 0 and its largest 1, and enlarged between the
    middles of its cells: colours compare places within one map, not faces or heads. A map without
    differences, as of a head that is never active, leaves the face grey.
    """
    grey = images.mean(axis=-1, keepdims=True)[:, None]
    strength = _enlarged(attention, images.shape[1:3])
    colours = 255 * matplotlib.colormaps[COLOURS](strength)[..., :3]
    opacity = OPACITY * strength[..., None]
    return np.rint(grey * (1 - opacity) + colours * opacity).astype(np.uint8)


def overlays(trained: Trained, images: np.ndarray) -> np.ndarray | None:
    """Computes the `overlay` of a network's maps, u8[N,K,S,S,3]; None without heads."""
    attention = maps(trained, images)
    return None if attention is None else overlay(images, attention)


def _enlarged(attention, size):
    """Enlarges f[N,K,H',W'] -> f[N,K,*size], each map scaled to 0..1; a constant one becomes 0."""
    low = attention.min(axis=(-2, -1), keepdims=True)
    span = attention.max(axis=(-2, -1), keepdims=True) - low
    scaled = np.divide(attention - low, span, out=np.zeros_like(attention), where=span > 0)
    height, width = size
    flat = [
        cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC)
        for one in scaled.reshape(-1, *attention.shape[2:])
    ]
    # Between cells a cubic overshoots.
    return np.clip(flat, 0, 1).reshape(*attention.shape[:2], height, width)

"""Grid-wise attention (GWA): weighs the regions of a face against each other."""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from einops import rearrange, repeat

from hmhn_jax.models.fast.planes import LGFEPlanes
from hmhn_jax.models.layers import batch_norm, conv, stored


class LGFE(nn.Module):
    """Local grid feature extraction (Table 2): the same two 1x1 convolutions for every grid.

    Attributes:
      expansion: k of Table 2; the hidden layer has C*k channels.
      axis_name: device axis over which batch statistics are averaged.
      dtype: type of the computation.
    """

    expansion: int
    axis_name: str | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, grids: jax.Array, train: bool) -> jax.Array:
        """Extracts features, f[..., H/h, W/w, C] -> f[..., H/h, W/w, C]."""
        channels = grids.shape[-1]
        for features in (channels * self.expansion, channels):
            grids = conv(features, (1, 1), dtype=self.dtype)(grids)
            grids = batch_norm(train, self.axis_name, dtype=self.dtype)(grids)
            grids = nn.leaky_relu(grids)
        return grids


class GWA(nn.Module):
    """Grid-wise attention (Eq. 1-6).

    Attributes:
      grid: (h, w), the number of grids down and across. (1, 1) is no grid: all weights are 1.
      lgfe_expansion: k of Table 2.
      softmax_axis: "grid" normalises over the h*w grids. "last" is Eq. 4 read literally, over
        the last axis of the map; its average is then constant and nothing is attended to.
      axis_name: device axis over which batch statistics are averaged.
      dtype: type of the computation; the softmax is at least float32.
      fast: computes on planes, see `attend_planes`; the same numbers.
    """

    grid: tuple[int, int] = (3, 3)
    lgfe_expansion: int = 16
    softmax_axis: str = "grid"
    axis_name: str | None = None
    dtype: Any = jnp.float32
    fast: bool = False

    @nn.compact
    def __call__(self, images: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
        """Weighs an image by the importance of its grids.

        Args:
          images: f[B,H,W,C]. Sides that the grid does not divide are edge-padded at the bottom
            and right for the attention, and the weights are cropped back.
          train: whether batch statistics are those of the batch.

        Returns:
          The weighted images f[B,H,W,C] and the weights f32[B,h,w,C].
        """
        settings = (self.lgfe_expansion, self.axis_name, self.dtype)
        if self.fast:
            lgfe = LGFEPlanes(*settings, name="lgfe")
            weighted, weights = attend_planes(
                jnp.moveaxis(images, -1, 0),
                lambda pixels: lgfe(pixels, train),
                self.grid,
                self.softmax_axis,
            )
            return jnp.moveaxis(weighted, 0, -1), rearrange(weights, "C B h w -> B h w C")
        height, width = images.shape[1:3]
        rows, columns = self.grid
        padding = ((0, 0), (0, -height % rows), (0, -width % columns), (0, 0))
        padded = jnp.pad(images, padding, mode="edge")
        # Eq. 1. A 1x1 convolution does not see where a pixel lies: all grids go as one image.
        grids = rearrange(padded, "B (h y) (w x) C -> B (h w) y x C", h=rows, w=columns)
        features = LGFE(*settings, name="lgfe")(grids, train)
        weights = grid_weights(features, self.softmax_axis)
        weights = rearrange(weights, "B (h w) C -> B h w C", h=rows)
        cell = {"y": padded.shape[1] // rows, "x": padded.shape[2] // columns}
        spread = repeat(weights, "B h w C -> B (h y) (w x) C", **cell)[:, :height, :width]
        return images * spread.astype(images.dtype), weights


def attend_planes(
    planes: jax.Array, lgfe: Callable, grid: tuple[int, int], softmax_axis: str
) -> tuple[jax.Array, jax.Array]:
    """Computes what `GWA` does, on planes.

    Args:
      planes: f[C,B,H,W].
      lgfe: the features of pixels, f[C,N] -> f[C,N].
      grid, softmax_axis: as of `GWA`.

    Returns:
      The weighted planes f[C,B,H,W] and the weights f32[C,B,h,w].
    """
    planes = stored(planes)
    batch, height, width = planes.shape[1:]
    rows, columns = grid
    padding = ((0, 0), (0, 0), (0, -height % rows), (0, -width % columns))
    padded = jnp.pad(planes, padding, mode="edge")
    cell = {"y": padded.shape[2] // rows, "x": padded.shape[3] // columns}
    pixels = rearrange(padded, "C B (h y) (w x) -> C (B h w y x)", h=rows, w=columns)
    sizes = {"B": batch, "h": rows, "y": cell["y"], "x": cell["x"]}
    features = rearrange(lgfe(pixels), "C (B h w y x) -> C B (h w) y x", **sizes)
    products = _products("CBGyx,CBGzx->CBGyz", features)
    weights = _shares(products, cell["x"], {"grid": 2, "last": -1}[softmax_axis])
    weights = rearrange(weights, "C B (h w) -> C B h w", h=rows)
    spread = repeat(weights, "C B h w -> C B (h y) (w x)", **cell)[:, :, :height, :width]
    return planes * spread.astype(planes.dtype), weights


def grid_weights(features: jax.Array, softmax_axis: str) -> jax.Array:
    """Computes one weight per grid and channel (Eq. 4-5), f[B,G,H/h,W/w,C] -> f[B,G,C]."""
    products = _products("BGyxC,BGzxC->BGCyz", features)
    return _shares(products, features.shape[3], {"grid": 1, "last": -1}[softmax_axis])


def _products(rows, features):
    """Multiplies rows with rows in the softmax's precision, as half would round long sums."""
    precise = jnp.promote_types(features.dtype, jnp.float32)
    return jnp.einsum(rows, features, features, preferred_element_type=precise)


def _shares(products, width, axis):
    logits = products / math.sqrt(width)
    return jax.nn.softmax(logits, axis=axis).mean(axis=(-2, -1))

"""Grid-wise attention (GWA): weighs the regions of a face against each other.

Everything runs on planes f[C,...], channels first: with three channels, channels last leaves
nothing to vectorise over but those three.
"""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from einops import rearrange, repeat

from hmhn_jax.models.fast.pointwise_pair import leaky_relu, pointwise_pair
from hmhn_jax.models.layers import (
    BatchNormWeights,
    ConvWeights,
    at_least_float32,
    average_over,
    batch_norm_planes,
    stored,
)


class LGFE(nn.Module):
    """Local grid feature extraction (Table 2): the same two 1x1 convolutions for every grid.

    The hidden layer has C*k channels, k = `expansion`, which are not stored. The first
    normalisation's statistics come from those of the input: of W^T x + b the mean is W^T mean(x) +
    b and the variance the diagonal of W^T cov(x) W, exactly. So the convolutions and both
    normalisations' scales become one pass over the pixels, `pointwise_pair`. For the other fields
    see `HMHN`.
    """

    expansion: int
    axis_name: str | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, planes: jax.Array, train: bool) -> jax.Array:
        """Extracts features, f[C,N] -> f[C,N]."""
        channels = len(planes)
        hidden = channels * self.expansion

        def weights(shape, name):
            # Products and sums are not rounded to half precision, as in a convolution.
            layer = ConvWeights((1, 1, *shape), dtype=self.dtype, name=name)()
            kernel, bias = map(at_least_float32, layer)
            return kernel[0, 0], bias

        first, first_bias = weights((channels, hidden), "Conv_0")
        second, second_bias = weights((hidden, channels), "Conv_1")

        def hidden_moments():
            mean, covariance = _moments(at_least_float32(planes), self.axis_name)
            variance = jnp.einsum("im,ij,jm->m", first, covariance, first)
            return first.T @ mean + first_bias, variance

        norm = BatchNormWeights(self.axis_name, name="BatchNorm_0")
        scale, shift = norm(hidden_moments, hidden, train)
        scale, shift = scale.astype(first.dtype), shift.astype(first.dtype)
        y = pointwise_pair(planes, first * scale[None], first_bias * scale + shift, second)
        y = y + second_bias[:, None]
        y = leaky_relu(batch_norm_planes(y, train, self.axis_name, "BatchNorm_1"))
        return y.astype(self.dtype)


def _moments(planes, axis_name):
    """Computes mean f[C] and covariance f[C,C] over the pixels of f[C,N]."""
    mean = average_over(axis_name, planes.mean(axis=1))
    centred = planes - mean[:, None]
    covariance = jnp.stack([jnp.stack([(a * b).mean() for b in centred]) for a in centred])
    return mean, average_over(axis_name, covariance)


class GWA(nn.Module):
    """Grid-wise attention (Eq. 1-6).

    Attributes:
      grid: (h, w), the number of grids down and across. (1, 1) is no grid: all weights are 1.
      lgfe_expansion: k of Table 2.
      softmax_axis: "grid" normalises over the h*w grids. "last" is Eq. 4 read literally, over
        the last axis of the map; its average is then constant and nothing is attended to.
      axis_name, dtype: of `HMHN`; the softmax is at least float32.
    """

    grid: tuple[int, int] = (3, 3)
    lgfe_expansion: int = 16
    softmax_axis: str = "grid"
    axis_name: str | None = None
    dtype: Any = jnp.float32

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
        lgfe = LGFE(self.lgfe_expansion, self.axis_name, self.dtype, name="lgfe")
        weighted, weights = attend_planes(
            jnp.moveaxis(images, -1, 0),
            lambda pixels: lgfe(pixels, train),
            self.grid,
            self.softmax_axis,
        )
        return jnp.moveaxis(weighted, 0, -1), rearrange(weights, "C B h w -> B h w C")


def attend_planes(
    planes: jax.Array, lgfe: Callable, grid: tuple[int, int], softmax_axis: str
) -> tuple[jax.Array, jax.Array]:
    """Computes what `GWA` does, on planes f[C,B,H,W]; lgfe(f[C,N]) -> f[C,N] are pixels' features.

    Returns the weighted planes f[C,B,H,W] and the weights f32[C,B,h,w].
    """
    planes = stored(planes)
    batch, height, width = planes.shape[1:]
    rows, columns = grid
    padding = ((0, 0), (0, 0), (0, -height % rows), (0, -width % columns))
    padded = jnp.pad(planes, padding, mode="edge")
    # Eq. 1. A 1x1 convolution does not see where a pixel lies: all grids go as one row of pixels.
    cell = {"y": padded.shape[2] // rows, "x": padded.shape[3] // columns}
    pixels = rearrange(padded, "C B (h y) (w x) -> C (B h w y x)", h=rows, w=columns)
    sizes = {"B": batch, "h": rows, "y": cell["y"], "x": cell["x"]}
    features = rearrange(lgfe(pixels), "C (B h w y x) -> C B (h w) y x", **sizes)
    weights = rearrange(grid_weights(features, softmax_axis), "C B (h w) -> C B h w", h=rows)
    spread = repeat(weights, "C B h w -> C B (h y) (w x)", **cell)[:, :, :height, :width]
    return planes * spread.astype(planes.dtype), weights


def grid_weights(features: jax.Array, softmax_axis: str) -> jax.Array:
    """Computes one weight per grid and channel (Eq. 4-5), f[C,B,G,H/h,W/w] -> f[C,B,G]."""
    # In the softmax's precision, as half would round long sums.
    precise = jnp.promote_types(features.dtype, jnp.float32)
    products = jnp.einsum("CBGyx,CBGzx->CBGyz", features, features, preferred_element_type=precise)
    logits = products / math.sqrt(features.shape[-1])
    axis = {"grid": 2, "last": -1}[softmax_axis]
    return jax.nn.softmax(logits, axis=axis).mean(axis=(-2, -1))

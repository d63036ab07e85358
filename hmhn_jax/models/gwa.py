"""Grid-wise attention (GWA): weighs the regions of a face against each other."""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from einops import rearrange, repeat

from hmhn_jax.models.layers import at_least_float32, batch_norm, conv


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
        """f[..., H/h, W/w, C] -> f[..., H/h, W/w, C]."""
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
        height, width = images.shape[1:3]
        rows, columns = self.grid
        padding = ((0, 0), (0, -height % rows), (0, -width % columns), (0, 0))
        grids = rearrange(  # Eq. 1
            jnp.pad(images, padding, mode="edge"),
            "B (h y) (w x) C -> B (h w) y x C",
            h=rows,
            w=columns,
        )
        cell_height, cell_width = grids.shape[2:4]
        # One image of all the grids' pixels: a 1x1 convolution does not see where a pixel lies.
        features = LGFE(self.lgfe_expansion, self.axis_name, self.dtype, name="lgfe")(grids, train)
        weights = grid_weights(features, self.softmax_axis)  # B (h w) C
        pixels = repeat(
            weights,
            "B (h w) C -> B (h y) (w x) C",
            h=rows,
            y=cell_height,
            x=cell_width,
        )[:, :height, :width]
        return images * pixels.astype(images.dtype), rearrange(
            weights, "B (h w) C -> B h w C", h=rows
        )


def grid_weights(features: jax.Array, softmax_axis: str) -> jax.Array:
    """One weight per grid and channel (Eq. 4-5), f[B,G,H/h,W/w,C] -> f[B,G,C]."""
    logits = at_least_float32(
        jnp.einsum("BGyxC,BGzxC->BGCyz", features, features) / math.sqrt(features.shape[3])
    )
    axis = {"grid": 1, "last": -1}[softmax_axis]
    return jax.nn.softmax(logits, axis=axis).mean(axis=(-2, -1))

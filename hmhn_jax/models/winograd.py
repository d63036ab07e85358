"""A 3x3 convolution with less than half of the multiplications (Lavin and Gray 2016)."""

import jax
import jax.numpy as jnp
import numpy as np

_KERNEL = ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1))  # G of the paper


def transform(kernel: np.ndarray) -> np.ndarray:
    """A kernel f[3,3,C,D] -> the sixteen matrices f[16,C,D] of `winograd_conv`."""
    matrix = np.asarray(_KERNEL, kernel.dtype)
    matrices = np.einsum("ip,pqCD,jq->ijCD", matrix, kernel, matrix, optimize=True)
    return matrices.reshape(16, *kernel.shape[2:])


def winograd_conv(x: jax.Array, matrices: jax.Array) -> jax.Array:
    """A 3x3 convolution with stride 1, zero-padded by one pixel.

    F(2x2, 3x3) of the paper: tiles of 4x4 pixels, which overlap, give 2x2 numbers each, by sixteen
    multiplications instead of 36. What is done to pixels before and to products after are
    additions, so nothing is lost but rounding.

    Args:
      x: f[B,H,W,C].
      matrices: f[16,C,D], from `transform`.

    Returns:
      f[B,H,W,D].
    """
    batch, height, width, channels = x.shape
    rows, columns = -(-height // 2), -(-width // 2)
    below, right = 2 * rows - height + 1, 2 * columns - width + 1
    padded = jnp.pad(x, ((0, 0), (1, below), (1, right), (0, 0)))
    tiles = _transform_pixels(_transform_pixels(padded, 2, columns), 2, rows)
    products = jnp.einsum("tNC,tCD->tND", tiles.reshape(16, -1, channels), matrices)
    products = products.reshape(4, 4, batch, rows, columns, -1)
    y = _transform_products(_transform_products(products, 3), 4)
    return y.reshape(batch, 2 * rows, 2 * columns, -1)[:, :height, :width]


def _transform_pixels(x, axis, tiles):
    """B^T of the paper along an axis; the four numbers of a tile become the first axis."""
    a, b, c, d = (
        jax.lax.slice_in_dim(x, first, first + 2 * tiles - 1, 2, axis) for first in range(4)
    )
    return jnp.stack([a - c, b + c, c - b, b - d])


def _transform_products(products, axis):
    """A^T of the paper along the first axis; the two numbers of a tile become the axis `axis`."""
    a, b, c, d = products
    return jnp.stack([a + b + c, b - c - d], axis)

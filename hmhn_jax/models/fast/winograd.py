"""3x3 convolutions with a half or a quarter of the multiplications (Lavin and Gray 2016).

Tiles of (m+2)x(m+2) pixels, which overlap, give mxm numbers each. With the matrices B, G and A of
the paper, pixels d, kernel g and result y of a tile, y = A^T ((G g G^T) * (B^T d B)) A, where * is
element by element, so that for all channels and tiles it is (m+2)^2 matrix products. All else is
additions and multiplications by small numbers, and nothing is lost but rounding: float32 keeps six
digits with m = 2, five with m = 4.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

Rows = Sequence[Sequence[float]]

_PIXELS = {  # B^T, by m
    2: ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
    4: (
        (4, 0, -5, 0, 1, 0),
        (0, -4, -4, 1, 1, 0),
        (0, 4, -4, -1, 1, 0),
        (0, -2, -1, 2, 1, 0),
        (0, 2, -1, -2, 1, 0),
        (0, 4, 0, -5, 0, 1),
    ),
}
_KERNEL = {  # G
    2: ((1, 0, 0), (1 / 2, 1 / 2, 1 / 2), (1 / 2, -1 / 2, 1 / 2), (0, 0, 1)),
    4: (
        (1 / 4, 0, 0),
        (-1 / 6, -1 / 6, -1 / 6),
        (-1 / 6, 1 / 6, -1 / 6),
        (1 / 24, 1 / 12, 1 / 6),
        (1 / 24, -1 / 12, 1 / 6),
        (0, 0, 1),
    ),
}
_RESULTS = {  # A^T
    2: ((1, 1, 1, 0), (0, 1, -1, -1)),
    4: ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1)),
}


def transform(kernel: jax.Array | np.ndarray, size: int) -> jax.Array | np.ndarray:
    """Computes G g G^T of a kernel f[3,3,C,D] for tiles of size m, f[(m+2)^2,C,D]."""
    stack = kernel.__array_namespace__().stack
    columns = stack(_combine(_KERNEL[size], [kernel[:, column] for column in range(3)]))
    rows = stack(_combine(_KERNEL[size], [columns[:, row] for row in range(3)]))
    return rows.reshape(-1, *kernel.shape[2:])


def winograd_conv(x: jax.Array, matrices: jax.Array) -> jax.Array:
    """Convolves f[B,H,W,C] -> f[B,H,W,D] with a 3x3 kernel, stride 1, zero-padded by one pixel.

    The matrices f[(m+2)^2,C,D] are from `transform`.
    """
    size = math.isqrt(len(matrices)) - 2
    tiles = _tiles(x, size)
    rows, columns = _counts(x, size)
    products = jnp.einsum("tNC,tCD->tND", tiles, matrices)
    products = products.reshape(size + 2, size + 2, len(x), rows, columns, -1)
    y = jnp.stack(_combine(_RESULTS[size], products), axis=3)
    y = jnp.stack(_combine(_RESULTS[size], y), axis=4)
    y = y.reshape(len(x), rows * size, columns * size, -1)
    return y[:, : x.shape[1], : x.shape[2]]


def kernel_gradient(x: jax.Array, grads: jax.Array, size: int) -> jax.Array:
    """Computes the gradient of the kernel of a convolution by `winograd_conv`, f[3,3,C,D].

    Of the pixels x f[B,H,W,C] and the gradients of the result f[B,H,W,D], by tiles of size m.
    """
    (rows, columns), count = _counts(x, size), size + 2
    below, right = rows * size - x.shape[1], columns * size - x.shape[2]
    grads = jnp.pad(grads, ((0, 0), (0, below), (0, right), (0, 0)))
    grads = grads.reshape(len(x), rows, size, columns, size, -1)
    spread = _transposed(_RESULTS[size])
    grads = jnp.stack(_combine(spread, [grads[..., column, :] for column in range(size)]))
    grads = jnp.stack(_combine(spread, [grads[:, :, :, row] for row in range(size)]))
    grads = grads.reshape(count**2, -1, grads.shape[-1])
    matrices = jnp.einsum("tNC,tND->tCD", _tiles(x, size), grads)
    matrices = matrices.reshape(count, count, *matrices.shape[1:])
    gather = _transposed(_KERNEL[size])
    kernel = jnp.stack(_combine(gather, matrices))
    return jnp.stack(_combine(gather, [kernel[:, column] for column in range(count)]), axis=1)


def _counts(x, size):
    """Counts the tiles of an image in rows and columns."""
    return -(-x.shape[1] // size), -(-x.shape[2] // size)


def _tiles(x, size):
    """Computes B^T d B of all tiles, f[B,H,W,C] -> f[(m+2)^2,N,C]."""
    rows, columns = _counts(x, size)
    below, right = rows * size - x.shape[1] + 1, columns * size - x.shape[2] + 1
    x = jnp.pad(x, ((0, 0), (1, below), (1, right), (0, 0)))
    for axis, tiles in ((2, columns), (1, rows)):
        last = size * (tiles - 1) + 1
        # The axis of tiles keeps its place: what comes out of the first is one axis in front.
        axis += x.ndim - 4
        pixels = [
            jax.lax.slice_in_dim(x, first, first + last, size, axis) for first in range(size + 2)
        ]
        x = jnp.stack(_combine(_PIXELS[size], pixels))
    return x.reshape((size + 2) ** 2, -1, x.shape[-1])


def _transposed(rows: Rows) -> Rows:
    return tuple(zip(*rows, strict=True))  # Python's numbers, which take an array's type


def _combine(rows: Rows, parts: Sequence | jax.Array) -> list:
    """Computes the weighted sum of the parts, for each row of weights."""
    return [
        sum(
            part if number == 1 else number * part
            for number, part in zip(row, parts, strict=True)
            if number
        )
        for row in rows
    ]

"""Max pooling whose gradient needs no select-and-scatter."""

import itertools

import jax
import jax.numpy as jnp

_WINDOW = tuple(itertools.product(range(3), range(3)))  # (row, column), in the order of a search


@jax.custom_vjp
def max_pool(x: jax.Array) -> jax.Array:
    """3x3, stride 2, padded by one pixel: f[B,H,W,C] -> f[B,H/2,W/2,C], sides rounded up.

    Equal to `flax.linen.max_pool` with `padding=((1, 1), (1, 1))`, its gradient included, which
    goes to the first pixel of a window that has the maximum. XLA finds that pixel by a search in
    each window; here the nine places of all windows are compared one after the other, which are
    nine passes over contiguous memory, and the winner's place is kept. Looking for the maximum
    again later would not do: XLA may compute the pixels anew and round them otherwise.
    """
    return jax.lax.reduce_window(
        x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), ((0, 0), (1, 1), (1, 1), (0, 0))
    )


def _forward(x):
    maxima = max_pool(x)
    return maxima, (x, _places(x, *maxima.shape[1:3]))


def _places(x, rows, columns):
    """Which of the nine places of a window has its maximum, u8[B,rows,columns,C]."""
    height, width = x.shape[1:3]
    # Pixel 2i+r of the padded image is the pixel r % 2 of the pair i + r // 2.
    padding = ((0, 0), (1, 2 * rows + 1 - height), (1, 2 * columns + 1 - width), (0, 0))
    pairs = jnp.pad(x, padding, constant_values=-jnp.inf)
    pairs = pairs.reshape(x.shape[0], rows + 1, 2, columns + 1, 2, x.shape[3])
    best, places = None, None
    for place, (row, column) in enumerate(_WINDOW):
        top, left = row // 2, column // 2
        pixels = pairs[:, top : top + rows, row % 2, left : left + columns, column % 2]
        if best is None:
            best, places = pixels, jnp.zeros(pixels.shape, jnp.uint8)
        else:
            places = jnp.where(pixels > best, jnp.uint8(place), places)
            best = jnp.maximum(pixels, best)
    return places


def _backward(residuals, grads):
    x, places = residuals
    (batch, height, width, channels), (rows, columns) = x.shape, grads.shape[1:3]
    parts = {}
    for index, (row, column) in enumerate(_WINDOW):
        top, left = row // 2, column // 2
        part = jnp.where(places == index, grads, 0)
        part = jnp.pad(part, ((0, 0), (top, 1 - top), (left, 1 - left), (0, 0)))
        place = row % 2, column % 2
        parts[place] = parts[place] + part if place in parts else part
    grads_x = jnp.stack(
        [jnp.stack([parts[0, 0], parts[0, 1]], 3), jnp.stack([parts[1, 0], parts[1, 1]], 3)], 2
    )
    grads_x = grads_x.reshape(batch, 2 * rows + 2, 2 * columns + 2, channels)
    return (grads_x[:, 1 : 1 + height, 1 : 1 + width],)


max_pool.defvjp(_forward, _backward)

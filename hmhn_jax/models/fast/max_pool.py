"""Max pooling whose gradient needs no select-and-scatter."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

_WINDOW = tuple(itertools.product(range(3), range(3)))  # (row, column), in the order of a search
_NOWHERE = 255  # no place of a window


@jax.custom_vjp
def max_pool(x: jax.Array) -> jax.Array:
    """Pools 3x3, stride 2, padded by one pixel: f[B,H,W,C] -> f[B,H/2,W/2,C], sides rounded up.

    Equal to `flax.linen.max_pool` with `padding=((1, 1), (1, 1))`, its gradient included, which
    goes to the first pixel of a window that has the maximum; where a pixel is NaN, the gradient
    goes elsewhere. XLA finds that pixel by a search in
    each window, when the gradient comes; here the nine places of all windows are compared one after
    the other, in passes over contiguous memory, and the winner's place is kept. Looking for the
    maximum again later would not do: XLA may compute the pixels again and round them otherwise.

    Pixel 2i + a is the pixel a of the pair i. A window's rows 0, 1 and 2 are pixel 1 of the pair
    before, and pixels 0 and 1 of its own; so are its columns.
    """
    return jax.lax.reduce_window(
        x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), ((0, 0), (1, 1), (1, 1), (0, 0))
    )


def _forward(x):
    if jax.default_backend() == "cpu":
        # Images stay in the cache, and XLA does not search again for each use of a place.
        maxima, places = jax.lax.map(_search, x)
    else:
        maxima, places = jax.vmap(_search)(x)
    return maxima, (places, jnp.zeros((0, *x.shape[1:3])))  # the second for its shape


def _search(image):
    """Finds each window's maximum, f[H,W,C] -> f[H/2,W/2,C], and its place out of nine, u8."""
    height, width, channels = image.shape
    rows, columns = -(-height // 2), -(-width // 2)
    padding = ((0, 2 * rows - height), (0, 2 * columns - width), (0, 0))
    image = jnp.pad(image, padding, constant_values=-jnp.inf)
    pairs = image.reshape(rows, 2, columns, 2, channels)
    maxima = jnp.full((rows, columns, channels), -jnp.inf, image.dtype)
    places = jnp.zeros(maxima.shape, jnp.uint8)
    for place, (row, column) in enumerate(_WINDOW):
        pixels = pairs[:, (row + 1) % 2, :, (column + 1) % 2]
        before = ((int(row == 0), 0), (int(column == 0), 0), (0, 0))
        pixels = jnp.pad(pixels, before, constant_values=-jnp.inf)[:rows, :columns]
        places = jnp.where(pixels > maxima, jnp.uint8(place), places)
        maxima = jnp.maximum(maxima, pixels)
    return maxima, places


def _backward(residuals, grads):
    places, shape = residuals
    (height, width), (batch, rows, columns, channels) = shape.shape[1:], grads.shape
    grads_x = 0.0
    for below, right in itertools.product((0, 1), (0, 1)):  # the windows that a pixel may be in
        after = ((0, 0), (0, below), (0, right), (0, 0))
        part, place = (
            jnp.pad(array[:, below:, right:], after)[:, :, None, :, None]
            for array in (grads, places)
        )
        grads_x += jnp.where(place == _places_of_pixels(below, right), part, 0)
    grads_x = grads_x.reshape(batch, 2 * rows, 2 * columns, channels)
    return (grads_x[:, :height, :width],)


def _places_of_pixels(below, right):
    """Returns each pixel's place in the window `below` and `right` of a pair, u8[1,1,2,1,2,1]."""
    places = np.full((1, 1, 2, 1, 2, 1), _NOWHERE, np.uint8)
    for place, (row, column) in enumerate(_WINDOW):
        if (row == 0, column == 0) == (below, right):
            places[:, :, (row + 1) % 2, :, (column + 1) % 2] = place
    return places


max_pool.defvjp(_forward, _backward)

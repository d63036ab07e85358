"""Two 1x1 convolutions with a leaky ReLU between them, whose hidden channels are never stored."""

import jax
import jax.numpy as jnp

LEAK = 0.01
_CHUNK = 4096  # pixels at a time in the backward pass: their hidden channels stay in the cache


@jax.custom_vjp
def pointwise_pair(
    planes: jax.Array, first: jax.Array, bias: jax.Array, second: jax.Array
) -> jax.Array:
    """Computes second^T leaky_relu(first^T planes + bias), for every pixel.

    With three channels in and out and 48 between them, the hidden channels are sixteen times the
    image, and reading and writing them is what a pair of convolutions costs. Here they are
    computed one after the other and added up at once; the backward pass computes them again, a
    chunk of pixels at a time.

    Args:
      planes: f[C,N].
      first: f[C,M].
      bias: f[M].
      second: f[M,D].

    Returns:
      f[D,N].
    """
    return _pointwise_pair(planes, first, bias, second)


@jax.jit  # traced once, with and without gradients
def _pointwise_pair(planes, first, bias, second):
    sums = [0.0] * second.shape[1]
    for weights, shift, out in zip(first.T, bias, second, strict=True):
        z = shift + sum(weight * plane for weight, plane in zip(weights, planes, strict=True))
        activation = jnp.maximum(z, LEAK * z)
        sums = [total + weight * activation for weight, total in zip(out, sums, strict=True)]
    return jnp.stack(sums)


def _forward(planes, first, bias, second):
    return pointwise_pair(planes, first, bias, second), (planes, first, bias, second)


def _backward(residuals, grads_DxN):
    planes, first, bias, second = residuals
    num_pixels = planes.shape[1]

    def chunked(array):  # [C,N] -> [N/chunk,C,chunk]; pixels that fill up have no gradient
        padded = jnp.pad(array, ((0, 0), (0, -num_pixels % _CHUNK)))
        return padded.reshape(len(array), -1, _CHUNK).transpose(1, 0, 2)

    # A product with three rows or columns is faster as a sum of outer products.
    def add(sums, chunk):
        planes, grads = chunk
        z = _outer_products(first, planes) + bias[:, None]
        grads_z = _outer_products(second.T, grads) * jnp.where(z >= 0, 1.0, LEAK).astype(z.dtype)
        new = (grads_z @ planes.T, grads_z.sum(axis=1), jnp.maximum(z, LEAK * z) @ grads.T)
        return jax.tree.map(jnp.add, sums, new), first @ grads_z

    zeros = jax.tree.map(jnp.zeros_like, (first.T, bias, second))
    sums, grads_planes = jax.lax.scan(add, zeros, (chunked(planes), chunked(grads_DxN)))
    grads_planes = grads_planes.transpose(1, 0, 2).reshape(len(planes), -1)[:, :num_pixels]
    grads_first, grads_bias, grads_second = sums
    return grads_planes, grads_first.T, grads_bias, grads_second


def _outer_products(rows_CxM, rows_CxN):
    """Computes rows_CxM^T rows_CxN, f[M,N]."""
    return sum(a[:, None] * b[None] for a, b in zip(rows_CxM, rows_CxN, strict=True))


pointwise_pair.defvjp(_forward, _backward)

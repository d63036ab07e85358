"""Two 1x1 convolutions with a leaky ReLU between them, whose hidden channels are never stored."""

import jax
import jax.numpy as jnp

LEAK = 0.01
_CHUNK = 4096  # pixels at a time in the backward pass: their hidden channels stay in the cache


@jax.custom_vjp
def pointwise_pair(
    planes: jax.Array, first: jax.Array, bias: jax.Array, second: jax.Array
) -> jax.Array:
    """second^T leaky_relu(first^T planes + bias), for every pixel.

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
    sums = [0.0] * second.shape[1]
    for hidden in range(first.shape[1]):
        z = bias[hidden] + sum(
            first[channel, hidden] * planes[channel] for channel in range(first.shape[0])
        )
        activation = jnp.maximum(z, LEAK * z)
        sums = [total + second[hidden, feature] * activation for feature, total in enumerate(sums)]
    return jnp.stack(sums)


def _forward(planes, first, bias, second):
    return pointwise_pair(planes, first, bias, second), (planes, first, bias, second)


def _backward(residuals, grads_DxN):
    planes, first, bias, second = residuals
    num_pixels = planes.shape[1]

    def chunked(array):  # [C,N] -> [N/chunk,C,chunk]; pixels that fill up have no gradient
        padded = jnp.pad(array, ((0, 0), (0, -num_pixels % _CHUNK)))
        return padded.reshape(len(array), -1, _CHUNK).transpose(1, 0, 2)

    def add(sums, chunk):
        planes, grads = chunk
        z = first.T @ planes + bias[:, None]
        grads_z = (second @ grads) * jnp.where(z >= 0, 1.0, LEAK).astype(z.dtype)
        grads_second = jnp.maximum(z, LEAK * z) @ grads.T
        new = (planes @ grads_z.T, grads_z.sum(axis=1), grads_second)
        return jax.tree.map(jnp.add, sums, new), first @ grads_z

    zeros = jax.tree.map(jnp.zeros_like, (first, bias, second))
    sums, grads_planes = jax.lax.scan(add, zeros, (chunked(planes), chunked(grads_DxN)))
    grads_planes = grads_planes.transpose(1, 0, 2).reshape(len(planes), -1)[:, :num_pixels]
    return grads_planes, *sums


pointwise_pair.defvjp(_forward, _backward)

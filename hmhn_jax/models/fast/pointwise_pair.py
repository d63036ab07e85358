"""Two 1x1 convolutions with a leaky ReLU between them, whose hidden channels are never stored."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from hmhn_jax.models.layers import at_least_float32

LEAK = 0.01
_CHUNK = 4096  # pixels at a time in the backward pass: their hidden channels stay in a CPU's cache
_AT_ONCE = 24  # hidden channels; a GPU adds up fewer than 32 numbers in a loop that stores none


def leaky_relu(x: jax.Array) -> jax.Array:
    """Computes the leaky ReLU of GWA, of any shape."""
    return jnp.maximum(x, LEAK * x)


@jax.custom_vjp
def pointwise_pair(
    planes: jax.Array, first: jax.Array, bias: jax.Array, second: jax.Array
) -> jax.Array:
    """Computes second^T leaky_relu(first^T planes + bias), f[D,N], for all pixels, planes f[C,N].

    With three channels in and out and 48 between them, the hidden channels are sixteen times the
    image, and reading and writing them is what a pair of convolutions costs. Here they are computed
    one after the other and added up at once; the backward pass computes them again, on a CPU a
    chunk of pixels at a time. `first` is f[C,M], `bias` f[M] and `second` f[M,D].
    """
    return _pointwise_pair(planes, first, bias, second)


@jax.jit  # traced once, with and without gradients
def _pointwise_pair(planes, first, bias, second):
    if jax.default_backend() != "cpu":
        return _forward_on_gpu(planes, first, bias, second)
    sums = [0.0] * second.shape[1]
    for weights, shift, out in zip(first.T, bias, second, strict=True):
        z = shift + sum(weight * plane for weight, plane in zip(weights, planes, strict=True))
        activation = leaky_relu(z)
        sums = [total + weight * activation for weight, total in zip(out, sums, strict=True)]
    return jnp.stack(sums)


def _forward(planes, first, bias, second):
    return pointwise_pair(planes, first, bias, second), (planes, first, bias, second)


def _backward(residuals, grads_DxN):
    way = _backward_on_cpu if jax.default_backend() == "cpu" else _backward_on_gpu
    grads = way(*residuals, grads_DxN)
    return tuple(grad.astype(each.dtype) for grad, each in zip(grads, residuals, strict=True))


def _backward_on_cpu(planes, first, bias, second, grads_DxN):
    num_pixels = planes.shape[1]

    # A product with three rows or columns is faster as a sum of outer products.
    def add(sums, chunk):
        planes, grads = chunk
        z = _outer_products(first, planes) + bias[:, None]
        grads_z = _hidden_gradients(z, second, grads)
        new = (grads_z @ planes.T, grads_z.sum(axis=1), leaky_relu(z) @ grads.T)
        return jax.tree.map(jnp.add, sums, new), first @ grads_z

    zeros = jax.tree.map(jnp.zeros_like, (first.T, bias, second))
    sums, grads_planes = jax.lax.scan(add, zeros, (_chunks(planes), _chunks(grads_DxN)))
    grads_planes = grads_planes.transpose(1, 0, 2).reshape(len(planes), -1)[:, :num_pixels]
    grads_first, grads_bias, grads_second = sums
    return grads_planes, grads_first.T, grads_bias, grads_second


def _forward_on_gpu(planes, first, bias, second):
    """Adds up in loops: what is written out as on a CPU, XLA would cut up and store after all."""
    dtype = jnp.result_type(planes, first, bias, second)
    planes, first, bias, second = map(at_least_float32, (planes, first, bias, second))

    def activations(part):
        z = _outer_products(first[:, part], planes) + bias[part, None]
        return leaky_relu(z)

    return _sums_over_hidden(second, activations).astype(dtype)


def _backward_on_gpu(planes, first, bias, second, grads_DxN):
    """Without a loop over chunks, each turn of which would be several programs for the GPU."""
    wide = map(at_least_float32, (planes, first, bias, second, grads_DxN))
    planes, first, bias, second, grads = wide

    def grads_hidden(part):
        z = _outer_products(first[:, part], planes) + bias[part, None]
        return _hidden_gradients(z, second[part], grads)

    def of_chunk(planes, grads):
        z = _outer_products(first, planes) + bias[:, None]
        grads_z, activations = _hidden_gradients(z, second, grads), leaky_relu(z)
        products = [grads_z] + [grads_z * plane[None] for plane in planes]
        return _row_sums(products + [activations * grad[None] for grad in grads])

    # All chunks at once, but each by itself: what they read stays in the cache for all channels.
    sums = jax.vmap(of_chunk)(_chunks(planes), _chunks(grads))
    grads_bias, *sums = [of_chunks.sum(axis=0) for of_chunks in sums]
    grads_first, grads_second = jnp.stack(sums[: len(planes)]), jnp.stack(sums[len(planes) :], 1)
    return _sums_over_hidden(first.T, grads_hidden), grads_first, grads_bias, grads_second


def _sums_over_hidden(weights_MxD: jax.Array, hidden: Callable) -> jax.Array:
    """weights^T hidden, f[D,N], of hidden(some of the M channels) -> f[m,N]."""
    parts = [slice(low, low + _AT_ONCE) for low in range(0, len(weights_MxD), _AT_ONCE)]
    return sum((weights_MxD[part].T[..., None] * hidden(part)[None]).sum(axis=1) for part in parts)


def _hidden_gradients(z, second, grads):
    """The gradient of the hidden channels before the leaky ReLU, f[M,N], from f[D,N]."""
    return _outer_products(second.T, grads) * jnp.where(z >= 0, 1.0, LEAK).astype(z.dtype)


def _row_sums(arrays_MxN):
    """The sums of each array's rows, f[M]; in one go, where XLA sums up arrays one by one."""
    zeros = [jnp.zeros((), each.dtype) for each in arrays_MxN]
    return jax.lax.reduce(arrays_MxN, zeros, lambda a, b: list(map(jnp.add, a, b)), (1,))


def _chunks(array_CxN):
    """f[N/chunk,C,chunk]; pixels that fill up have no gradient."""
    padded = jnp.pad(array_CxN, ((0, 0), (0, -array_CxN.shape[1] % _CHUNK)))
    return padded.reshape(len(array_CxN), -1, _CHUNK).transpose(1, 0, 2)


def _outer_products(rows_CxM, rows_CxN):
    """Computes rows_CxM^T rows_CxN, f[M,N]."""
    return sum(a[:, None] * b[None] for a, b in zip(rows_CxM, rows_CxN, strict=True))


pointwise_pair.defvjp(_forward, _backward)

"""Batch normalisation with ReLU, of which only the input is kept for the gradient."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp

from hmhn_jax.models.layers import EPSILON, MOMENTUM, at_least_float32, average_over

_PIXELS = (0, 1, 2)


class FusedBatchNorm(nn.Module):
    """`layers.batch_norm`, and a ReLU if asked, by `normalise`; the same variables."""

    relu: bool = False
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Normalises f[B,H,W,C] -> f[B,H,W,C]."""
        channels = x.shape[-1:]
        scale = self.param("scale", nn.initializers.ones, channels, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, channels, jnp.float32)
        mean = self.variable("batch_stats", "mean", jnp.zeros, channels, jnp.float32)
        variance = self.variable("batch_stats", "var", jnp.ones, channels, jnp.float32)
        if not train:
            inverse = jax.lax.rsqrt(variance.value + EPSILON)
            slope, shift = _affine(scale, bias, mean.value, inverse)
            return _apply(x, slope, shift, self.relu)
        y, batch_mean, batch_variance = normalise(x, scale, bias, self.relu, self.axis_name)
        if not self.is_initializing():
            mean.value = MOMENTUM * mean.value + (1 - MOMENTUM) * batch_mean
            variance.value = MOMENTUM * variance.value + (1 - MOMENTUM) * batch_variance
        return y


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def normalise(
    x: jax.Array, scale: jax.Array, bias: jax.Array, relu: bool, axis_name: str | None
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Normalises by the statistics of the batch, and sets negative values to 0.

    Differentiated step by step, a normalisation keeps its input, the distances from the mean, and
    the ReLU its result. All of it follows from the input. With n = (x - mean) / deviation and g the
    gradient that comes in, zero where the ReLU cut off, the input's gradient is
    scale / deviation * (g - mean(g) - n * mean(g * n)) (Ioffe and Szegedy 2015).

    Args:
      x: f[B,H,W,C].
      scale, bias: f[C].
      relu: whether to cut off.
      axis_name: device axis over which means are taken, too.

    Returns:
      y, f[B,H,W,C] of x's type, and the batch's mean and variance, at least f32[C].
    """
    return _forward(x, scale, bias, relu, axis_name)[0]


@functools.partial(jax.jit, static_argnums=(3, 4))  # traced once for all of the same shape
def _forward(x, scale, bias, relu, axis_name):
    wide = at_least_float32(x)
    moments = wide.mean(axis=_PIXELS), jnp.square(wide).mean(axis=_PIXELS)
    mean, square = average_over(axis_name, moments)
    variance = jnp.maximum(square - jnp.square(mean), 0.0)
    inverse = jax.lax.rsqrt(variance + EPSILON)
    y = _apply(x, *_affine(scale, bias, mean, inverse), relu)
    return (y, mean, variance), (x, scale, bias, mean, inverse)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _backward(relu, axis_name, residuals, grads):
    x, scale, bias, mean, inverse = residuals
    grads, grads_mean, grads_variance = grads
    wide, grads = at_least_float32(x), at_least_float32(grads)
    slope, shift = _affine(scale, bias, mean, inverse)
    if relu:
        grads = jnp.where(_spread(slope) * wide + _spread(shift) > 0, grads, 0.0)
    grads_bias = grads.sum(axis=_PIXELS)
    # The distances from the mean are not stored only to be multiplied and added up.
    grads_scale = ((grads * wide).sum(axis=_PIXELS) - mean * grads_bias) * inverse
    size = x.size // x.shape[-1]
    means = grads_bias / size, grads_scale / size, grads_mean / size, grads_variance / size
    mean_g, mean_gn, grads_mean, grads_variance = average_over(axis_name, means)
    grads_x = _spread(slope) * (grads - _spread(mean_g))
    per_deviation = 2 * grads_variance / inverse - slope * mean_gn
    normalised = (wide - _spread(mean)) * _spread(inverse)
    grads_x += normalised * _spread(per_deviation) + _spread(grads_mean)
    return grads_x.astype(x.dtype), grads_scale.astype(scale.dtype), grads_bias.astype(bias.dtype)


normalise.defvjp(_forward, _backward)


def _affine(scale, bias, mean, inverse):
    return scale * inverse, bias - mean * scale * inverse


def _apply(x, slope, shift, relu):
    y = at_least_float32(x) * _spread(slope) + _spread(shift)
    return (jnp.maximum(y, 0.0) if relu else y).astype(x.dtype)


def _spread(numbers_C):
    return numbers_C[None, None, None]

"""Convolutions of LGFE and DFF on planes f[C,...], channels first.

With three channels, channels last leaves nothing to vectorise over but those three. Here every
operation runs over whole planes. The modules have the variables of `conv` and `batch_norm` under
the same names, so that weights fit either way of computing.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from hmhn_jax.models.fast.pointwise_pair import leaky_relu, pointwise_pair
from hmhn_jax.models.fast.shifted_conv import shifted_conv
from hmhn_jax.models.layers import (
    BatchNormWeights,
    ConvWeights,
    at_least_float32,
    average_over,
    plane_moments,
)


class LGFEPlanes(nn.Module):
    """`gwa.LGFE`, computed without storing its hidden channels.

    The first normalisation's statistics come from those of the input: of W^T x + b the mean
    is W^T mean(x) + b and the variance the diagonal of W^T cov(x) W, exactly. So the convolutions
    and both normalisations' scales become one pass over the pixels, `pointwise_pair`.

    Attributes:
      expansion, axis_name, dtype: as of `gwa.LGFE`.
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


def conv_planes(planes: jax.Array, features: int, dtype: Any, name: str) -> jax.Array:
    """Convolves f[C,B,H,W] -> f[features,B,H,W] by `shifted_conv`, inside a compact module."""
    kernel, bias = ConvWeights((3, 3, len(planes), features), dtype=dtype, name=name)()
    return shifted_conv(planes.astype(kernel.dtype), kernel) + bias[:, None, None, None]


def batch_norm_planes(
    planes: jax.Array, train: bool, axis_name: str | None, name: str
) -> jax.Array:
    """Applies `batch_norm` to f[C,...], inside a compact module."""
    scale, shift = BatchNormWeights(axis_name, name=name)(
        lambda: plane_moments(planes, axis_name), len(planes), train
    )
    shape = (-1,) + (1,) * (planes.ndim - 1)
    scale, shift = scale.reshape(shape), shift.reshape(shape)
    return (at_least_float32(planes) * scale + shift).astype(planes.dtype)

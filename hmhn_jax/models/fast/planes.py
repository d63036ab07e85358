"""Layers of LGFE and DFF on planes f[C,...], channels first.

They have the variables of `conv` and `batch_norm` under the same names.
"""

from typing import Any

import jax

from hmhn_jax.models.fast.shifted_conv import shifted_conv
from hmhn_jax.models.layers import (
    BatchNormWeights,
    ConvWeights,
    at_least_float32,
    plane_moments,
)


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

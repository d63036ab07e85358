"""The two layers that every block is made of, with the settings they share."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.nn import initializers

# torchvision's ResNet and DAN's attention heads start their convolutions this way.
he_normal_fan_out = initializers.variance_scaling(2.0, "fan_out", "normal")


def conv(features: int, kernel: tuple[int, int], strides: int = 1, **kwargs: Any) -> nn.Conv:
    """A convolution f[B,H,W,C] -> f[B,H/strides,W/strides,features], padded as PyTorch pads.

    "SAME" would pad a strided convolution on one side only; (k-1)/2 on both keeps weights
    interchangeable with torchvision's.
    """
    padding = tuple(((size - 1) // 2, size // 2) for size in kernel)
    return nn.Conv(
        features,
        kernel,
        strides=(strides, strides),
        padding=padding,
        kernel_init=kwargs.pop("kernel_init", he_normal_fan_out),
        **kwargs,
    )


def batch_norm(train: bool, axis_name: str | None, **kwargs: Any) -> nn.BatchNorm:
    """Batch normalisation over all axes but the last, and over the devices of `axis_name`.

    Momentum 0.9 and epsilon 1e-5 are PyTorch's defaults (which calls the former 0.1).
    """
    return nn.BatchNorm(
        use_running_average=not train,
        momentum=0.9,
        epsilon=1e-5,
        axis_name=axis_name if train else None,
        **kwargs,
    )


def at_least_float32(x: jax.Array) -> jax.Array:
    """`x` in the precision that softmaxes and scores need; float64 stays float64."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))

"""Convolution and batch normalisation with the settings that every block shares."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jax.nn import initializers

# PyTorch's defaults; it calls the momentum 0.1.
MOMENTUM = 0.9
EPSILON = 1e-5

# torchvision's ResNet and DAN's attention heads start their convolutions this way.
he_normal_fan_out = initializers.variance_scaling(2.0, "fan_out", "normal")


def conv(features: int, kernel: tuple[int, int], strides: int = 1, **kwargs: Any) -> nn.Conv:
    """Returns a convolution f[B,H,W,C] -> f[B,H/strides,W/strides,features], padded as by PyTorch.

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
    """Returns batch normalisation over all axes but the last, and the devices of `axis_name`."""
    return nn.BatchNorm(
        use_running_average=not train,
        momentum=MOMENTUM,
        epsilon=EPSILON,
        axis_name=axis_name if train else None,
        **kwargs,
    )


def at_least_float32(x: jax.Array) -> jax.Array:
    """Converts `x` to the precision of softmaxes and scores; float64 stays float64."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def stored(tree: Any) -> Any:
    """The same arrays, which on a GPU are written to memory once.

    XLA would else compute them anew where they are used, and in a sum of shifted planes that is
    many times. On a CPU it does not, or its loops are made so that it cannot.
    """
    return tree if jax.default_backend() == "cpu" else jax.lax.optimization_barrier(tree)


def average_over(axis_name: str | None, tree: Any) -> Any:
    """Averages each array over the devices of an axis: one exchange, however many arrays."""
    if not axis_name or jax.lax.axis_size(axis_name) == 1:  # XLA would copy all of it
        return tree
    flat, restore = ravel_pytree(tree)
    return restore(jax.lax.pmean(flat, axis_name))


class ConvWeights(nn.Module):
    """Parameters of `conv`, for a convolution that is computed in another way.

    The shape is the kernel's: (height, width, channels in, channels out).
    """

    shape: tuple[int, int, int, int]
    use_bias: bool = True
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self) -> tuple[jax.Array, Any]:
        """Returns the kernel and the bias f[D], None without one."""
        kernel = self.param("kernel", he_normal_fan_out, self.shape, jnp.float32)
        bias = None
        if self.use_bias:
            bias = self.param("bias", nn.initializers.zeros, self.shape[-1:], jnp.float32)
        kernel, bias = nn.dtypes.promote_dtype(kernel, bias, dtype=self.dtype)
        return kernel, bias


class BatchNormWeights(nn.Module):
    """Variables of `batch_norm`, for a normalisation that is computed in another way."""

    axis_name: str | None = None

    @nn.compact
    def __call__(
        self, moments: Callable, channels: int, train: bool
    ) -> tuple[jax.Array, jax.Array]:
        """Returns scale and shift f[C] that normalise: x * scale + shift.

        Args:
          moments: () -> the mean and the variance of each channel over the batch of all devices,
            at least f32[C] each; asked in training only.
          channels: C.
          train: whether to normalise by the batch's statistics, and to remember them.
        """
        scale = self.param("scale", nn.initializers.ones, (channels,), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (channels,), jnp.float32)
        mean = self.variable("batch_stats", "mean", jnp.zeros, (channels,), jnp.float32)
        variance = self.variable("batch_stats", "var", jnp.ones, (channels,), jnp.float32)
        batch_mean, batch_variance = moments() if train else (mean.value, variance.value)
        if train and not self.is_initializing():
            mean.value = MOMENTUM * mean.value + (1 - MOMENTUM) * batch_mean
            variance.value = MOMENTUM * variance.value + (1 - MOMENTUM) * batch_variance
        scale = scale * jax.lax.rsqrt(batch_variance + EPSILON)
        return scale, bias - batch_mean * scale


def batch_norm_planes(
    planes: jax.Array, train: bool, axis_name: str | None, name: str
) -> jax.Array:
    """Applies `batch_norm` to planes f[C,...], inside a compact module."""

    def moments():
        pixels = at_least_float32(planes).reshape(len(planes), -1)
        mean, square = average_over(
            axis_name, (pixels.mean(axis=1), jnp.square(pixels).mean(axis=1))
        )
        return mean, jnp.maximum(square - jnp.square(mean), 0.0)

    norm = BatchNormWeights(axis_name, name=name)
    shape = (-1,) + (1,) * (planes.ndim - 1)
    scale, shift = (each.reshape(shape) for each in norm(moments, len(planes), train))
    return (at_least_float32(planes) * scale + shift).astype(planes.dtype)

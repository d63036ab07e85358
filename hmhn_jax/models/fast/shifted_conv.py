"""3x3 convolution of few channels, as shifted multiply-adds."""

import itertools

import jax
import jax.numpy as jnp

from hmhn_jax.models.layers import at_least_float32, stored

TAPS = tuple(itertools.product(range(3), range(3)))  # (row, column) of a 3x3 kernel


@jax.custom_vjp
def shifted_conv(planes: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolves f[C,B,H,W] with a kernel f[3,3,C,D], zero-padded by one pixel: f[D,B,H,W].

    Equal to `jax.lax.conv_general_dilated` with "SAME" padding. With three channels in and out a
    convolution is 27 multiply-adds a number, too few for the matrix products that convolution
    libraries are made of. As sums of shifted planes it is one pass over contiguous memory, and so
    are its gradients: that of the planes is the convolution with the kernel turned by 180 degrees,
    that of a tap is the sum of its shifted plane times the incoming gradient.
    """
    return _shifted_conv(planes, kernel)


@jax.jit  # traced once for all that have the same shapes
def _shifted_conv(planes, kernel):
    padded = pad(stored(planes))
    kernel = at_least_float32(kernel)  # half precision would round each of the sums
    sums = [
        convolve_padded(padded, kernel[..., feature]).astype(planes.dtype)
        for feature in range(kernel.shape[3])
    ]
    return jnp.stack(stored(sums))


def pad(planes: jax.Array) -> jax.Array:
    """Pads planes with a pixel of zeros, f[C,B,H,W] -> f[C,B,H+2,W+2]."""
    return jnp.pad(planes, ((0, 0), (0, 0), (1, 1), (1, 1)))


def convolve_padded(padded: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolves to one plane, f[C,B,H+2,W+2] and a kernel f[3,3,C] -> f[B,H,W]."""
    return sum(
        kernel[row, column, channel] * _shift(padded[channel], row, column)
        for row, column in TAPS
        for channel in range(kernel.shape[2])
    )


def _forward(planes, kernel):
    return shifted_conv(planes, kernel), (planes, kernel)


def _backward(residuals, grads_DxBxHxW):
    planes, kernel = residuals
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    if jax.default_backend() == "cpu":
        _, pull_back = jax.vjp(lambda kernel: _conv(planes, kernel), kernel)
        (grads_kernel,) = pull_back(grads_DxBxHxW)
    else:
        grads_kernel = _tap_by_tap(planes, grads_DxBxHxW).astype(kernel.dtype)
    return shifted_conv(grads_DxBxHxW, turned), grads_kernel


def _tap_by_tap(planes, grads_DxBxHxW):
    """The kernel's gradient as sums of products, f32[3,3,C,D].

    For three channels cuDNN takes nearly three times as long, and wants other layouts.
    """
    planes, grads_DxBxHxW = stored((planes, grads_DxBxHxW))
    padded, grads_DxBxHxW = pad(planes), at_least_float32(grads_DxBxHxW)
    sums = [
        (_shift(plane, row, column) * grads).sum()
        for row, column in TAPS
        for plane in padded
        for grads in grads_DxBxHxW
    ]
    return jnp.stack(sums).reshape(3, 3, len(planes), len(grads_DxBxHxW))


def _conv(planes, kernel):
    return jax.lax.conv_general_dilated(
        planes, kernel, (1, 1), "SAME", dimension_numbers=("CNHW", "HWIO", "CNHW")
    )


shifted_conv.defvjp(_forward, _backward)


def _shift(padded_BxHxW, row, column):
    height, width = padded_BxHxW.shape[1] - 2, padded_BxHxW.shape[2] - 2
    return padded_BxHxW[:, row : row + height, column : column + width]

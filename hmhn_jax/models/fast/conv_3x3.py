"""3x3 convolutions of the trunk with many channels, in training."""

import jax
import jax.numpy as jnp

from hmhn_jax.models.fast.winograd import kernel_gradient, transform, winograd_conv

# With fewer channels, transforming the pixels takes longer than the products that it saves; with
# smaller images, transforming the kernel does.
FEWEST_CHANNELS = 128
SMALLEST_SIDE = 8
TILE = 4


def conv_3x3(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolves f[B,H,W,C] with f[3,3,C,D], stride 1, zero-padded by one pixel -> f[B,H,W,D].

    Equal to `jax.lax.conv_general_dilated` with "SAME" padding, which it is on a GPU and in half
    precision. On a CPU, XLA's convolutions do as many multiplications as a processor can; so does
    this, by `winograd_conv`, with a quarter of them. The gradient of the pixels is the convolution
    with the kernel turned by 180 degrees, that of the kernel `kernel_gradient`.
    """
    if (
        jax.default_backend() != "cpu"
        or min(kernel.shape[2:]) < FEWEST_CHANNELS
        or min(x.shape[1:3]) < SMALLEST_SIDE
        or jnp.finfo(x.dtype).bits < 32
    ):
        return jax.lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
    return _winograd(x, kernel)


@jax.custom_vjp
def _winograd(x, kernel):
    return _forward(x, kernel)[0]


@jax.jit  # traced once for all of the same shape
def _forward(x, kernel):
    return winograd_conv(x, transform(kernel, TILE)), (x, kernel)


@jax.jit
def _backward(residuals, grads):
    x, kernel = residuals
    turned = kernel[::-1, ::-1].swapaxes(2, 3)
    return winograd_conv(grads, transform(turned, TILE)), kernel_gradient(x, grads, TILE)


_winograd.defvjp(_forward, _backward)

"""First convolution of the trunk, on pairs of pixels."""

import jax
import jax.numpy as jnp
from einops import rearrange


def stem_conv(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolves with a 7x7 kernel, stride 2, zero-padded by three pixels.

    Computed as a 4x4 convolution with stride 1 on images whose 2x2 blocks of pixels have become
    channels ("space to depth"): the same sums, with four times as many channels in, which suits the
    matrix products that convolutions are made of. With r = 2p + a, pixel 2i + r - 4 is pixel
    a of the pair i + p - 2.

    Args:
      images: f[B,H,W,C].
      kernel: f[7,7,C,D].

    Returns:
      f[B,H/2,W/2,D], sides rounded up.
    """
    height, width = images.shape[1:3]
    images = jnp.pad(images, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
    kernel = jnp.pad(kernel, ((1, 0), (1, 0), (0, 0), (0, 0)))
    return jax.lax.conv_general_dilated(
        rearrange(images, "B (y a) (x b) C -> B y x (a b C)", a=2, b=2),
        rearrange(kernel, "(p a) (q b) C D -> p q (a b C) D", a=2, b=2),
        (1, 1),
        ((2, 1), (2, 1)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )

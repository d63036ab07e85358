"""First convolution of the trunk, on pairs of pixels."""

import jax
import jax.numpy as jnp
from einops import rearrange


def stem_conv(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolves f[B,H,W,C] with a kernel f[7,7,C,D], stride 2, padded by three: f[B,H/2,W/2,D].

    Sides are rounded up. Computed as a 4x4 convolution with stride 1 on images whose 2x2 blocks of
    pixels have become channels ("space to depth"): the same sums, with four times as many channels
    in, which suits the matrix products that convolutions are made of. With r = 2p + a, pixel 2i + r
    - 4 is pixel a of the pair i + p - 2.
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

"""Deep feature fusion (DFF): joins the image and what grid-wise attention made of it."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from hmhn_jax.models.layers import batch_norm, conv


class DFF(nn.Module):
    """Deep feature fusion (Eq. 7).

    Two feature transformations of the same structure with weights of their own (conv 3x3, BN,
    ReLU) are added; the fusion network (twice conv 3x3, BN, PReLU, the sum added again, conv 3x3,
    sigmoid) makes an image of them.

    Attributes:
      axis_name: device axis over which batch statistics are averaged.
      dtype: type of the computation.
    """

    axis_name: str | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, images: jax.Array, weighted: jax.Array, train: bool) -> jax.Array:
        """Both inputs f[B,H,W,C]; returns f[B,H,W,C] between 0 and 1."""
        channels = images.shape[-1]

        def conv_bn(x, name):
            x = conv(channels, (3, 3), dtype=self.dtype, name=f"{name}_conv")(x)
            return batch_norm(train, self.axis_name, dtype=self.dtype, name=f"{name}_bn")(x)

        transformed = nn.relu(conv_bn(images, "ft1")) + nn.relu(conv_bn(weighted, "ft2"))
        fused = transformed
        for name in ("fusion1", "fusion2"):
            # 0.25 is PyTorch's initial slope.
            fused = nn.PReLU(negative_slope_init=0.25, name=f"{name}_prelu")(conv_bn(fused, name))
        fused = conv(channels, (3, 3), dtype=self.dtype, name="output_conv")(fused + transformed)
        return nn.sigmoid(fused)

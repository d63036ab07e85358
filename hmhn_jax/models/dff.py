"""Deep feature fusion (DFF): combines the image with its grid-wise attended version."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from hmhn_jax.models.fast.shifted_conv import shifted_conv
from hmhn_jax.models.layers import ConvWeights, batch_norm_planes


class DFF(nn.Module):
    """Deep feature fusion (Eq. 7).

    Two feature transformations of the same structure with weights of their own (conv 3x3, BN, ReLU)
    are added; the fusion network (twice conv 3x3, BN, PReLU, the sum added again, conv 3x3,
    sigmoid) makes an image of them. It is computed on planes, see `shifted_conv`; `axis_name` and
    `dtype` are those of `HMHN`.
    """

    axis_name: str | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, images: jax.Array, weighted: jax.Array, train: bool) -> jax.Array:
        """Fuses both inputs f[B,H,W,C] into f[B,H,W,C] between 0 and 1."""
        channels = images.shape[-1]
        images, weighted = (jnp.moveaxis(each, -1, 0) for each in (images, weighted))

        def conv(x, name):
            shape = (3, 3, channels, channels)
            kernel, bias = ConvWeights(shape, dtype=self.dtype, name=f"{name}_conv")()
            return shifted_conv(x.astype(kernel.dtype), kernel) + bias[:, None, None, None]

        def conv_bn(x, name):
            return batch_norm_planes(conv(x, name), train, self.axis_name, f"{name}_bn")

        transformed = nn.relu(conv_bn(images, "ft1")) + nn.relu(conv_bn(weighted, "ft2"))
        fused = transformed
        for name in ("fusion1", "fusion2"):
            # 0.25 is PyTorch's initial slope.
            fused = nn.PReLU(negative_slope_init=0.25, name=f"{name}_prelu")(conv_bn(fused, name))
        return jnp.moveaxis(nn.sigmoid(conv(fused + transformed, "output")), 0, -1)

"""ResNet-18 (He et al. 2016) without its pooling and classifier: the trunk."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from hmhn_jax.models.fast.conv_3x3 import conv_3x3
from hmhn_jax.models.fast.fused_batch_norm import FusedBatchNorm
from hmhn_jax.models.fast.max_pool import max_pool
from hmhn_jax.models.fast.stem import stem_conv
from hmhn_jax.models.layers import ConvWeights, conv


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, the first with `strides`, and a shortcut; for the others see `HMHN`."""

    features: int
    strides: int = 1
    axis_name: str | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Applies the block, f[B,H,W,C] -> f[B,H/strides,W/strides,features]."""

        def conv_bn(x, kernel, strides, name, relu=False):
            if kernel == (3, 3) and strides == 1:
                shape = (*kernel, x.shape[-1], self.features)
                weights = ConvWeights(shape, False, self.dtype, name=f"{name}_conv")
                x = conv_3x3(x.astype(self.dtype), weights()[0])
            else:
                fields = {"use_bias": False, "dtype": self.dtype, "name": f"{name}_conv"}
                x = conv(self.features, kernel, strides, **fields)(x)
            return FusedBatchNorm(relu, self.axis_name, name=f"{name}_bn")(x, train)

        y = conv_bn(x, (3, 3), self.strides, "first", relu=True)
        y = conv_bn(y, (3, 3), 1, "second")
        if self.strides != 1 or x.shape[-1] != self.features:
            x = conv_bn(x, (1, 1), self.strides, "shortcut")
        return nn.relu(x + y)


class ResNet18(nn.Module):
    """ResNet-18 up to its last feature map (section 3.3); 11,176,512 parameters at width 64.

    The first stage has `width` channels, the last 8 times as many; for the others see `HMHN`.
    """

    width: int = 64
    axis_name: str | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, images: jax.Array, train: bool) -> jax.Array:
        """Extracts features, f[B,H,W,C] -> f[B,H/32,W/32,8*width], sides rounded up."""
        shape = (7, 7, images.shape[-1], self.width)
        kernel, _ = ConvWeights(shape, use_bias=False, dtype=self.dtype, name="stem_conv")()
        x = stem_conv(images.astype(kernel.dtype), kernel)
        x = max_pool(FusedBatchNorm(True, self.axis_name, name="stem_bn")(x, train))
        for stage in range(4):
            for block in range(2):
                x = BasicBlock(
                    self.width * 2**stage,
                    strides=2 if stage > 0 and block == 0 else 1,
                    axis_name=self.axis_name,
                    dtype=self.dtype,
                    name=f"stage{stage + 1}_block{block + 1}",
                )(x, train)
        return x

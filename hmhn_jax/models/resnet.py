"""ResNet-18 (He et al. 2016) without its pooling and classifier: the trunk."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from hmhn_jax.models.fast.conv_3x3 import conv_3x3
from hmhn_jax.models.fast.fused_batch_norm import FusedBatchNorm
from hmhn_jax.models.fast.max_pool import max_pool
from hmhn_jax.models.fast.stem import stem_conv
from hmhn_jax.models.layers import ConvWeights, batch_norm, conv


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut.

    Attributes:
      features: output channels.
      strides: of the first convolution.
      axis_name: device axis over which batch statistics are averaged.
      dtype: type of the computation.
      fast: computes convolutions by `conv_3x3` and normalises by `FusedBatchNorm`; the same
        numbers.
    """

    features: int
    strides: int = 1
    axis_name: str | None = None
    dtype: Any = jnp.float32
    fast: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Applies the block, f[B,H,W,C] -> f[B,H/strides,W/strides,features]."""

        def conv_bn(x, kernel, strides, name, relu=False):
            if self.fast and kernel == (3, 3) and strides == 1:
                shape = (*kernel, x.shape[-1], self.features)
                weights = ConvWeights(shape, False, self.dtype, name=f"{name}_conv")
                x = conv_3x3(x.astype(self.dtype), weights()[0])
            else:
                fields = {"use_bias": False, "dtype": self.dtype, "name": f"{name}_conv"}
                x = conv(self.features, kernel, strides, **fields)(x)
            return _batch_norm(self, x, train, f"{name}_bn", relu)

        y = conv_bn(x, (3, 3), self.strides, "first", relu=True)
        y = conv_bn(y, (3, 3), 1, "second")
        if self.strides != 1 or x.shape[-1] != self.features:
            x = conv_bn(x, (1, 1), self.strides, "shortcut")
        return nn.relu(x + y)


class ResNet18(nn.Module):
    """ResNet-18 up to its last feature map (section 3.3); 11,176,512 parameters at width 64.

    Attributes:
      width: channels of the first stage; the last has 8 times as many.
      axis_name: device axis over which batch statistics are averaged.
      dtype: type of the computation.
      fast: computes the first layers by `stem_conv` and `max_pool`, the others by `conv_3x3`, and
        normalises by `FusedBatchNorm`; the same numbers.
    """

    width: int = 64
    axis_name: str | None = None
    dtype: Any = jnp.float32
    fast: bool = False

    @nn.compact
    def __call__(self, images: jax.Array, train: bool) -> jax.Array:
        """Extracts features, f[B,H,W,C] -> f[B,H/32,W/32,8*width], sides rounded up."""
        if self.fast:
            shape = (7, 7, images.shape[-1], self.width)
            kernel, _ = ConvWeights(shape, use_bias=False, dtype=self.dtype, name="stem_conv")()
            x = stem_conv(images.astype(kernel.dtype), kernel)
        else:
            stem = conv(self.width, (7, 7), 2, use_bias=False, dtype=self.dtype, name="stem_conv")
            x = stem(images)
        x = _batch_norm(self, x, train, "stem_bn", relu=True)
        if self.fast:
            x = max_pool(x)
        else:
            x = nn.max_pool(x, (3, 3), strides=(2, 2), padding=((1, 1), (1, 1)))
        for stage in range(4):
            for block in range(2):
                x = BasicBlock(
                    self.width * 2**stage,
                    strides=2 if stage > 0 and block == 0 else 1,
                    axis_name=self.axis_name,
                    dtype=self.dtype,
                    fast=self.fast,
                    name=f"stage{stage + 1}_block{block + 1}",
                )(x, train)
        return x


def _batch_norm(module, x, train, name, relu):
    """Applies the normalisation called `name`, and a ReLU if asked, inside a compact module."""
    if module.fast:
        return FusedBatchNorm(relu, module.axis_name, name=name)(x, train)
    x = batch_norm(train, module.axis_name, dtype=module.dtype, name=name)(x)
    return nn.relu(x) if relu else x

"""The network of Flax's own layers, which computes the same numbers as `HMHN`.

It has the same variables under the same names, so that weights fit both.
"""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from einops import rearrange, repeat

from hmhn_jax.models import AFB, HMHN
from hmhn_jax.models.afb import Regression
from hmhn_jax.models.layers import at_least_float32, batch_norm, conv
from hmhn_jax.models.mab import dense_init


class Plain(nn.Module):
    """A block with the fields that all blocks have."""

    axis_name: str | None = None
    dtype: Any = jnp.float32

    def conv_bn(self, x, train, features, kernel, name, strides=1, use_bias=True):
        fields = {"use_bias": use_bias, "dtype": self.dtype, "name": f"{name}_conv"}
        return self.norm(conv(features, kernel, strides, **fields)(x), train, f"{name}_bn")

    def norm(self, x, train, name=None):
        return batch_norm(train, self.axis_name, dtype=self.dtype, name=name)(x)


class LGFE(Plain):
    expansion: int = 16

    @nn.compact
    def __call__(self, grids: jax.Array, train: bool) -> jax.Array:
        channels = grids.shape[-1]
        for features in (channels * self.expansion, channels):
            grids = conv(features, (1, 1), dtype=self.dtype)(grids)
            grids = nn.leaky_relu(self.norm(grids, train))
        return grids


class GWA(Plain):
    grid: tuple[int, int] = (3, 3)
    lgfe_expansion: int = 16
    softmax_axis: str = "grid"

    @nn.compact
    def __call__(self, images: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
        height, width = images.shape[1:3]
        rows, columns = self.grid
        padding = ((0, 0), (0, -height % rows), (0, -width % columns), (0, 0))
        padded = jnp.pad(images, padding, mode="edge")
        grids = rearrange(padded, "B (h y) (w x) C -> B (h w) y x C", h=rows, w=columns)
        lgfe = LGFE(self.axis_name, self.dtype, self.lgfe_expansion, name="lgfe")
        weights = grid_weights(lgfe(grids, train), self.softmax_axis)
        weights = rearrange(weights, "B (h w) C -> B h w C", h=rows)
        cell = {"y": padded.shape[1] // rows, "x": padded.shape[2] // columns}
        spread = repeat(weights, "B h w C -> B (h y) (w x) C", **cell)[:, :height, :width]
        return images * spread.astype(images.dtype), weights


def grid_weights(features: jax.Array, softmax_axis: str) -> jax.Array:
    """Computes one weight per grid and channel, f[B,G,H/h,W/w,C] -> f[B,G,C]."""
    precise = jnp.promote_types(features.dtype, jnp.float32)
    products = jnp.einsum("BGyxC,BGzxC->BGCyz", features, features, preferred_element_type=precise)
    logits = products / math.sqrt(features.shape[3])
    axis = {"grid": 1, "last": -1}[softmax_axis]
    return jax.nn.softmax(logits, axis=axis).mean(axis=(-2, -1))


class DFF(Plain):
    @nn.compact
    def __call__(self, images: jax.Array, weighted: jax.Array, train: bool) -> jax.Array:
        channels = images.shape[-1]
        first, second = (
            nn.relu(self.conv_bn(x, train, channels, (3, 3), name))
            for x, name in ((images, "ft1"), (weighted, "ft2"))
        )
        fused = transformed = first + second
        for name in ("fusion1", "fusion2"):
            fused = self.conv_bn(fused, train, channels, (3, 3), name)
            fused = nn.PReLU(negative_slope_init=0.25, name=f"{name}_prelu")(fused)
        last = conv(channels, (3, 3), dtype=self.dtype, name="output_conv")
        return nn.sigmoid(last(fused + transformed))


class BasicBlock(Plain):
    features: int = 64
    strides: int = 1

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        def conv_bn(x, kernel, strides, name):
            return self.conv_bn(x, train, self.features, kernel, name, strides, use_bias=False)

        y = conv_bn(nn.relu(conv_bn(x, (3, 3), self.strides, "first")), (3, 3), 1, "second")
        if self.strides != 1 or x.shape[-1] != self.features:
            x = conv_bn(x, (1, 1), self.strides, "shortcut")
        return nn.relu(x + y)


class ResNet18(Plain):
    width: int = 64

    @nn.compact
    def __call__(self, images: jax.Array, train: bool) -> jax.Array:
        x = self.conv_bn(images, train, self.width, (7, 7), "stem", 2, use_bias=False)
        x = nn.max_pool(nn.relu(x), (3, 3), strides=(2, 2), padding=((1, 1), (1, 1)))
        for stage in range(4):
            for block in range(2):
                x = BasicBlock(
                    self.axis_name,
                    self.dtype,
                    self.width * 2**stage,
                    strides=2 if stage > 0 and block == 0 else 1,
                    name=f"stage{stage + 1}_block{block + 1}",
                )(x, train)
        return x


class AttentionHead(Plain):
    kernels: Any = ((3, 3), (1, 3), (3, 1))
    spatial_reduce: str = "mean"

    @nn.compact
    def __call__(self, features: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
        channels = features.shape[-1]
        reduced = self.conv_bn(features, train, channels // 2, (1, 1), "reduce")
        branches = 0.0
        for index, (height, width) in enumerate(self.kernels, start=1):
            name = f"branch{index}_{height}x{width}"
            branches += self.conv_bn(reduced, train, channels, (height, width), name)
        reduce = {"sum": jnp.sum, "mean": jnp.mean}[self.spatial_reduce]
        spatial = reduce(nn.relu(branches), axis=-1)
        pooled = jnp.mean(features * spatial[..., None], axis=(1, 2))
        fields = {"kernel_init": dense_init, "dtype": self.dtype}
        squeezed = nn.Dense(channels // 16, **fields, name="squeeze_dense")(pooled)
        squeezed = nn.relu(self.norm(squeezed, train, "squeeze_bn"))
        gate = nn.Dense(channels, **fields, name="excite_dense")(squeezed)
        return pooled * nn.sigmoid(gate), spatial


class MAB(Plain):
    num_heads: int = 4
    kernels: Any = ((3, 3), (1, 3), (3, 1))
    spatial_reduce: str = "mean"

    @nn.compact
    def __call__(self, features: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
        fields = self.axis_name, self.dtype, self.kernels, self.spatial_reduce
        heads = [AttentionHead(*fields, name=f"head{n + 1}") for n in range(self.num_heads)]
        vectors, maps = zip(*[head(features, train) for head in heads], strict=True)
        return jnp.stack(vectors, axis=1), jnp.stack(maps, axis=1)


class PlainHMHN(HMHN):
    """`HMHN` with the same fields, variables, arguments and results."""

    @nn.compact
    def __call__(
        self, images: jax.Array, train: bool = False
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        shared, aux = (self.axis_name, self.dtype), {}
        x = images = images.astype(self.dtype)
        if self.use_gwa:
            fields = self.grid, self.lgfe_expansion, self.gwa_softmax_axis
            x, aux["grid_weights"] = GWA(*shared, *fields, name="gwa")(images, train)
        if self.use_dff:
            x = DFF(*shared, name="dff")(images, x, train)
        features = aux["features"] = ResNet18(*shared, self.width, name="trunk")(x, train)
        if self.use_mab:
            fields = self.num_heads, self.kernels, self.spatial_reduce
            heads, aux["attention"] = MAB(*shared, *fields, name="mab")(features, train)
            fused, aux["heads"] = AFB(name="afb")(heads)
        else:
            fused = at_least_float32(features).mean(axis=(1, 2))
        last = self.dropout_rate, self.use_output_norm, self.score_mean, self.score_std
        return Regression(*last, self.axis_name, name="regression")(fused, train), aux


def plain(model: HMHN) -> PlainHMHN:
    """Returns the network of Flax's own layers with the fields of another."""
    fields = {name: getattr(model, name) for name in HMHN.__annotations__}
    return PlainHMHN(**{name: fields[name] for name in fields if name not in ("parent", "name")})

"""The network at inference, computed with folded weights: the same scores, sooner."""

import jax
import jax.numpy as jnp
from einops import rearrange

from hmhn_jax.models.afb import AFB
from hmhn_jax.models.fold import DeployedWeights, HeadWeights, Layer
from hmhn_jax.models.gwa import attend_planes
from hmhn_jax.models.hmhn import HMHN
from hmhn_jax.models.layers import at_least_float32
from hmhn_jax.models.max_pool import max_pool
from hmhn_jax.models.pointwise_pair import LEAK, pointwise_pair
from hmhn_jax.models.shifted_conv import shifted_conv
from hmhn_jax.models.stem import stem_conv

NHWC = ("NHWC", "HWIO", "NHWC")


def forward(
    model: HMHN, weights: DeployedWeights, images: jax.Array
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Scores face images as `model.apply(variables, images)` does.

    Args:
      model: the network; only its fields count.
      weights: `fold(model, variables)`.
      images: f[B,H,W,3], standardised.

    Returns:
      The scores f32[B] in BDI-II points, and what people look at, as `HMHN` returns them.
    """
    aux = {}
    images = images.astype(model.dtype)
    if model.use_gwa:
        images, aux["grid_weights"] = _low_level(model, weights, images)
    features = aux["features"] = _trunk(weights, images)
    if model.use_mab:
        heads, aux["attention"] = _attend(model, weights.heads, features)
        fused, aux["heads"] = AFB().apply({}, heads)
    else:
        fused = at_least_float32(features).mean(axis=(1, 2))
    output = weights.output
    return (fused.astype(output.kernel.dtype) @ output.kernel)[:, 0] + output.bias, aux


def _low_level(model, weights, images):
    """GWA and DFF: f[B,H,W,C] -> the same, and the grids' weights f32[B,h,w,C]."""
    images = jnp.moveaxis(images, -1, 0)
    first, second = weights.lgfe

    def lgfe(pixels):
        y = pointwise_pair(pixels, first.kernel, first.bias, second.kernel)
        return _leaky_relu(y + second.bias[:, None], LEAK)

    x, grid_weights = attend_planes(images, lgfe, model.grid, model.gwa_softmax_axis)
    if model.use_dff:
        x = _fuse(weights, images, x)
    return jnp.moveaxis(x, 0, -1), rearrange(grid_weights, "C B h w -> B h w C")


def _fuse(weights, images, weighted):
    """DFF: both f[C,B,H,W] -> f[C,B,H,W]."""

    def conv(x, name):
        layer = weights.dff[name]
        return shifted_conv(x, layer.kernel) + layer.bias[:, None, None, None]

    transformed = jax.nn.relu(conv(images, "ft1")) + jax.nn.relu(conv(weighted, "ft2"))
    fused = transformed
    for name in ("fusion1", "fusion2"):
        fused = _leaky_relu(conv(fused, name), weights.slopes[name])
    return jax.nn.sigmoid(conv(fused + transformed, "output"))


def _leaky_relu(x, slope):
    return jnp.where(x >= 0, x, slope * x)


def _trunk(weights, images):
    """f[B,H,W,C] -> f[B,H/32,W/32,8*width]."""
    # Adding a number to a channel and the ReLU keep the order, so they can follow the maximum.
    x = jax.nn.relu(_add(max_pool(stem_conv(images, weights.stem.kernel)), weights.stem.bias))
    for block in weights.blocks:
        strides = 2 if "shortcut" in block else 1
        y = _conv(jax.nn.relu(_conv(x, block["first"], strides)), block["second"])
        if "shortcut" in block:
            x = _dense(x[:, ::2, ::2], block["shortcut"])
        x = jax.nn.relu(x + y)
    return x


def _attend(model: HMHN, weights: HeadWeights, features: jax.Array):
    """MAB: f[B,H,W,C] -> the heads' vectors f[B,K,C] and their spatial maps f[B,K,H,W]."""
    reduced = jnp.split(_dense(features, weights.reduce), model.num_heads, axis=-1)
    reduce = {"sum": jnp.sum, "mean": jnp.mean}[model.spatial_reduce]
    spatial = jnp.stack(
        [
            reduce(jax.nn.relu(_conv(each, layer)), axis=-1)
            for each, layer in zip(reduced, weights.spatial, strict=True)
        ],
        axis=1,
    )
    height, width = features.shape[1:3]
    pooled = jnp.einsum("BKyx,ByxC->BKC", spatial, features) / (height * width)
    squeezed = jnp.einsum("BKC,KCD->BKD", pooled, weights.squeeze.kernel)
    squeezed = jax.nn.relu(squeezed + weights.squeeze.bias[None])
    gate = jnp.einsum("BKD,KDC->BKC", squeezed, weights.excite.kernel)
    return pooled * jax.nn.sigmoid(gate + weights.excite.bias[None]), spatial


def _conv(x: jax.Array, layer: Layer, strides: int = 1) -> jax.Array:
    """f[B,H,W,C] -> f[B,H/strides,W/strides,D], padded as `layers.conv` pads."""
    padding = [((size - 1) // 2, size // 2) for size in layer.kernel.shape[:2]]
    y = jax.lax.conv_general_dilated(
        x, layer.kernel, (strides, strides), padding, dimension_numbers=NHWC
    )
    return _add(y, layer.bias)


def _dense(x: jax.Array, layer: Layer) -> jax.Array:
    """f[B,H,W,C] -> f[B,H,W,D]."""
    return _add(x @ layer.kernel, layer.bias)


def _add(x, bias):
    return x + bias[None, None, None]

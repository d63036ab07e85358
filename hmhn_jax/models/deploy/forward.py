"""Fast inference with folded weights: the same scores as the trained network."""

import jax
import jax.numpy as jnp

from hmhn_jax.models.afb import AFB
from hmhn_jax.models.deploy.low_level import low_level
from hmhn_jax.models.deploy.weights import DeployedWeights, HeadWeights, Layer, WinogradLayer
from hmhn_jax.models.fast.winograd import winograd_conv
from hmhn_jax.models.hmhn import HMHN
from hmhn_jax.models.layers import at_least_float32

NHWC = ("NHWC", "HWIO", "NHWC")

# Up to here an image's features do not fit into the cache several times over.
NUM_LARGE_BLOCKS = 4


def forward(
    model: HMHN, weights: DeployedWeights, images: jax.Array
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Scores images f[B,H,W,3], standardised, as `model.apply(variables, images)` does.

    Of the model only the fields count; the weights are `fold(model, variables)`. Returns the scores
    f32[B], and what people look at, as `HMHN` returns them.
    """
    aux = {}

    def large(images):
        x, grid_weights = low_level(model, weights, images)
        return _blocks(x, weights.blocks[:NUM_LARGE_BLOCKS]), grid_weights

    x, grid_weights = (_one_by_one(large) if weights.for_cpu else large)(images.astype(model.dtype))
    if model.use_gwa:
        aux["grid_weights"] = grid_weights
    features = aux["features"] = _blocks(x, weights.blocks[NUM_LARGE_BLOCKS:])
    if weights.heads is not None:
        heads, aux["attention"] = _attend(model, weights.heads, features)
        fused, aux["heads"] = AFB().apply({}, heads)
    else:
        fused = at_least_float32(features).mean(axis=(1, 2))
    output = weights.output
    return (fused.astype(output.kernel.dtype) @ output.kernel)[:, 0] + output.bias, aux


def _one_by_one(function):
    """Computes image after image, so that intermediate results stay in the cache.

    The cores share each image.
    """

    def one(image):
        return jax.tree.map(lambda batch: batch[0], function(image[None]))

    return lambda images: jax.lax.map(one, images)


def _blocks(x, blocks):
    """Applies blocks of the trunk, f[B,H,W,C] -> f[B,H',W',D]."""
    for block in blocks:
        strides = 2 if "shortcut" in block else 1
        y = _conv(jax.nn.relu(_conv(x, block["first"], strides)), block["second"])
        if "shortcut" in block:
            x = _dense(x[:, ::2, ::2], block["shortcut"])
        x = jax.nn.relu(x + y)
    return x


def _attend(model: HMHN, weights: HeadWeights, features: jax.Array):
    """Applies MAB: f[B,H,W,C] -> the heads' vectors f[B,K,C] and their spatial maps f[B,K,H,W]."""
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


def _conv(x: jax.Array, layer: Layer | WinogradLayer, strides: int = 1) -> jax.Array:
    """Convolves f[B,H,W,C] -> f[B,H/strides,W/strides,D], padded as `layers.conv` pads."""
    if isinstance(layer, WinogradLayer):
        return _add(winograd_conv(x, layer.matrices), layer.bias)
    padding = [((size - 1) // 2, size // 2) for size in layer.kernel.shape[:2]]
    y = jax.lax.conv_general_dilated(
        x, layer.kernel, (strides, strides), padding, dimension_numbers=NHWC
    )
    return _add(y, layer.bias)


def _dense(x: jax.Array, layer: Layer) -> jax.Array:
    """Applies a dense layer, f[B,H,W,C] -> f[B,H,W,D]."""
    return _add(x @ layer.kernel, layer.bias)


def _add(x, bias):
    return x + bias[None, None, None]

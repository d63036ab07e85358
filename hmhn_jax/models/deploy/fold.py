"""Folding of weights for inference: each normalisation becomes part of the layer before it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from hmhn_jax.models.deploy.weights import DeployedWeights, HeadWeights, Layer, WinogradLayer
from hmhn_jax.models.fast.winograd import transform
from hmhn_jax.models.hmhn import HMHN
from hmhn_jax.models.layers import EPSILON


def fold(model: HMHN, variables: Any, for_cpu: bool | None = None) -> DeployedWeights:
    """Folds what is linear at inference into single layers; the network computes the same.

    A normalisation by running statistics scales and shifts each channel, and so becomes part of the
    layer before it. A head's parallel convolutions are added up, so their kernels can be added,
    too, and what all heads begin with stands side by side. Computed in float64 on the host, and
    then rounded to the model's type.

    `variables` are its "params" and "batch_stats"; `for_cpu` says whether the network will run on a
    CPU, None is where JAX computes by default.
    """
    for_cpu = jax.default_backend() == "cpu" if for_cpu is None else for_cpu
    # Transformed pixels need more digits than half precision has.
    winograd = for_cpu and jnp.finfo(model.dtype).bits >= 32
    flat: dict[tuple[str, ...], Any] = {}
    for collection in ("params", "batch_stats"):
        flat |= traverse_util.flatten_dict(variables.get(collection, {}))
    tree = traverse_util.unflatten_dict(flat)
    trunk, dff, dtype = tree["trunk"], tree.get("dff", {}), model.dtype
    # Rounded one after the other, so that not all of it is there in float64.
    return DeployedWeights(
        lgfe=_cast(_lgfe(tree["gwa"]["lgfe"]), dtype) if model.use_gwa else None,
        dff={
            name: _cast(_normalised(dff, f"{name}_conv", f"{name}_bn"), dtype)
            for name in ("ft1", "ft2", "fusion1", "fusion2", "output")
            if dff
        },
        slopes={
            name: _cast(dff[f"{name}_prelu"]["negative_slope"], dtype)
            for name in ("fusion1", "fusion2")
            if dff
        },
        stem=_cast(_normalised(trunk, "stem_conv", "stem_bn"), dtype),
        blocks=tuple(
            _cast(_block(trunk[f"stage{stage}_block{block}"], winograd), dtype)
            for stage in range(1, 5)
            for block in (1, 2)
        ),
        heads=_cast(_heads(model, tree["mab"], winograd), dtype) if model.use_mab else None,
        output=_cast(
            _normalised(tree["regression"], "dense", "output_bn"),
            jnp.promote_types(dtype, jnp.float32),
        ),
        for_cpu=for_cpu,
    )


def _cast(tree, dtype):
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), tree)


def _normalised(tree: dict, layer: str, norm: str) -> Layer:
    """Combines a layer with the normalisation behind it, where there is one."""
    weights, statistics = (
        {name: np.asarray(leaf, np.float64) for name, leaf in tree.get(module, {}).items()}
        for module in (layer, norm)
    )
    kernel, bias = weights["kernel"], weights.get("bias", 0.0)
    if statistics:
        scale = statistics["scale"] / np.sqrt(statistics["var"] + EPSILON)
        kernel, bias = kernel * scale, (bias - statistics["mean"]) * scale + statistics["bias"]
    return Layer(kernel, bias)


def _pointwise(layer: Layer) -> Layer:
    """Reshapes f[1,1,C,D] -> f[C,D]."""
    return layer._replace(kernel=layer.kernel[0, 0])


def _lgfe(tree: dict) -> tuple[Layer, Layer]:
    first, second = (
        _pointwise(_normalised(tree, f"Conv_{index}", f"BatchNorm_{index}")) for index in range(2)
    )
    return first, second


def _block(tree: dict, winograd: bool) -> dict[str, Layer | WinogradLayer]:
    layers = {name: _normalised(tree, f"{name}_conv", f"{name}_bn") for name in ("first", "second")}
    if "shortcut_conv" in tree:
        layers["shortcut"] = _pointwise(_normalised(tree, "shortcut_conv", "shortcut_bn"))
    with_strides = {"first", "shortcut"} if "shortcut" in layers else set()
    return {
        name: _transformed(layer) if winograd and name not in with_strides else layer
        for name, layer in layers.items()
    }


def _transformed(layer: Layer) -> Layer | WinogradLayer:
    """Transforms a 3x3 kernel for `winograd_conv`; others stay as they are."""
    if layer.kernel.shape[:2] != (3, 3):
        return layer
    return WinogradLayer(transform(layer.kernel, 2), layer.bias)


def _heads(model: HMHN, tree: dict, winograd: bool) -> HeadWeights:
    heads = [tree[f"head{index + 1}"] for index in range(model.num_heads)]
    reduce = [_pointwise(_normalised(head, "reduce_conv", "reduce_bn")) for head in heads]
    spatial = [_added_branches(model, head) for head in heads]
    squeeze = [_normalised(head, "squeeze_dense", "squeeze_bn") for head in heads]
    excite = [_normalised(head, "excite_dense", "") for head in heads]
    return HeadWeights(
        reduce=Layer(*(np.concatenate(arrays, axis=-1) for arrays in zip(*reduce, strict=True))),
        spatial=tuple(map(_transformed, spatial) if winograd else spatial),
        squeeze=Layer(*map(np.stack, zip(*squeeze, strict=True))),
        excite=Layer(*map(np.stack, zip(*excite, strict=True))),
    )


def _added_branches(model: HMHN, head: dict) -> Layer:
    """Adds the parallel convolutions up to one, with a kernel as large as the largest of them."""
    kernel: Any = 0.0
    bias: Any = 0.0
    tallest, widest = (max(sizes) for sizes in zip(*model.kernels, strict=True))
    for index, (height, width) in enumerate(model.kernels, start=1):
        name = f"branch{index}_{height}x{width}"
        branch = _normalised(head, f"{name}_conv", f"{name}_bn")
        around = (_around(height, tallest), _around(width, widest), (0, 0), (0, 0))
        kernel = kernel + np.pad(branch.kernel, around)
        bias = bias + branch.bias
    return Layer(kernel, bias)


def _around(size: int, largest: int) -> tuple[int, int]:
    """Counts the zeros before and after a kernel of `size`, centred in the largest."""
    before = (largest - 1) // 2 - (size - 1) // 2
    return before, largest - size - before

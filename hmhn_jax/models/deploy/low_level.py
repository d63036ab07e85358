"""Inference of GWA, DFF and the trunk's first layers: large images, few channels."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from einops import rearrange

from hmhn_jax.models.deploy.weights import DeployedWeights, Layer
from hmhn_jax.models.fast.max_pool import max_pool
from hmhn_jax.models.fast.pointwise_pair import leaky_relu, pointwise_pair
from hmhn_jax.models.fast.shifted_conv import convolve_padded, pad, shifted_conv
from hmhn_jax.models.fast.stem import stem_conv
from hmhn_jax.models.gwa import attend_planes
from hmhn_jax.models.hmhn import HMHN


def low_level(
    model: HMHN, weights: DeployedWeights, images: jax.Array
) -> tuple[jax.Array, jax.Array | None]:
    """Computes everything before the trunk's first block, of images f[B,H,W,3], standardised.

    Returns the pooled features f[B,H/4,W/4,width] and the grids' weights f32[B,h,w,3], None without
    GWA.
    """
    grid_weights = None
    if model.use_gwa:
        images, grid_weights = _attend_and_fuse(model, weights, images)
    # Adding a number to a channel and the ReLU keep the order, so they can follow the maximum.
    pooled = max_pool(stem_conv(images, weights.stem.kernel))
    return jax.nn.relu(pooled + weights.stem.bias[None, None, None]), grid_weights


def _attend_and_fuse(model, weights, images):
    """Applies GWA and DFF: f[B,H,W,C] -> the same, and the grids' weights f32[B,h,w,C]."""
    planes = jnp.moveaxis(images, -1, 0)
    first, second = weights.lgfe

    def lgfe(pixels):
        if weights.for_cpu:  # the hidden channels of one image fit into the cache
            hidden = leaky_relu(first.kernel.T @ pixels + first.bias[:, None])
            y = second.kernel.T @ hidden
        else:
            y = pointwise_pair(pixels, first.kernel, first.bias, second.kernel)
        return leaky_relu(y + second.bias[:, None])

    x, grid_weights = attend_planes(planes, lgfe, model.grid, model.gwa_softmax_axis)
    if model.use_dff:
        x = _fuse(weights, planes, x)
    return jnp.moveaxis(x, 0, -1), rearrange(grid_weights, "C B h w -> B h w C")


def _fuse(weights, planes, weighted):
    """Applies DFF: both f[C,B,H,W] -> f[C,B,H,W]."""
    relu, layers = jax.nn.relu, weights.dff
    conv = _conv_plane_by_plane if weights.for_cpu else _conv
    transformed = conv(planes, layers["ft1"], relu) + conv(weighted, layers["ft2"], relu)
    fused = transformed
    for name in ("fusion1", "fusion2"):
        slope = weights.slopes[name]
        fused = conv(fused, layers[name], lambda y, a=slope: jnp.where(y >= 0, y, a * y))
    return conv(fused + transformed, layers["output"], jax.nn.sigmoid)


def _conv(planes: jax.Array, layer: Layer, activation: Callable) -> jax.Array:
    """Applies a 3x3 convolution and its activation, f[C,B,H,W] -> f[D,B,H,W]."""
    return activation(shifted_conv(planes, layer.kernel) + layer.bias[:, None, None, None])


def _conv_plane_by_plane(planes: jax.Array, layer: Layer, activation: Callable) -> jax.Array:
    """Computes `_conv` in a loop over planes.

    It keeps XLA from computing a convolution again wherever the next one needs a number.
    """
    padded = pad(planes)

    def plane(weights):
        kernel, bias = weights
        return activation(convolve_padded(padded, kernel) + bias)

    return jax.lax.map(plane, (jnp.moveaxis(layer.kernel, -1, 0), layer.bias))

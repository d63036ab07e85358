"""Floating-point operations of the network, counted from its shapes.

A multiply and an add are two. Only matrix products and convolutions count, zero padding included,
as is usual; what lies between is a few per cent at most.
"""

import math
from collections.abc import Sequence

TRAINING = 3  # times forward: the gradients of a layer's input and of its weights cost as much each


def forward(
    image_size: int,
    num_heads: int = 4,
    grid: tuple[int, int] = (3, 3),
    kernels: Sequence[tuple[int, int]] = ((3, 3), (1, 3), (3, 1)),
    width: int = 64,
    lgfe_expansion: int = 16,
    use_gwa: bool = True,
    use_dff: bool = True,
    use_mab: bool = True,
) -> dict[str, int]:
    """Counts the operations of scoring one image, by block.

    Args:
      image_size: S, in pixels.
      num_heads, grid, kernels, width, lgfe_expansion, use_gwa, use_dff, use_mab: as of `HMHN`.

    Returns:
      {"gwa", "dff", "trunk", "heads", "output": number}; 0 of a block that is switched off.
    """
    trunk, side = _trunk(image_size, width)
    features = 8 * width
    taps = sum(height * width for height, width in kernels)
    spatial = 2 * side**2 * features * (features // 2) * (1 + taps)
    channel = 2 * 2 * features * (features // 16)
    return {
        "gwa": use_gwa * _gwa(image_size, grid, lgfe_expansion),
        "dff": use_dff * 5 * 2 * image_size**2 * 9 * 3 * 3,
        "trunk": trunk,
        "heads": use_mab * num_heads * (spatial + channel),
        "output": 2 * features,
    }


def _gwa(size, grid, expansion):
    """Counts the two 1x1 convolutions, and each grid's products of rows with rows (Eq. 4)."""
    rows, columns = grid
    tall, wide = math.ceil(size / rows), math.ceil(size / columns)
    pixels = rows * tall * columns * wide
    return 2 * pixels * 2 * 3 * (3 * expansion) + 2 * 3 * rows * columns * tall**2 * wide


def _trunk(size, width):
    """Counts ResNet-18; also returns the side of its features."""
    side = _half(size)
    count = 2 * side**2 * 7**2 * 3 * width
    side = _half(side)  # the pooling
    channels = width
    for stage in range(4):
        features = width * 2**stage
        if stage:
            side = _half(side)
            count += 2 * side**2 * channels * features  # the shortcut
        count += 2 * side**2 * 9 * (channels * features + 3 * features**2)
        channels = features
    return count, side


def _half(size):
    return math.ceil(size / 2)

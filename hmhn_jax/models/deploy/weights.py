"""Weights for inference, made by `fold` and used by `forward`."""

from typing import Any, NamedTuple

import jax
from flax import struct

Array = Any  # of JAX; while `fold` computes, of NumPy


class Layer(NamedTuple):
    """A convolution or dense layer of C to D channels.

    Attributes:
      kernel: f[h,w,C,D] of a convolution, f[C,D] of a 1x1 convolution or a dense layer.
      bias: f[D].
    """

    kernel: Array
    bias: Array


class WinogradLayer(NamedTuple):
    """A 3x3 convolution with stride 1, for `winograd_conv`: matrices f[16,C,D] and bias f[D]."""

    matrices: Array
    bias: Array


@struct.dataclass
class HeadWeights:
    """All K attention heads.

    Attributes:
      reduce: the 1x1 convolutions C to C/2 side by side, a `Layer` of C to K*C/2.
      spatial: of each head a convolution of C/2 to C, its parallel ones in one.
      squeeze: a `Layer` of C to C/16 with K as first axis.
      excite: a `Layer` of C/16 to C with K as first axis.
    """

    reduce: Layer
    spatial: tuple[Layer | WinogradLayer, ...]
    squeeze: Layer
    excite: Layer


@struct.dataclass
class DeployedWeights:
    """Weights of `deploy.forward`; None or empty where a block is switched off.

    Attributes:
      lgfe: both 1x1 convolutions.
      dff: the five convolutions by their names in `DFF`.
      slopes: of its PReLUs, by name.
      stem: the trunk's first convolution.
      blocks: the trunk's eight blocks, each {"first", "second" and maybe "shortcut": layer}.
      heads: of MAB.
      output: the last layer, in at least float32.
      for_cpu: whether to compute in the ways that suit a CPU.
    """

    lgfe: tuple[Layer, Layer] | None
    dff: dict[str, Layer]
    slopes: dict[str, jax.Array]
    stem: Layer
    blocks: tuple[dict[str, Layer | WinogradLayer], ...]
    heads: HeadWeights | None
    output: Layer
    for_cpu: bool = struct.field(pytree_node=False)

"""Names and layouts of our weights in PyTorch.

Two namings are known: that of torchvision's ResNet-18, for the trunk, and that of DAN
(Wen et al. 2023, the network MAB and AFB are taken from), for the trunk, heads and output.
"""

import dataclasses
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from flax import traverse_util

NAMINGS = ("dan", "torchvision")

_LEAVES = {"kernel": "weight", "scale": "weight", "bias": "bias"} | {
    name: f"running_{name}" for name in ("mean", "var")
}
_TRUNK = {"stem_conv": "conv1", "stem_bn": "bn1"}
_BLOCK = {
    "first_conv": "conv1",
    "first_bn": "bn1",
    "second_conv": "conv2",
    "second_bn": "bn2",
    "shortcut_conv": "downsample.0",
    "shortcut_bn": "downsample.1",
}
_HEAD = {
    "reduce_conv": "sa.conv1x1.0",
    "reduce_bn": "sa.conv1x1.1",
    "squeeze_dense": "ca.attention.0",
    "squeeze_bn": "ca.attention.1",
    "excite_dense": "ca.attention.3",
}
_OUTPUT = {"dense": "fc", "output_bn": "bn"}
# DAN cuts torchvision's network into a list.
_TRUNK_IN_DAN = dict(
    zip(("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"), "014567", strict=True)
)


@dataclasses.dataclass(frozen=True)
class Weight:
    """One array of ours, as PyTorch names and lays it out.

    Attributes:
      path: in our variables, such as ("params", "trunk", "stem_conv", "kernel").
      part: "trunk", "heads" or "output".
      shape: in PyTorch: OIHW for a convolution, output before input for a linear layer.
    """

    path: tuple[str, ...]
    part: str
    shape: tuple[int, ...]


def weights_of(variables: Any, naming: str) -> dict[str, Weight]:
    """Returns every array of our trunk, heads and output by its name in PyTorch.

    `variables` may be of `jax.ShapeDtypeStruct`; `naming` is one of `NAMINGS`, in which the names
    of heads and output are the same. The trunk comes first; GWA and DFF have no names in PyTorch.
    """
    flat = traverse_util.flatten_dict(variables)
    modules = _module_names(dict.fromkeys(path[1:-1] for path in flat), naming)
    weights = {}
    for part in ("trunk", "heads", "output"):
        for path, array in flat.items():
            name = modules.get(path[1:-1])
            if name is None or part_of(name) != part:
                continue
            shape = tuple(np.transpose(np.empty(array.shape, "?"), _axes(array.ndim)).shape)
            weights[f"{name}.{_LEAVES[path[-1]]}"] = Weight(path, part, shape)
    return weights


def part_of(name: str) -> str:
    """Returns the part ("trunk", "heads" or "output") that a name in PyTorch belongs to."""
    if name.startswith("cat_head"):
        return "heads"
    return "output" if name.split(".")[0] in ("fc", "bn") else "trunk"


def naming_of(names: Iterable[str]) -> str:
    """Returns which of `NAMINGS` these names follow."""
    return "dan" if any(name.startswith("features.") for name in names) else "torchvision"


def to_torch(array: np.ndarray) -> np.ndarray:
    """Transposes our kernel (HWIO or input before output) to PyTorch's layout; others stay."""
    return np.transpose(array, _axes(array.ndim))


def from_torch(array: np.ndarray) -> np.ndarray:
    """Inverts `to_torch`."""
    return np.transpose(array, np.argsort(_axes(array.ndim)))


def _axes(ndim):
    return {4: (3, 2, 0, 1), 2: (1, 0)}.get(ndim, tuple(range(ndim)))


def _module_names(modules, naming):
    names = {}
    for path in modules:
        match path:
            case ("trunk", layer):
                name = _TRUNK[layer]
            case ("trunk", block, layer):
                stage, number = map(int, re.findall(r"\d+", block))
                name = f"layer{stage}.{number - 1}.{_BLOCK[layer]}"
            case ("mab", head, layer):
                name = f"cat_head{int(head.removeprefix('head')) - 1}.{_head_name(layer, modules)}"
            case ("regression", layer):
                name = _OUTPUT[layer]
            case _:
                continue
        if path[0] == "trunk" and naming == "dan":
            first, *rest = name.split(".")
            name = ".".join(["features", _TRUNK_IN_DAN[first], *rest])
        names[path] = name
    return names


def _head_name(layer, modules):
    if layer in _HEAD:
        return _HEAD[layer]
    index, size, kind = re.fullmatch(r"branch(\d+)_(\d+x\d+)_(conv|bn)", layer).groups()
    # DAN has every size once; of several branches of one size the later ones get a number.
    earlier = {f"branch{number}_{size}_{kind}" for number in range(1, int(index))}
    suffix = f"_{index}" if any(path[-1] in earlier for path in modules) else ""
    return f"sa.conv_{size}{suffix}.{0 if kind == 'conv' else 1}"

"""Weights from PyTorch and back: a ResNet-18's trunk, or the trunk and heads of DAN."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import traverse_util

from hmhn_jax.base.errors import UserError
from hmhn_jax.interop import torch_files, torch_names
from hmhn_jax.interop.torch_names import Weight

_SHOWN = 3  # of many wrong names


@dataclasses.dataclass(frozen=True)
class Loaded:
    """The parts taken from a state dict.

    Attributes:
      file, sha256: its path as it was given, and its content's; None for one in memory.
      parts: "trunk", and "heads" and "output" where they were taken.
      notes: what was not taken and why, a line each.
    """

    file: str | None
    sha256: str | None
    parts: tuple[str, ...]
    notes: tuple[str, ...]


def load(
    source: str | os.PathLike | Mapping[str, Any], variables: Any
) -> tuple[dict[str, Any], Loaded]:
    """Loads PyTorch's weights into the network's variables; also returns what was taken.

    Args:
      source: a .pth or .pt file, or a dict of tensors or arrays, named as torchvision's ResNet-18
        or as DAN; docs/use/torch_weights.md lists the names.
      variables: {"params", "batch_stats"} of `HMHN`. They give shapes and types; what is not in
        the source (GWA, DFF, maybe heads and output) keeps its value.

    Raises:
      UserError: when PyTorch is not installed, when the file cannot be read as weights, and when
        weights are missing, unexpected, of another shape or not finite.
    """
    file, sha256, content = None, None, source
    if not isinstance(source, Mapping):
        file = os.fspath(source)
        content, sha256 = torch_files.read(Path(source))
    described = file or "the state dict"
    state = torch_files.state_dict(content, described)
    weights = torch_names.weights_of(variables, torch_names.naming_of(state))
    parts, notes = _choose_parts(state, weights)
    wanted = {name: weight for name, weight in weights.items() if weight.part in parts}
    state = {name: array for name, array in state.items() if torch_names.part_of(name) in parts}
    flat = traverse_util.flatten_dict(variables)
    with np.errstate(over="ignore"):  # what overflows is found to be infinite
        state = {
            name: array.astype(flat[wanted[name].path].dtype) if name in wanted else array
            for name, array in state.items()
        }
    _check(state, wanted, described)
    for name, weight in wanted.items():
        flat[weight.path] = torch_names.from_torch(state[name])
    return traverse_util.unflatten_dict(flat), Loaded(file, sha256, parts, notes)


def export(variables: Any, naming: str = "dan") -> dict[str, np.ndarray]:
    """Returns the network's weights under PyTorch's names, in PyTorch's layout.

    The naming "dan" is of trunk, heads and output, "torchvision" of the trunk alone. GWA and DFF
    have no names in PyTorch and are left out.
    """
    flat = traverse_util.flatten_dict(jax.device_get(variables))
    return {
        name: np.ascontiguousarray(torch_names.to_torch(np.asarray(flat[weight.path])))
        for name, weight in torch_names.weights_of(variables, naming).items()
        if naming == "dan" or weight.part == "trunk"
    }


def save(path: Path, variables: Any, naming: str = "dan") -> None:
    """Writes `export`'s weights as a file for `torch.load`, whole or, raising UserError, not."""
    torch_files.write(path, export(variables, naming))


def _choose_parts(state, weights):
    """Returns the parts to take, and notes on those that are not used."""
    ours = {weight.part for weight in weights.values()}
    theirs = {torch_names.part_of(name) for name in state}
    parts, notes = ["trunk"], []
    if "heads" in theirs:
        if "heads" in ours:
            parts.append("heads")
        else:
            notes.append("its heads are not used: this network has none")
    if "output" in theirs:
        last = state.get("fc.weight", np.zeros((1, 1)))
        if last.ndim == 2 and len(last) != 1:
            notes.append(f"its last layer is not used: it has {len(last)} outputs, ours has 1")
        elif ("heads" in theirs) != ("heads" in ours):
            notes.append("its last layer is not used: it does not follow the same layers as ours")
        elif (theirs_is_normalised := _is_normalised(state)) != _is_normalised(weights):
            have, other = ("a", "none") if theirs_is_normalised else ("no", "one")
            notes.append(
                f"its last layer is not used: it has {have} batch normalisation (bn), ours has "
                f"{other}; config.model.use_output_norm={theirs_is_normalised} takes it"
            )
        else:
            parts.append("output")
    return tuple(parts), tuple(notes)


def _is_normalised(names):
    return any(name.startswith("bn.") for name in names)


def _check(state: dict[str, np.ndarray], wanted: dict[str, Weight], described: str) -> None:
    both = [name for name in wanted if name in state]
    faults = {
        "missing": [name for name in wanted if name not in state],
        "unexpected": [name for name in state if name not in wanted],
        "of another shape": [
            f"{name} expected {wanted[name].shape}, got {state[name].shape}"
            for name in both
            if state[name].shape != wanted[name].shape
        ],
        "not finite": [name for name in both if not np.isfinite(state[name]).all()],
        "negative": [
            name for name in both if name.endswith("running_var") and (state[name] < 0).any()
        ],
    }
    listed = [
        f"{len(names)} {fault} ({_shorten(names)})" for fault, names in faults.items() if names
    ]
    if listed:
        hint = ""
        first = next(name for name in wanted if wanted[name].path[2] == "stem_conv")
        if first in state and state[first].shape[:1] != wanted[first].shape[:1]:
            hint = f"; its first layer is of --config.model.width={state[first].shape[0]}"
        raise UserError(f"cannot use the weights in {described}: {'; '.join(listed)}{hint}")


def _shorten(names):
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")

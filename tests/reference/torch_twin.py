"""PyTorch HMHN of torch_hmhn.py and the package's own, with the same random weights."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import traverse_util
from torch import nn
from torch_hmhn import TorchHMHN

from hmhn_jax.interop import torch_names, torch_weights
from hmhn_jax.models import HMHN

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)

# The package's names for what is not in DAN; torch_names knows the others.
LAYERS = {
    ("gwa", "lgfe", "Conv_0"): "gwa.lgfe.0",
    ("gwa", "lgfe", "BatchNorm_0"): "gwa.lgfe.1",
    ("gwa", "lgfe", "Conv_1"): "gwa.lgfe.3",
    ("gwa", "lgfe", "BatchNorm_1"): "gwa.lgfe.4",
    ("dff", "ft1_conv"): "dff.ft1.0",
    ("dff", "ft1_bn"): "dff.ft1.1",
    ("dff", "ft2_conv"): "dff.ft2.0",
    ("dff", "ft2_bn"): "dff.ft2.1",
    ("dff", "fusion1_conv"): "dff.fusion.0",
    ("dff", "fusion1_bn"): "dff.fusion.1",
    ("dff", "fusion1_prelu"): "dff.fusion.2",
    ("dff", "fusion2_conv"): "dff.fusion.3",
    ("dff", "fusion2_bn"): "dff.fusion.4",
    ("dff", "fusion2_prelu"): "dff.fusion.5",
    ("dff", "output_conv"): "dff.out",
}
LEAVES = {
    "kernel": "weight",
    "scale": "weight",
    "negative_slope": "weight",
    "bias": "bias",
    "mean": "running_mean",
    "var": "running_var",
}


@dataclasses.dataclass(frozen=True)
class Twin:
    """Two networks that should compute the same.

    Attributes:
      torch: the PyTorch network.
      flax: the package's.
      variables: of the package's, as arrays.
      names: {path in the variables: name in PyTorch's state dict}, every one once.
    """

    torch: TorchHMHN
    flax: HMHN
    variables: dict
    names: dict


def make_twin(dtype="float32", seed=0, **fields) -> Twin:
    """Makes both networks with these fields, nothing in them at its initial value."""
    module = randomise(TorchHMHN(dropout_rate=0.0, **fields), seed).to(getattr(torch, dtype))
    model = HMHN(dropout_rate=0.0, dtype=jnp.dtype(dtype), **fields)
    shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 64, 64, 3)))
    names = weight_names(shapes)
    state = {
        name: tensor.detach().numpy()
        for name, tensor in module.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    assert sorted(names.values()) == sorted(state)

    empty = jax.tree.map(lambda leaf: np.full(leaf.shape, np.nan, dtype), shapes)
    dan = {name: array for name, array in state.items() if name.split(".")[0] not in ("gwa", "dff")}
    variables, _ = torch_weights.load(dan, empty)
    flat = traverse_util.flatten_dict(variables)
    for path, array in as_ours(names, state).items():
        if path[1] in ("gwa", "dff"):
            assert array.shape == flat[path].shape, path
            flat[path] = array
    variables = jax.tree.map(jnp.array, traverse_util.unflatten_dict(flat))
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(variables))
    return Twin(module, model, variables, names)


def weight_names(shapes) -> dict:
    """Returns {path in our variables: name in PyTorch's state dict}."""
    dan = torch_names.weights_of(shapes, "dan")
    names = {weight.path: name for name, weight in dan.items()}
    for path in traverse_util.flatten_dict(shapes):
        if path[1:-1] in LAYERS:
            names[path] = f"{LAYERS[path[1:-1]]}.{LEAVES[path[-1]]}"
    return names


def as_ours(names, state) -> dict:
    """Converts those arrays under PyTorch's names that are there to {path: array} in our layout."""
    ours = {
        path: torch_names.from_torch(state[name]) for path, name in names.items() if name in state
    }
    # PyTorch's one slope a layer is an array of one, ours a number.
    return {path: a[0] if path[-1] == "negative_slope" else a for path, a in ours.items()}


def randomise(module, seed):
    """Sets weights, biases, slopes and running statistics; the latter near what images give."""
    generator = torch.Generator().manual_seed(seed)
    norms = [layer for layer in module.modules() if isinstance(layer, BATCH_NORMS)]
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                fan_in = layer.weight[0].numel()
                layer.weight.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
            if isinstance(layer, BATCH_NORMS):
                layer.weight.uniform_(0.5, 1.5, generator=generator)
                layer.momentum = 1.0  # the next batch alone counts
            if isinstance(layer, nn.PReLU):
                layer.weight.uniform_(0.1, 0.4, generator=generator)
            if getattr(layer, "bias", None) is not None:
                layer.bias.normal_(0, 0.3, generator=generator)
        if module.bn is not None:  # it starts at the training scores' spread and mean
            module.bn.weight.fill_(12.0)
            module.bn.bias.fill_(17.0)
        module.train()(torch.randn(8, 3, 64, 64, generator=generator))
        for layer in norms:
            layer.momentum = 0.1
            spread = layer.running_var.sqrt()
            layer.running_mean += 0.3 * spread * torch.randn(spread.shape, generator=generator)
            layer.running_var *= 0.5 + torch.rand(spread.shape, generator=generator)
    return module

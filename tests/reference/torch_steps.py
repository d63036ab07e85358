"""Record of training steps by PyTorch, in `torch_steps.npz`, for machines without PyTorch.

    PYTHONPATH=.:tests/reference:tests/support python tests/reference/torch_steps.py

writes the file again, where PyTorch is installed. tests/training/test_torch_steps.py compares the
package with it everywhere and, where PyTorch is installed, the file with PyTorch.
"""

import itertools
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_suffix(".npz")
FIELDS = {"num_heads": 2, "width": 4, "lgfe_expansion": 2}
NUM_STEPS = 20
WEIGHT_DECAY = 0.01
# At the paper's rate rounding errors grow from step to step, see test_torch_steps.py.
LEARNING_RATES = {"float32": 1e-4, "float64": 1e-3}
SEPARATOR = "/"


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """Draws images f32[8,64,64,3] and scores f64[8] of each step, the same with every NumPy."""
    rng = np.random.RandomState(2)
    return [
        (rng.normal(size=(8, 64, 64, 3)).astype("float32"), rng.randint(0, 64, 8).astype("float64"))
        for _ in range(NUM_STEPS)
    ]


def take() -> dict[str, np.ndarray]:
    """Trains by PyTorch, in double precision.

    Returns:
      By name, PATH being a path in the package's variables:
        variables/PATH: f32, before the first step.
        scores, features, ...: f64, what the network in evaluation gives for the first images.
        grads/PATH, batch_stats/PATH: f64, of and after the first step.
        counts/PATH: of how many numbers each running variance is, i64[].
        undone: paths of the biases that a batch normalisation takes off again.
        losses/DTYPE: f64[NUM_STEPS], at the learning rate of that dtype.
    """
    from torch_twin import make_twin

    made = {}
    for dtype, learning_rate in LEARNING_RATES.items():
        twin = make_twin(**FIELDS)
        if not made:
            made |= _joined("variables", _flat(twin.variables)) | _evaluated(twin)
        first, losses = _steps(twin, learning_rate)
        made |= first | {f"losses/{dtype}": losses}
    return made


def _evaluated(twin):
    import torch

    images, _ = batches()[0]
    with torch.no_grad():
        scores, aux = twin.torch.double().eval()(_nchw(images))
    channels_last = {"grid_weights", "features"}
    outputs = {
        name: tensor.permute(0, 2, 3, 1) if name in channels_last else tensor
        for name, tensor in ({"scores": scores} | aux).items()
        if name not in ("fused", "vectors")  # which the package does not return
    }
    return {f"outputs/{name}": tensor.numpy() for name, tensor in outputs.items()}


def _steps(twin, learning_rate):
    import torch
    from torch_hmhn import total_loss
    from torch_twin import BATCH_NORMS, as_ours

    module = twin.torch.double().train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=learning_rate, weight_decay=WEIGHT_DECAY)
    counts, losses, first = {}, [], {}
    for layer, norm in module.named_modules():
        if isinstance(norm, BATCH_NORMS):
            norm.register_forward_hook(
                lambda norm, inputs, _, name=f"{layer}.running_var": counts.update(
                    {name: inputs[0].numel() // norm.num_features}
                )
            )
    for images, scores in batches():
        predictions, aux = module(_nchw(images))
        loss = total_loss(predictions, aux, torch.from_numpy(scores))
        optimizer.zero_grad()
        loss.backward()
        if not losses:
            grads = {name: tensor.grad.numpy() for name, tensor in module.named_parameters()}
            stats = {
                name: tensor.numpy()
                for name, tensor in module.named_buffers()
                if not name.endswith("num_batches_tracked")
            }
            for kind, arrays in (("grads", grads), ("batch_stats", stats)):
                first |= _joined(kind, as_ours(twin.names, arrays))
            first = {name: array.copy() for name, array in first.items()}
        optimizer.step()
        losses.append(loss.item())
    first |= _joined(
        "counts",
        {path: np.array(counts[name]) for path, name in twin.names.items() if name in counts},
    )
    undone = _undone_biases(module)
    paths = [SEPARATOR.join(path) for path, name in twin.names.items() if name in undone]
    return first | {"undone": np.array(sorted(paths))}, np.array(losses)


def _undone_biases(module):
    """Lists biases that a batch normalisation cancels: nothing depends on them."""
    from torch import nn
    from torch_twin import BATCH_NORMS

    names = ["fc.bias"]
    for name, layer in module.named_modules():
        children = list(layer.named_children()) if isinstance(layer, nn.Sequential) else []
        names += [
            f"{name}.{before}.bias"
            for (before, child), (_, after) in itertools.pairwise(children)
            if isinstance(after, BATCH_NORMS) and getattr(child, "bias", None) is not None
        ]
    return names


def _nchw(images):
    import torch

    return torch.from_numpy(images.transpose(0, 3, 1, 2)).double()


def _flat(tree):
    from flax import traverse_util

    return {path: np.asarray(leaf) for path, leaf in traverse_util.flatten_dict(tree).items()}


def _joined(kind, by_path):
    return {SEPARATOR.join((kind, *path)): array for path, array in by_path.items()}


def read() -> dict[str, np.ndarray]:
    """Reads what `take` returned from the file."""
    with np.load(PATH) as file:
        return dict(file)


def of_kind(recorded: dict[str, np.ndarray], kind: str) -> dict[tuple[str, ...], np.ndarray]:
    """Returns {path: array} of all KIND/PATH."""
    split = {tuple(name.split(SEPARATOR)): array for name, array in recorded.items()}
    return {path[1:]: array for path, array in split.items() if path[0] == kind}


if __name__ == "__main__":
    np.savez_compressed(PATH, **take())
    print(f"{PATH}: {PATH.stat().st_size / 1e6:.1f} MB")

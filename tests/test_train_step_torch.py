"""Training steps do what PyTorch's autograd and AdamW do with an independent network.

Both start from the same random weights and see the same batches, with augmentation and dropout
off, at the rate, decay and losses of configs/avec2014.py; gradients are not clipped and the rate
stays. At the paper's rate of 1e-3 rounding errors grow from step to step on these images: after 20
steps float32 is some per cent away. So float64 holds that rate, and float32, in which people train,
a tenth of it.

PyTorch computes in float64 throughout: its own float32 gradients are up to several per cent off
here, as a number that rounding moves to the other side of a ReLU changes them at once.
"""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from flax import traverse_util
from torch import nn
from torch_hmhn import total_loss
from torch_twin import BATCH_NORMS, Twin, as_ours, make_twin

from configs import avec2014
from hmhn_jax import config as config_lib
from hmhn_jax import devices, train_step

NUM_STEPS = 20


@dataclasses.dataclass(frozen=True)
class Steps:
    """What one of the two did; arrays by their paths in the package's variables.

    Attributes:
      losses: f64[NUM_STEPS].
      grads: of the first step.
      batch_stats: after the first step.
    """

    losses: np.ndarray
    grads: dict
    batch_stats: dict


@dataclasses.dataclass(frozen=True)
class Run:
    """The steps of both from one start; `counts` are the numbers each running variance is of."""

    dtype: str
    twin: Twin
    ours: Steps
    theirs: Steps
    counts: dict


@pytest.fixture(scope="module", params=[("float32", 1e-4), ("float64", 1e-3)], ids=lambda p: p[0])
def run(request):
    dtype, learning_rate = request.param
    config = avec2014.get_config()
    config.augment = dict.fromkeys(config.augment, 0.0)
    config.optimizer.learning_rate = learning_rate
    config.optimizer.clip_norm = 0.0
    config.optimizer.plateau_factor = 1.0
    rng = np.random.default_rng(0)
    batches = [
        (rng.normal(size=(8, 64, 64, 3)).astype("float32"), rng.integers(0, 64, 8).astype(dtype))
        for _ in range(NUM_STEPS)
    ]
    with jax.enable_x64(dtype == "float64"), pytest.MonkeyPatch.context() as patch:
        # What is done to images before they reach the network has tests of its own.
        patch.setattr(train_step, "augment", lambda images, keys, settings: images)
        patch.setattr(train_step, "standardise", lambda images: images)
        twin = make_twin(dtype, num_heads=2, width=4, lgfe_expansion=2)
        ours = flax_steps(twin, config, batches)
    theirs, counts = torch_steps(twin, config.optimizer, batches)
    return Run(dtype, twin, ours, theirs, counts)


def flat(tree):
    return {path: np.asarray(leaf) for path, leaf in traverse_util.flatten_dict(tree).items()}


def flax_steps(twin, config, batches):
    optimizer = train_step.make_optimizer(config.optimizer, steps_per_epoch=1, num_steps=NUM_STEPS)
    model = twin.flax.clone(axis_name=devices.AXIS)
    augmentation = config_lib.augment_settings(config)
    step = devices.parallel_step(
        train_step.make_train_step(model, optimizer, augmentation, config.loss, seed=0),
        donate_state=False,
    )
    opt_state = optimizer.init(twin.variables["params"])
    state = train_step.TrainState(jnp.zeros((), jnp.int32), twin.variables, opt_state)
    states, losses = [devices.replicate(state)], []
    for images, scores in batches:
        state, metrics = step(states[-1], devices.split_batch({"images": images, "scores": scores}))
        states.append(state)
        losses.append(float(metrics["loss"]))
    # After one step AdamW's first moment is a tenth of the gradient.
    moments = flat({"params": optax.tree_utils.tree_get(states[1].opt_state, "mu")})
    grads = {path: 10 * moment for path, moment in moments.items()}
    stats = {p: leaf for p, leaf in flat(states[1].variables).items() if p[0] == "batch_stats"}
    return Steps(np.array(losses), grads, stats)


def torch_steps(twin, settings, batches):
    module = twin.torch.double().train()
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    counts, losses = {}, []
    for layer, norm in module.named_modules():
        if isinstance(norm, BATCH_NORMS):
            norm.register_forward_hook(
                lambda norm, inputs, _, name=f"{layer}.running_var": counts.update(
                    {name: inputs[0].numel() // norm.num_features}
                )
            )
    for images, scores in batches:
        predictions, aux = module(torch.from_numpy(images.transpose(0, 3, 1, 2)).double())
        loss = total_loss(predictions, aux, torch.from_numpy(scores).double())
        optimizer.zero_grad()
        loss.backward()
        if not losses:
            grads = {name: tensor.grad.numpy() for name, tensor in module.named_parameters()}
            grads = {path: array.copy() for path, array in as_ours(twin.names, grads).items()}
            stats = {
                name: tensor.numpy()
                for name, tensor in module.named_buffers()
                if not name.endswith("num_batches_tracked")
            }
            stats = {path: array.copy() for path, array in as_ours(twin.names, stats).items()}
        optimizer.step()
        losses.append(loss.item())
    counts = {path: counts[name] for path, name in twin.names.items() if name in counts}
    return Steps(np.array(losses), grads, stats), counts


def undone_biases(module):
    """Names of biases that a batch normalisation takes off again: nothing depends on them."""
    names = ["fc.bias"]
    for name, layer in module.named_modules():
        children = list(layer.named_children()) if isinstance(layer, nn.Sequential) else []
        names += [
            f"{name}.{before}.bias"
            for (before, child), (_, after) in itertools.pairwise(children)
            if isinstance(after, BATCH_NORMS) and getattr(child, "bias", None) is not None
        ]
    return names


def size(array):
    return float(np.linalg.norm(np.asarray(array, np.float64)))


def test_gradient_of_every_parameter(run):
    rtol = {"float32": 1e-3, "float64": 1e-9}[run.dtype]
    undone = undone_biases(run.twin.torch)
    assert len(undone) == 2 + 4 + 2 * 5 + 1  # of LGFE, DFF, the heads, the output
    errors = {}
    for path, theirs in run.theirs.grads.items():
        scale = size(theirs)
        if run.twin.names[path] in undone:
            # The true gradient is 0; the layer's kernel says what is small.
            scale = size(run.theirs.grads[*path[:-1], "kernel"])
            assert size(theirs) < 1e-9 * scale
        errors[path] = size(run.ours.grads[path] - theirs) / scale
    assert errors.keys() == run.ours.grads.keys()
    assert {path: error for path, error in errors.items() if not error < rtol} == {}


def test_batch_statistics_after_a_step(run):
    rtol = {"float32": 1e-4, "float64": 1e-10}[run.dtype]
    assert run.ours.batch_stats.keys() == run.theirs.batch_stats.keys()
    before = flat(run.twin.variables)
    for path, theirs in run.theirs.batch_stats.items():
        moved = theirs - 0.9 * before[path]
        if path[-1] == "var":
            # PyTorch divides a running variance by n-1, Flax by n.
            moved = moved * (run.counts[path] - 1) / run.counts[path]
        ours = run.ours.batch_stats[path] - 0.9 * before[path]
        assert size(ours - moved) < rtol * size(moved), path


def test_loss_of_twenty_steps(run):
    rtol = {"float32": 1e-3, "float64": 1e-8}[run.dtype]
    np.testing.assert_allclose(run.ours.losses, run.theirs.losses, rtol=rtol)

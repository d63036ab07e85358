"""Tests that scores and training steps equal an independent PyTorch network's.

Both start from the same random weights and see the same batches, with augmentation and dropout
off, at the rate, decay and losses of configs/avec2014.py; gradients are not clipped and the rate
stays. At the paper's rate of 1e-3 rounding errors grow from step to step on these images: after 20
steps float32 is some per cent away. So float64 holds that rate, and float32, in which people train,
a tenth of it.

PyTorch computes in float64 throughout: its own float32 gradients are up to several per cent off
here, as a number that rounding moves to the other side of a ReLU changes them at once. What it
computed is kept in a file, so that this needs no PyTorch; where it is installed, the file is
compared with it.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch_steps
from flax import traverse_util

from configs import avec2014
from hmhn_jax.input_pipeline.augment import AugmentSettings
from hmhn_jax.models import HMHN
from hmhn_jax.runtime import devices
from hmhn_jax.training import step as train_step


@pytest.fixture(scope="module")
def recorded():
    return torch_steps.read()


@dataclasses.dataclass(frozen=True)
class Steps:
    """Steps of the package; arrays by their paths in its variables.

    Attributes:
      dtype: of the computation.
      outputs: in evaluation, before the first step.
      losses: f64[NUM_STEPS].
      grads: of the first step.
      batch_stats: after the first step.
    """

    dtype: str
    outputs: dict
    losses: np.ndarray
    grads: dict
    batch_stats: dict


@pytest.fixture(scope="module", params=torch_steps.LEARNING_RATES)
def ours(request, recorded):
    dtype = request.param
    config = avec2014.get_config()
    config.augment = dict.fromkeys(config.augment, 0.0)
    assert config.optimizer.weight_decay == torch_steps.WEIGHT_DECAY
    config.optimizer.learning_rate = torch_steps.LEARNING_RATES[dtype]
    config.optimizer.clip_norm = 0.0
    config.optimizer.plateau_factor = 1.0
    with jax.enable_x64(dtype == "float64"), pytest.MonkeyPatch.context() as patch:
        # What is done to images before they reach the network has tests of its own.
        patch.setattr(train_step, "augment", lambda images, keys, settings: images)
        patch.setattr(train_step, "standardise", lambda images: images)
        paths = torch_steps.of_kind(recorded, "variables")
        flat = {path: jnp.asarray(array, dtype) for path, array in paths.items()}
        return take_steps(traverse_util.unflatten_dict(flat), config, dtype)


def flat(tree):
    return {path: np.asarray(leaf) for path, leaf in traverse_util.flatten_dict(tree).items()}


def take_steps(variables, config, dtype):
    model = HMHN(dropout_rate=0.0, dtype=jnp.dtype(dtype), **torch_steps.FIELDS)
    batches = torch_steps.batches()
    scores, aux = jax.jit(model.apply)(variables, batches[0][0].astype(dtype))
    outputs = {name: np.asarray(array) for name, array in ({"scores": scores} | aux).items()}
    optimizer = train_step.make_optimizer(
        config.optimizer, steps_per_epoch=1, num_steps=torch_steps.NUM_STEPS
    )
    step = devices.parallel_step(
        train_step.make_train_step(
            model.clone(axis_name=devices.AXIS),
            optimizer,
            AugmentSettings(**config.augment),
            config.loss,
            seed=0,
        ),
        donate_state=False,
    )
    opt_state = optimizer.init(variables["params"])
    state = train_step.TrainState(jnp.zeros((), jnp.int32), variables, opt_state)
    states, losses = [devices.replicate(state)], []
    for images, scores in batches:
        batch = {"images": images, "scores": scores.astype(dtype)}
        state, metrics = step(states[-1], devices.split_batch(batch))
        states.append(state)
        losses.append(float(metrics["loss"]))
    # After one step AdamW's first moment is a tenth of the gradient.
    moments = flat(optax.tree_utils.tree_get(states[1].opt_state, "mu"))
    grads = {("params", *path): 10 * moment for path, moment in moments.items()}
    stats = {p: leaf for p, leaf in flat(states[1].variables).items() if p[0] == "batch_stats"}
    return Steps(dtype, outputs, np.array(losses), grads, stats)


def size(array):
    return float(np.linalg.norm(np.asarray(array, np.float64)))


def test_scores_and_maps_in_evaluation(ours, recorded):
    theirs = {path[0]: array for path, array in torch_steps.of_kind(recorded, "outputs").items()}
    assert ours.outputs.keys() == theirs.keys()
    rtol = {"float32": 1e-4, "float64": 1e-10}[ours.dtype]
    for name, expected in theirs.items():
        atol = rtol * np.abs(expected).max()
        np.testing.assert_allclose(ours.outputs[name], expected, rtol=0, atol=atol, err_msg=name)


def test_gradient_of_every_parameter(ours, recorded):
    rtol = {"float32": 1e-3, "float64": 1e-9}[ours.dtype]
    grads = torch_steps.of_kind(recorded, "grads")
    undone = {tuple(path.split(torch_steps.SEPARATOR)) for path in recorded["undone"].tolist()}
    assert len(undone) == 2 + 4 + 2 * 5 + 1  # of LGFE, DFF, the heads, the output
    errors = {}
    for path, theirs in grads.items():
        scale = size(theirs)
        if path in undone:
            # The true gradient is 0; the layer's kernel says what is small.
            scale = size(grads[*path[:-1], "kernel"])
            assert size(theirs) < 1e-9 * scale
        errors[path] = size(ours.grads[path] - theirs) / scale
    assert errors.keys() == ours.grads.keys()
    assert {path: error for path, error in errors.items() if not error < rtol} == {}


def test_batch_statistics_after_a_step(ours, recorded):
    rtol = {"float32": 1e-4, "float64": 1e-10}[ours.dtype]
    theirs = torch_steps.of_kind(recorded, "batch_stats")
    counts = torch_steps.of_kind(recorded, "counts")
    before = torch_steps.of_kind(recorded, "variables")
    kept = {path: 0.9 * array.astype(np.float64) for path, array in before.items()}
    stats = {path[1:]: array for path, array in ours.batch_stats.items()}
    assert stats.keys() == {path[1:] for path in theirs}
    for path, expected in theirs.items():
        moved = expected - kept[path]
        if path[-1] == "var":
            # PyTorch divides a running variance by n-1, Flax by n.
            moved = moved * (counts[path] - 1) / counts[path]
        assert size(ours.batch_stats[path] - kept[path] - moved) < rtol * size(moved), path


def test_loss_of_twenty_steps(ours, recorded):
    rtol = {"float32": 1e-3, "float64": 1e-8}[ours.dtype]
    np.testing.assert_allclose(ours.losses, recorded[f"losses/{ours.dtype}"], rtol=rtol)


def test_the_file_is_what_pytorch_computes(recorded):
    pytest.importorskip("torch", reason="PyTorch is not installed: see the extra 'parity'")
    taken = torch_steps.take()
    assert taken.keys() == recorded.keys()
    assert (taken.pop("undone") == recorded["undone"]).all()
    for name, array in taken.items():
        atol = 1e-9 * np.abs(array).max() + 1e-15
        np.testing.assert_allclose(recorded[name], array, rtol=1e-7, atol=atol, err_msg=name)

"""Tests of the training step: equal on any number of devices, and effective."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from ml_collections import ConfigDict

from hmhn_jax.training.step import make_optimizer

# Prints the losses of some steps on random data, with dropout and augmentation on.
LOSSES = """
import json
import jax
import numpy as np
from configs import default
from hmhn_jax.runtime import devices
from hmhn_jax.input_pipeline.augment import AugmentSettings
from hmhn_jax.models import factory
from hmhn_jax.training.step import init_state, make_optimizer, make_train_step

dtype = "float64"
jax.config.update("jax_enable_x64", True)
config = default.get_config()
config.model.width = 4
config.model.lgfe_expansion = 1
config.model.num_heads = 2
config.model.dtype = dtype
model = factory.make_model(
    config, axis_name=devices.AXIS, score_mean=17.0, score_std=12.0
)
optimizer = make_optimizer(config.optimizer, steps_per_epoch=5, num_steps=20)
step = devices.parallel_step(
    make_train_step(model, optimizer, AugmentSettings(**config.augment), config.loss, seed=0)
)
state = init_state(model, optimizer, image_size=32, seed=0)
state = devices.replicate(
    jax.tree.map(lambda leaf: leaf.astype(dtype) if leaf.dtype == np.float32 else leaf, state)
)
rng = np.random.default_rng(0)
losses = []
for _ in range(20):
    images = np.kron(rng.integers(0, 256, (16, 4, 4, 3)), np.ones((1, 8, 8, 1))).astype(np.uint8)
    scores = images.mean(axis=(1, 2, 3)) - 110
    batch = devices.put_batch({"images": images, "scores": scores.astype(dtype)})
    state, metrics = step(state, batch)
    losses.append(float(metrics["loss"]))
print(json.dumps({"losses": losses, "step": int(state.step), "devices": devices.count()}))
"""


# float64 shows that nothing but rounding is different: of rounding errors in float32 each step
# makes several times larger ones.
def test_four_devices_train_like_one(start, on_devices, tmp_path):
    program = tmp_path / "losses.py"
    program.write_text(LOSSES)
    started = {n: start(program=program, environment=on_devices(n)) for n in (1, 4)}
    printed = {n: json.loads(each.wait().stdout) for n, each in started.items()}
    assert {n: each["devices"] for n, each in printed.items()} == {1: 1, 4: 4}
    assert {each["step"] for each in printed.values()} == {20}
    one, four = (np.array(printed[n]["losses"]) for n in (1, 4))
    assert one.max() > 1.2 * one.min()
    np.testing.assert_allclose(four, one, rtol=1e-7)


def settings(**fields):
    return ConfigDict(
        {
            "learning_rate": 0.1,
            "schedule": "constant",
            "warmup_epochs": 0.0,
            "weight_decay": 0.0,
            "clip_norm": 0.0,
            "plateau_factor": 0.1,
            "plateau_patience": 2,
            **fields,
        }
    )


def step_sizes(settings, losses, steps_per_epoch=2):
    """Returns how far a parameter under a constant gradient moves at each step."""
    optimizer = make_optimizer(settings, steps_per_epoch, num_steps=len(losses))
    params = jnp.zeros(())
    state = optimizer.init(params)
    sizes = []
    for loss in losses:
        updates, state = optimizer.update(jnp.ones(()), state, params, value=jnp.asarray(loss))
        params = optax.apply_updates(params, updates)
        sizes.append(-float(updates))
    return np.array(sizes)


def test_rate_is_cut_to_a_tenth_on_a_plateau():
    # Two steps an epoch: the loss falls for two epochs, then stays.
    sizes = step_sizes(settings(), [4.0, 4.0, 3.0, 3.0] + [3.0] * 8)
    np.testing.assert_allclose(sizes[:7], 0.1, rtol=1e-3)
    np.testing.assert_allclose(sizes[-3:-1], 0.01, rtol=1e-3)


def test_factor_one_is_no_reduction():
    sizes = step_sizes(settings(plateau_factor=1.0), [3.0] * 20)
    np.testing.assert_allclose(sizes, 0.1, rtol=1e-3)


def test_rate_stays_while_the_loss_falls():
    sizes = step_sizes(settings(), np.linspace(5.0, 1.0, 20))
    np.testing.assert_allclose(sizes, 0.1, rtol=1e-3)


def test_cosine_schedule_warms_up_and_ends_at_nothing():
    sizes = step_sizes(settings(schedule="cosine", warmup_epochs=2.0), np.linspace(5.0, 1.0, 20))
    assert sizes[0] == 0
    assert np.argmax(sizes) == 4
    assert sizes[4] == pytest.approx(0.1, rel=1e-3)
    assert sizes[-1] < 0.002


def test_gradients_are_clipped():
    optimizer = make_optimizer(settings(clip_norm=1.0), steps_per_epoch=1, num_steps=1)
    params = jnp.zeros(2)
    state = optimizer.init(params)
    # Adam's update forgets the size of the first gradient; its first moment does not.
    _, state = optimizer.update(jnp.array([30.0, 40.0]), state, params, value=jnp.asarray(1.0))
    moments = [
        leaf.mu
        for leaf in jax.tree.leaves(state, is_leaf=lambda x: hasattr(x, "mu"))
        if hasattr(leaf, "mu")
    ]
    np.testing.assert_allclose(moments[0], [0.06, 0.08], rtol=1e-5)

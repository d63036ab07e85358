"""Tests of the training loss against independent computations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmhn_jax.training.losses import mean_squared_error, partition_loss

pytestmark = pytest.mark.pure


def test_mean_squared_error():
    loss = mean_squared_error(jnp.array([1.0, 2.0, 4.0]), jnp.array([1.0, 0.0, 1.0]))
    assert float(loss) == pytest.approx((0 + 4 + 9) / 3)


def test_mean_squared_error_refuses_unequal_shapes():
    with pytest.raises(ValueError, match=r"\(4,\) and \(4, 1\)"):
        mean_squared_error(jnp.zeros(4), jnp.zeros((4, 1)))


@pytest.mark.parametrize("ddof", [0, 1])
def test_partition_loss_equals_numpy(ddof):
    heads = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    total = 0.0
    for sample in range(3):
        for channel in range(5):
            values = heads[sample, :, channel].astype(np.float64)
            variance = ((values - values.mean()) ** 2).sum() / (4 - ddof)
            total += np.log(1 + 4 / (variance + 1e-6))  # the logarithm inside the mean
    assert float(partition_loss(heads, ddof)) == pytest.approx(total / 15, rel=1e-5)


def test_partition_loss_falls_as_heads_diverge():
    heads = jax.random.normal(jax.random.key(0), (2, 4, 8))
    losses = [float(partition_loss(spread * heads)) for spread in (0.0, 0.1, 1.0, 10.0)]
    assert losses == sorted(losses, reverse=True)
    assert np.isfinite(losses[0])  # heads that agree entirely


def test_partition_loss_pushes_heads_apart():
    heads = jnp.array([[[0.0], [0.1], [0.2]]])
    gradient = jax.grad(partition_loss)(heads)[0, :, 0]
    assert gradient[0] > 0 > gradient[2]  # a step downhill moves the ends outwards


def test_partition_loss_of_one_head_is_zero():
    assert float(partition_loss(jnp.ones((2, 1, 3)))) == 0.0


def test_partition_loss_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"\[B, K, C\], got shape \(4, 8\)"):
        partition_loss(jnp.ones((4, 8)))

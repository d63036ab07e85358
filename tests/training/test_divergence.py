"""Tests of training whose numbers stop being finite."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.models import HMHN
from hmhn_jax.training import divergence

pytestmark = pytest.mark.pure


@pytest.fixture(scope="module")
def network():
    """Returns variables of a small network, and forward(params) -> flags of its blocks."""
    model = HMHN(width=4, lgfe_expansion=1, num_heads=2, dropout_rate=0.0)
    images = jax.random.normal(jax.random.key(1), (4, 32, 32, 3))
    variables = jax.jit(model.init)(jax.random.key(0), images)

    @jax.jit
    def flags(params):
        batch_stats = variables["batch_stats"]
        (_, aux), updates = model.apply(
            {"params": params, "batch_stats": batch_stats}, images, True, mutable=["batch_stats"]
        )
        return divergence.forward_flags(updates["batch_stats"], aux)

    return variables["params"], flags


def metrics(**changed):
    """Returns the metrics of a sound step, with some changed."""
    norms = {f"grad_norm/{name}": 1.0 for name in divergence.BLOCKS if name != "afb"}
    flags = {f"finite/{name}": 1.0 for name in divergence.BLOCKS}
    return {"loss": 1.0, "mse": 1.0, "grad_norm": 5**0.5, **norms, **flags} | changed


def test_a_sound_forward_pass_is_finite_everywhere(network):
    params, flags = network
    found = flags(params)
    assert set(found) == {f"finite/{name}" for name in divergence.BLOCKS}
    assert all(found.values())


@pytest.mark.parametrize("block", ["gwa", "dff", "trunk", "mab", "regression"])
def test_the_first_block_that_is_not_finite_is_named(network, block):
    params, flags = network
    spoiled = params | {block: jax.tree.map(lambda leaf: leaf * jnp.nan, params[block])}
    found = metrics(loss=np.nan, **flags(spoiled))
    with pytest.raises(UserError, match=f"step 7: .* first in the forward pass of {block};"):
        divergence.check([metrics(), found], 7)


def test_the_first_gradient_on_the_way_back_is_named():
    bad = metrics(**{"grad_norm": np.inf, "grad_norm/trunk": np.inf, "grad_norm/gwa": np.nan})
    with pytest.raises(UserError, match=r"step 3: .*the gradient of trunk;") as raised:
        divergence.check([metrics(), metrics(), bad, bad], 4)
    assert "checkpoints written before are kept" in str(raised.value)


def test_a_loss_of_finite_numbers_can_still_overflow():
    with pytest.raises(UserError, match=r"first in the loss"):
        divergence.check([metrics(loss=np.inf)], 1)


def test_norms_are_those_of_the_blocks_and_of_all(network):
    params, _ = network
    norms = divergence.gradient_norms(params)
    assert set(norms) == {"grad_norm", *(f"grad_norm/{name}" for name in params)}
    np.testing.assert_allclose(norms["grad_norm"], optax.tree.norm(params), rtol=1e-6)
    np.testing.assert_allclose(norms["grad_norm/mab"], optax.tree.norm(params["mab"]), rtol=1e-6)


def test_a_validation_mae_that_is_not_finite_ends_training():
    divergence.check_validation_mae(4.0, step=12)
    for mae in (float("nan"), float("inf")):
        with pytest.raises(UserError, match=f"step 12: .*finite validation MAE, got {mae}"):
            divergence.check_validation_mae(mae, step=12)

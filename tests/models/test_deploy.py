"""Tests of folded weights: the same scores and maps as the trained network."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from plain_hmhn import plain
from random_networks import random_network

from hmhn_jax.models import HMHN
from hmhn_jax.models.deploy.fold import fold
from hmhn_jax.models.deploy.forward import forward
from hmhn_jax.models.deploy.weights import WinogradLayer

SMALL = {"width": 4, "lgfe_expansion": 2}
STANDARD = ((3, 3), (3, 3), (3, 3))
FIVES = ((1, 5), (5, 5), (5, 1))
SEVENS = ((1, 7), (7, 7), (7, 1))
TWO = ((3, 1), (1, 3))

# Compiled for one run: compiling takes most of the time here.
QUICKLY = {"xla_backend_optimization_level": 0}


def folded(model, variables, images, for_cpu=True):
    """Computes {name: array} with folded weights."""
    compiled = jax.jit(functools.partial(forward, model), compiler_options=QUICKLY)
    return named(*compiled(fold(model, variables, for_cpu), images))


def unfolded(model, variables, images):
    """Computes the same by Flax's own layers."""
    compiled = jax.jit(plain(model).apply, compiler_options=QUICKLY)
    return named(*compiled(variables, images))


def named(scores, aux):
    return {name: np.asarray(array) for name, array in ({"scores": scores} | aux).items()}


def check_equal(ours, theirs, rtol):
    """Asserts that every output agrees to `rtol`, relative to its own size."""
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        atol = rtol * np.abs(expected).max()
        np.testing.assert_allclose(ours[name], expected, rtol=0, atol=atol, err_msg=name)
        if name not in ("grid_weights", "heads"):  # one grid's weight is always 1
            assert np.std(expected, axis=0).max() > 0.001 * np.abs(expected).max(), name


def images_of(height, width, batch=2):
    return np.random.default_rng(0).normal(size=(batch, height, width, 3))


@pytest.mark.parametrize(
    ("size", "for_cpu", "fields"),
    [
        ((64, 64), True, {}),
        ((64, 64), False, {"num_heads": 1, "grid": (1, 1), "kernels": SEVENS}),
        ((97, 83), False, {"grid": (4, 5), "kernels": STANDARD, "spatial_reduce": "sum"}),
        ((67, 49), False, {"grid": (5, 5), "kernels": FIVES, "gwa_softmax_axis": "last"}),
        ((96, 64), True, {"grid": (2, 3), "kernels": TWO, "use_output_norm": False}),
        ((35, 67), False, {"use_gwa": False, "use_dff": False, "use_mab": False}),  # A of Table 3
        ((35, 67), True, {"use_dff": False, "use_mab": False}),  # B
        ((35, 67), False, {"use_mab": False}),  # C
        ((35, 67), False, {"use_gwa": False, "use_dff": False}),  # D
    ],
)
def test_same_numbers_in_double_precision(size, for_cpu, fields):
    with jax.enable_x64(True):
        network = *random_network(dtype="float64", **SMALL | fields), images_of(*size)
        check_equal(folded(*network, for_cpu=for_cpu), unfolded(*network), rtol=1e-10)


def test_single_precision_is_as_good_as_it_gets():
    model, variables = random_network(seed=1, width=16, lgfe_expansion=4)
    images = images_of(97, 83).astype(np.float32)
    ours = folded(model, variables, images)
    with jax.enable_x64(True):
        double = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), variables)
        exact = unfolded(model.clone(dtype=jnp.float64), double, images.astype(np.float64))
    # The log-softmax takes differences of larger numbers; the plain network is 4e-5 off there.
    check_equal({"heads": ours.pop("heads")}, {"heads": exact.pop("heads")}, rtol=1e-4)
    check_equal(ours, exact, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_same_types(dtype):
    model = HMHN(**SMALL, dtype=jnp.dtype(dtype))
    images = jnp.zeros((2, 64, 64, 3))
    variables = jax.eval_shape(model.init, jax.random.key(0), images)
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape), variables)
    weights = fold(model, zeros, for_cpu=True)
    # Half precision has too few digits for Winograd's way.
    assert isinstance(weights.blocks[0]["first"], WinogradLayer) == (dtype == "float32")
    assert {leaf.dtype for leaf in jax.tree.leaves(weights)} == {model.dtype, jnp.dtype("float32")}
    ours = jax.eval_shape(lambda images: forward(model, weights, images), images)
    assert ours == jax.eval_shape(model.apply, variables, images)

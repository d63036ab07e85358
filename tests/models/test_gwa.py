"""Tests of grid-wise attention."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmhn_jax.models import GWA
from hmhn_jax.models.gwa import grid_weights

pytestmark = pytest.mark.pure


def apply(images, seed=0, **fields):
    model = GWA(**{"lgfe_expansion": 2} | fields)
    variables = model.init(jax.random.key(seed), images, train=False)
    return model.apply(variables, images, train=False)


def random_images(seed, shape=(2, 12, 12, 3)):
    return jax.random.normal(jax.random.key(seed), shape)


def test_weights_equal_an_independent_computation():
    features = np.random.default_rng(0).normal(size=(3, 2, 6, 5, 4))
    expected = np.empty((3, 2, 6))
    for sample in range(2):
        for channel in range(3):
            grids = features[channel, sample]
            logits = np.stack([grid @ grid.T / np.sqrt(4) for grid in grids])
            shares = np.exp(logits) / np.exp(logits).sum(axis=0)
            expected[channel, sample] = shares.mean(axis=(1, 2))
    np.testing.assert_allclose(grid_weights(jnp.asarray(features), "grid"), expected, rtol=1e-5)


def test_half_precision_is_not_that_of_the_softmax():
    # The products are sums of many numbers: rounded, they would move the weights by some per cent.
    features = 2 * np.random.default_rng(0).normal(size=(1, 1, 4, 8, 64))
    half = jnp.asarray(features, jnp.bfloat16)
    weights = grid_weights(half, "grid")
    assert weights.dtype == jnp.float32
    np.testing.assert_allclose(weights, grid_weights(half.astype("float32"), "grid"), rtol=1e-5)


def test_literal_softmax_attends_to_nothing():
    # Eq. 4 over the last axis: every row sums to one, so the average of a 4x4 map is 1/4.
    for seed in range(3):
        _, weights = apply(random_images(seed), softmax_axis="last")
        np.testing.assert_allclose(weights, 1 / 4, rtol=1e-5)


def test_softmax_across_grids_depends_on_the_image():
    weights = [apply(random_images(seed))[1] for seed in range(2)]
    assert float(jnp.abs(weights[0] - weights[1]).max()) > 1e-3
    # Weights are shares of one over the grids.
    np.testing.assert_allclose(weights[0].sum(axis=(1, 2)), 1.0, rtol=1e-5)


@pytest.mark.parametrize(("softmax_axis", "depends"), [("grid", True), ("last", False)])
def test_weight_of_a_grid_depends_on_the_other_grids(softmax_axis, depends):
    images = random_images(0)

    def first_weight(images):
        return apply(images, softmax_axis=softmax_axis)[1][0, 0, 0, 0]

    gradient = np.abs(jax.grad(first_weight)(images))
    other_grids = gradient[0].copy()
    other_grids[:4, :4] = 0
    assert (other_grids.max() > 1e-6) == depends
    assert gradient[1].max() == 0  # and never on another image


def test_one_grid_is_no_grid():
    images = random_images(0)
    weighted, weights = apply(images, grid=(1, 1))
    np.testing.assert_allclose(weights, 1.0, rtol=1e-6)
    np.testing.assert_allclose(weighted, images, rtol=1e-6)


@pytest.mark.parametrize(("size", "grid"), [(10, (3, 3)), (7, (2, 2)), (11, (4, 3)), (9, (5, 5))])
def test_weights_lie_over_their_grids_at_any_size(size, grid):
    images = random_images(1, (1, size, size, 3)) + 5
    weighted, weights = apply(images, grid=grid)
    assert weighted.shape == images.shape
    cells = [-(-size // n) for n in grid]
    for y in range(size):
        for x in range(size):
            np.testing.assert_allclose(
                weighted[0, y, x] / images[0, y, x],
                weights[0, y // cells[0], x // cells[1]],
                rtol=1e-4,
            )


def test_grids_share_one_set_of_weights():
    images = random_images(2)
    swapped = jnp.concatenate([images[:, 4:], images[:, :4]], axis=1)
    _, weights = apply(images)
    _, swapped_weights = apply(swapped)
    np.testing.assert_allclose(swapped_weights, jnp.roll(weights, -1, axis=1), rtol=1e-5)


@pytest.mark.parametrize("expansion", [1, 16])
def test_lgfe_widens_by_its_expansion_and_back(expansion):
    images = random_images(0)
    model = GWA(lgfe_expansion=expansion)
    params = jax.eval_shape(lambda: model.init(jax.random.key(0), images, train=False))["params"]
    kernels = [params["lgfe"][name]["kernel"].shape for name in ("Conv_0", "Conv_1")]
    assert kernels == [(1, 1, 3, 3 * expansion), (1, 1, 3 * expansion, 3)]

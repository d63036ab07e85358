"""Tests of DFF, the trunk, MAB and AFB, each by itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmhn_jax.models import AFB, DFF, MAB, AttentionHead, ResNet18
from hmhn_jax.models.afb import Regression, batch_mask
from hmhn_jax.models.resnet import BasicBlock


def normal(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


def init_and_apply(model, *inputs):
    @jax.jit
    def both():
        variables = model.init(jax.random.key(0), *inputs, train=False)
        return variables, model.apply(variables, *inputs, train=False)

    return both()


def test_dff_makes_an_image_of_both_its_inputs():
    image, weighted = normal(0, 1, 8, 8, 3), normal(1, 1, 8, 8, 3)
    variables, fused = init_and_apply(DFF(), image, weighted)
    assert fused.shape == image.shape
    assert 0 < fused.min() < fused.max() < 1

    def centre(image, weighted):
        return DFF().apply(variables, image, weighted, train=False)[0, 4, 4].sum()

    for gradient in jax.grad(centre, argnums=(0, 1))(image, weighted):
        assert np.abs(gradient).max() > 0


def test_dff_starts_its_slopes_as_pytorch_does():
    variables, _ = init_and_apply(DFF(), normal(0, 1, 8, 8, 3), normal(1, 1, 8, 8, 3))
    slopes = [variables["params"][f"{name}_prelu"] for name in ("fusion1", "fusion2")]
    assert [float(slope["negative_slope"]) for slope in slopes] == [0.25, 0.25]


def plain_conv(x, parameters):
    dimensions = ("NHWC", "HWIO", "NHWC")
    y = jax.lax.conv_general_dilated(
        x, parameters["kernel"], (1, 1), "SAME", dimension_numbers=dimensions
    )
    return y + parameters["bias"].reshape(1, 1, 1, -1) if "bias" in parameters else y


NEW_BN = 1 / np.sqrt(1 + 1e-5)  # what a new batch normalisation multiplies by


def test_dff_equals_its_layers_by_hand():
    image, weighted = normal(0, 1, 8, 8, 3), normal(1, 1, 8, 8, 3)
    variables, fused = init_and_apply(DFF(), image, weighted)
    layers = variables["params"]
    total = sum(
        jax.nn.relu(plain_conv(x, layers[f"{name}_conv"]) * NEW_BN)
        for name, x in (("ft1", image), ("ft2", weighted))
    )
    y = total
    for name in ("fusion1", "fusion2"):
        y = plain_conv(y, layers[f"{name}_conv"]) * NEW_BN
        y = jnp.where(y >= 0, y, 0.25 * y)
    expected = jax.nn.sigmoid(plain_conv(y + total, layers["output_conv"]))
    np.testing.assert_allclose(fused, expected, rtol=1e-4)


def test_a_head_equals_its_layers_by_hand():
    features = normal(0, 2, 3, 3, 32)
    variables, (vector, spatial) = init_and_apply(AttentionHead(), features)
    layers = variables["params"]
    reduced = plain_conv(features, layers["reduce_conv"]) * NEW_BN
    branches = ("branch1_3x3", "branch2_1x3", "branch3_3x1")
    total = sum(plain_conv(reduced, layers[f"{name}_conv"]) * NEW_BN for name in branches)
    expected_map = jax.nn.relu(total).mean(axis=-1)  # the branches are added before the ReLU
    np.testing.assert_allclose(spatial, expected_map, rtol=1e-4, atol=1e-6)

    pooled = (features * expected_map[..., None]).mean(axis=(1, 2))
    squeezed = jax.nn.relu(pooled @ layers["squeeze_dense"]["kernel"] * NEW_BN)
    gate = jax.nn.sigmoid(squeezed @ layers["excite_dense"]["kernel"])
    np.testing.assert_allclose(vector, pooled * gate, rtol=1e-4, atol=1e-6)


def test_dff_transforms_its_inputs_with_weights_of_their_own():
    image, weighted = normal(0, 1, 8, 8, 3), normal(1, 1, 8, 8, 3)
    variables, fused = init_and_apply(DFF(), image, weighted)
    swapped = DFF().apply(variables, weighted, image, train=False)
    assert not np.allclose(fused, swapped)


def test_a_basic_block_equals_its_layers_by_hand():
    # The first block without a shortcut convolution, computed with plain convolutions.
    images = normal(0, 1, 32, 32, 3)
    variables, _ = init_and_apply(ResNet18(width=4), images)
    block = variables["params"]["stage1_block1"]
    x = normal(1, 1, 8, 8, 4)

    y = jax.nn.relu(plain_conv(x, block["first_conv"]) * NEW_BN)
    expected = jax.nn.relu(plain_conv(y, block["second_conv"]) * NEW_BN + x)

    own = {collection: tree["stage1_block1"] for collection, tree in variables.items()}
    np.testing.assert_allclose(
        BasicBlock(4).apply(own, x, train=False), expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(("size", "side"), [(32, 1), (33, 2), (96, 3), (224, 7)])
def test_trunk_halves_five_times_rounding_up(size, side):
    images = jax.ShapeDtypeStruct((1, size, size, 3), jnp.float32)
    model = ResNet18(width=4)
    features, _ = jax.eval_shape(
        lambda key, images: model.init_with_output(key, images, train=False),
        jax.random.key(0),
        images,
    )
    assert features.shape == (1, side, side, 32)


def test_spatial_map_as_sum_is_channels_times_the_mean():
    features = normal(0, 2, 3, 3, 32)
    variables, (_, mean_map) = init_and_apply(AttentionHead(), features)
    _, sum_map = AttentionHead(spatial_reduce="sum").apply(variables, features, train=False)
    np.testing.assert_allclose(sum_map, 32 * mean_map, rtol=1e-5)
    assert mean_map.min() >= 0


def test_a_head_pools_the_features_under_its_map():
    features = normal(0, 2, 3, 3, 32)
    _, (vector, spatial) = init_and_apply(AttentionHead(), features)
    pooled = np.einsum("byxc,byx->bc", features, spatial) / 9
    # The channel attention is a gate between 0 and 1 on what was pooled.
    gate = np.asarray(vector) / pooled
    assert gate.min() > 0
    assert gate.max() < 1


def test_heads_are_independent():
    features = normal(0, 1, 3, 3, 32)
    model = MAB(num_heads=3)
    variables, (heads, maps) = init_and_apply(model, features)
    assert heads.shape == (1, 3, 32)
    assert maps.shape == (1, 3, 3, 3)

    def second_head(params):
        return model.apply(variables | {"params": params}, features, train=False)[0][:, 1].sum()

    gradient = jax.grad(second_head)(variables["params"])
    touched = {name for name, tree in gradient.items() if any(map(np.any, jax.tree.leaves(tree)))}
    assert touched == {"head2"}


def test_afb_is_a_log_softmax_over_heads_and_their_sum():
    heads = np.random.default_rng(0).normal(size=(2, 4, 5))
    fused, normalised = AFB().apply({}, jnp.asarray(heads, jnp.float32))
    expected = heads - np.log(np.exp(heads).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(normalised, expected, rtol=1e-4)
    np.testing.assert_allclose(fused, expected.sum(axis=1), rtol=1e-4)


def test_dropout_mask_has_its_rate():
    mask = batch_mask(jax.random.key(0), 0.8, (100, 50), axis_name=None)
    assert float(mask.mean()) == pytest.approx(0.8, abs=0.02)


def test_dropout_is_before_the_last_dense():
    model = Regression(dropout_rate=0.2, use_output_norm=False)
    params = {"dense": {"kernel": jnp.full((1, 1), 4.0), "bias": jnp.full((1,), 10.0)}}
    features = jnp.ones((64, 1))
    scores = model.apply(
        {"params": params}, features, train=True, rngs={"dropout": jax.random.key(0)}
    )
    # Dropped are inputs: what is left of the score is the bias, and never nothing.
    assert set(np.asarray(scores).round(4).tolist()) == {10.0, 15.0}

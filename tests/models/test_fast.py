"""Tests of the faster operations: values and gradients of the plain layers."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import plain_hmhn
import pytest

from hmhn_jax import models
from hmhn_jax.models import HMHN
from hmhn_jax.models.fast.conv_3x3 import conv_3x3
from hmhn_jax.models.fast.fused_batch_norm import normalise
from hmhn_jax.models.fast.max_pool import max_pool
from hmhn_jax.models.fast.pointwise_pair import pointwise_pair
from hmhn_jax.models.fast.shifted_conv import shifted_conv
from hmhn_jax.models.fast.stem import stem_conv
from hmhn_jax.models.fast.winograd import kernel_gradient, transform, winograd_conv
from hmhn_jax.models.layers import EPSILON
from hmhn_jax.models.resnet import BasicBlock

NHWC = ("NHWC", "HWIO", "NHWC")
CNHW = ("CNHW", "HWIO", "CNHW")


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


@pytest.fixture(params=["cpu", "gpu"])
def backend(request, monkeypatch):
    """In whose way it is computed; the CPU knows both."""
    jax.clear_caches()  # of what was traced in the other way
    monkeypatch.setattr(jax, "default_backend", lambda: request.param)
    yield
    jax.clear_caches()


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def assert_equal_with_gradients(fast, plain, *inputs):
    """Asserts equal values, and equal gradients in every input, to 1e-6 of their size."""
    cotangents = normal(99, *jax.eval_shape(plain, *inputs).shape)
    ours, theirs = (
        jax.jit(lambda *inputs, function=function: _with_gradients(function, cotangents, inputs))(
            *inputs
        )
        for function in (fast, plain)
    )
    for our, their in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert our.dtype == their.dtype == jnp.float64
        np.testing.assert_allclose(our, their, rtol=0, atol=1e-6 * np.abs(theirs[0]).max())


def _with_gradients(function, cotangents, inputs):
    outputs, pull_back = jax.vjp(function, *inputs)
    return outputs, pull_back(cotangents)


@pytest.mark.parametrize("size", [(8, 9), (1, 1), (5, 2)])
@pytest.mark.parametrize("channels", [(3, 3), (2, 5)])
@pytest.mark.usefixtures("backend")
def test_shifted_conv_is_a_convolution(size, channels):
    def plain(planes, kernel):
        return jax.lax.conv_general_dilated(planes, kernel, (1, 1), "SAME", dimension_numbers=CNHW)

    planes, kernel = normal(0, channels[0], 2, *size), normal(1, 3, 3, *channels)
    assert_equal_with_gradients(shifted_conv, plain, planes, kernel)


@pytest.mark.parametrize("pixels", [7, 4096, 5000])
@pytest.mark.usefixtures("backend")
def test_pointwise_pair_is_two_convolutions(pixels):
    def plain(planes, first, bias, second):
        return second.T @ nn.leaky_relu(first.T @ planes + bias[:, None])

    inputs = normal(0, 3, pixels), normal(1, 3, 30), normal(2, 30), normal(3, 30, 2)
    assert_equal_with_gradients(pointwise_pair, plain, *inputs)


@pytest.mark.parametrize("size", [(8, 8), (9, 12), (7, 5), (1, 1)])
def test_stem_is_a_convolution(size):
    def plain(images, kernel):
        return jax.lax.conv_general_dilated(
            images, kernel, (2, 2), ((3, 3), (3, 3)), dimension_numbers=NHWC
        )

    assert_equal_with_gradients(stem_conv, plain, normal(0, 2, *size, 3), normal(1, 7, 7, 3, 4))


def plain_conv_3x3(x, kernel):
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=NHWC)


@pytest.mark.parametrize("tile", [2, 4])
@pytest.mark.parametrize("size", [(8, 8), (9, 12), (7, 5), (1, 1)])
def test_winograds_is_a_convolution(size, tile):
    x, kernel = normal(0, 2, *size, 3), normal(1, 3, 3, 3, 4)
    expected = plain_conv_3x3(x, kernel)
    ours = winograd_conv(x, transform(kernel, tile))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_allclose(transform(kernel, tile), transform(jnp.array(kernel), tile))


@pytest.mark.parametrize("channels", [(3, 4), (128, 130)])
@pytest.mark.parametrize("size", [(8, 8), (9, 12), (7, 5), (1, 1)])
def test_conv_3x3_is_a_convolution(size, channels):
    x, kernel = normal(0, 2, *size, channels[0]), normal(1, 3, 3, *channels)
    assert_equal_with_gradients(conv_3x3, plain_conv_3x3, x, kernel)


@pytest.mark.parametrize("tile", [2, 4])
def test_winograds_in_float32(tile):
    """Checks that errors are small, and float32 stays float32 where Python's floats are float64."""
    wide = normal(0, 2, 16, 16, 128), normal(1, 3, 3, 128, 128), normal(2, 2, 16, 16, 128)
    x, kernel, grads = (jnp.asarray(array, jnp.float32) for array in wide)
    expected, pull_back = jax.vjp(plain_conv_3x3, *wide[:2])
    ours = winograd_conv(x, transform(kernel, tile)), kernel_gradient(x, grads, tile)
    for our, exact in zip(ours, (expected, pull_back(wide[2])[1]), strict=True):
        assert our.dtype == jnp.float32
        assert np.square(our - exact).mean() < 1e-5**2 * np.square(exact).mean()


@pytest.mark.parametrize(
    ("channels", "side", "dtype", "backend", "winograds"),
    [
        (128, 8, "float32", "cpu", True),
        (127, 8, "float32", "cpu", False),
        (128, 7, "float32", "cpu", False),
        (128, 8, "bfloat16", "cpu", False),
        (128, 8, "float32", "gpu", False),
    ],
)
def test_winograds_is_used_where_it_is_faster(
    channels, side, dtype, backend, winograds, monkeypatch
):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    x, kernel = jnp.zeros((1, side, side, channels), dtype), jnp.zeros((3, 3, channels, 128), dtype)
    gradients = jax.grad(lambda *inputs: conv_3x3(*inputs).sum(), (0, 1))
    found = "conv_general_dilated" in str(jax.make_jaxpr(gradients)(x, kernel))
    assert found != winograds


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
@pytest.mark.parametrize("size", [(8, 8), (9, 12), (7, 5), (1, 1)])
@pytest.mark.parametrize("ties", [False, True])
def test_max_pool_is_flaxs(size, ties, backend, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)  # how it is computed

    def plain(x):
        return nn.max_pool(x, (3, 3), strides=(2, 2), padding=((1, 1), (1, 1)))

    x = normal(0, 2, *size, 3)
    if ties:  # as behind a ReLU: many zeros in a window, and its gradient goes to the first
        x = np.maximum(x.round(), 0.0)
    assert_equal_with_gradients(max_pool, plain, x)


@pytest.mark.parametrize("size", [(8, 8), (1, 3)])
@pytest.mark.parametrize("relu", [False, True])
def test_normalise_is_flaxs(size, relu):
    def plain(x, scale, bias):
        x = x.astype(jnp.float64)
        norm = nn.BatchNorm(use_running_average=False, epsilon=EPSILON, dtype=jnp.float64)
        variables = {"params": {"scale": scale, "bias": bias}, "batch_stats": {}}
        y, _ = norm.apply(variables, x, mutable=["batch_stats"])
        return nn.relu(y) if relu else y

    def fast(x, scale, bias):
        return normalise(x, scale, bias, relu, None)[0]

    scale = normal(1, 5)
    scale[0] = 0.0  # a channel that is switched off still has a gradient
    assert_equal_with_gradients(fast, plain, normal(0, 3, *size, 5), scale, normal(2, 5))


BLOCKS = {
    "DFF": (models.DFF, plain_hmhn.DFF),
    "GWA": (models.GWA, plain_hmhn.GWA),
    "MAB": (models.MAB, plain_hmhn.MAB),
    "BasicBlock": (BasicBlock, plain_hmhn.BasicBlock),
    "ResNet18": (models.ResNet18, plain_hmhn.ResNet18),
    "HMHN": (HMHN, plain_hmhn.PlainHMHN),
}


def both(block, **fields):
    """Returns a block of ours, and the one of Flax's own layers."""
    return [way(**fields) for way in BLOCKS[block]]


def blocks():
    image, other = normal(0, 4, 13, 12, 3), normal(1, 4, 13, 12, 3)
    yield "dff", "DFF", {}, (image, other)
    for grid in ((3, 3), (2, 5), (1, 1)):
        yield f"gwa {grid}", "GWA", {"grid": grid, "lgfe_expansion": 2}, (image,)
    literal = {"grid": (2, 2), "lgfe_expansion": 1, "softmax_axis": "last"}
    yield "gwa, literal", "GWA", literal, (image,)
    yield "block of the trunk", "BasicBlock", {"features": 4, "strides": 2}, (image,)
    heads = {"num_heads": 2, "spatial_reduce": "sum"}
    yield "mab", "MAB", heads, (normal(0, 3, 3, 2, 16),)


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize(
    ("block", "fields", "inputs"), [pytest.param(*rest, id=name) for name, *rest in blocks()]
)
@pytest.mark.usefixtures("backend")
def test_blocks_are_the_plain_ones(block, fields, inputs, train):
    fast, plain = both(block, dtype=jnp.float64, **fields)
    variables = random_variables(plain, inputs)

    def outputs(model):
        def apply(params, *inputs):
            out, updates = model.apply(
                variables | {"params": params}, *inputs, train=train, mutable=["batch_stats"]
            )
            leaves = jax.tree.leaves((out, updates))  # running statistics too
            return jnp.concatenate([leaf.reshape(-1) for leaf in leaves])

        return apply

    assert_equal_with_gradients(outputs(fast), outputs(plain), variables["params"], *inputs)


def random_variables(model, inputs):
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), *inputs, train=False))
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: rng.uniform(0.5, 1.5, leaf.shape), shapes)


def test_both_ways_have_the_same_variables():
    ours, plain = (
        jax.eval_shape(model.init, jax.random.key(0), np.zeros((1, 32, 32, 3)))
        for model in both("HMHN", width=2, lgfe_expansion=1)
    )
    assert ours == plain


@pytest.mark.parametrize(
    ("block", "fields", "inputs"), [pytest.param(*rest, id=name) for name, *rest in blocks()][:2]
)
def test_both_ways_start_from_the_same_weights(block, fields, inputs):
    fast, plain = (
        jax.jit(lambda model=model: model.init(jax.random.key(3), *inputs, train=False))()
        for model in both(block, **fields)
    )
    jax.tree.map(np.testing.assert_array_equal, fast, plain)


@pytest.mark.parametrize("size", [33, 64])
def test_the_trunk_scores_as_the_plain_one(size):
    images = normal(0, 2, size, size + 3, 3)
    fast, plain = both("ResNet18", width=2, dtype=jnp.float64)
    variables = random_variables(plain, (images,))
    ours, theirs = (
        jax.jit(model.apply, static_argnums=2)(variables, images, False) for model in (fast, plain)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)

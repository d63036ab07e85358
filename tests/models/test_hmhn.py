"""Tests of HMHN as a whole: size, switches, dependencies."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from plain_hmhn import PlainHMHN

from hmhn_jax.models import HMHN
from hmhn_jax.training.losses import mean_squared_error, partition_loss

SMALL = {"width": 16, "lgfe_expansion": 2}  # 128 features: the smallest with all layers there


def count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def images_of(size, batch=4, seed=0):
    return jax.random.normal(jax.random.key(seed), (batch, size, size, 3))


# Compiled once for each model and shape, whichever tests ask.
@functools.partial(jax.jit, static_argnums=0)
def init(model, images):
    return model.init(jax.random.key(0), images)


@functools.partial(jax.jit, static_argnums=0)
def apply(model, variables, images):
    return model.apply(variables, images)


@functools.partial(jax.jit, static_argnums=0)
def train_scores(model, variables, images, seed):
    rngs = {"dropout": jax.random.key(seed)}
    return model.apply(variables, images, train=True, rngs=rngs, mutable=["batch_stats"])[0][0]


@pytest.fixture(scope="module")
def small():
    """Makes the whole network, small, with variables."""
    model = HMHN(**SMALL)
    return model, init(model, images_of(64))


def test_parameter_counts_are_the_papers():
    images = jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)
    params = jax.eval_shape(HMHN().init, jax.random.key(0), images)["params"]

    assert round(count(params) / 1e6, 2) == 19.72  # Table 5
    assert count(params["trunk"]) == 11_176_512  # torchvision's ResNet-18 less its fc
    assert {count(head) for head in params["mab"].values()} == {2_135_904}
    assert len(params["mab"]) == 4


@pytest.mark.parametrize(
    ("letter", "fields"),
    [
        ("A", {"use_gwa": False, "use_dff": False, "use_mab": False}),
        ("B", {"use_dff": False, "use_mab": False}),
        ("C", {"use_mab": False}),
        ("D", {"use_gwa": False, "use_dff": False}),
        ("E", {}),
    ],
)
def test_ablations_have_just_their_blocks(letter, fields):
    images = images_of(64)
    model = HMHN(**SMALL, **fields)
    variables, (score, aux) = jax.eval_shape(
        lambda: (
            (variables := model.init(jax.random.key(0), images)),
            model.apply(variables, images),
        )
    )

    blocks = {"gwa": letter in "BCE", "dff": letter in "CE", "mab": letter in "DE"}
    assert {name for name in blocks if name in variables["params"]} == {
        name for name, there in blocks.items() if there
    }
    assert ("grid_weights" in aux) == blocks["gwa"]
    assert ("attention" in aux) == ("heads" in aux) == blocks["mab"]
    assert score.shape == (4,)


def test_dff_without_gwa_is_refused():
    with pytest.raises(ValueError, match="needs use_gwa"):
        HMHN(**SMALL, use_gwa=False).init(jax.random.key(0), images_of(64))


@pytest.mark.parametrize("size", [112, 224])
@pytest.mark.parametrize("grid", [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (2, 3)])
def test_any_size_and_grid(size, grid):
    images = images_of(size, batch=1)
    model = HMHN(**SMALL, grid=grid)
    score, aux = jax.eval_shape(lambda: model.init_with_output(jax.random.key(0), images))[0]

    side = -(-size // 32)
    assert score.shape == (1,)
    assert score.dtype == jnp.float32
    assert aux["grid_weights"].shape == (1, *grid, 3)
    assert aux["features"].shape == (1, side, side, 128)
    assert aux["attention"].shape == (1, 4, side, side)
    assert aux["heads"].shape == (1, 4, 128)


@pytest.mark.parametrize(
    ("kernels", "millions"),  # docs/science/reproduction.md gives these next to those of Table 5
    [
        (((3, 3), (3, 3), (3, 3)), 26.0),
        (((1, 7), (7, 7), (7, 1)), 44.9),
        (((1, 5), (5, 5), (5, 1)), 30.2),
        (((3, 1), (1, 3)), 15.0),
    ],
)
def test_kernel_sets(kernels, millions):
    images = jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)
    params = jax.eval_shape(HMHN(kernels=kernels).init, jax.random.key(0), images)["params"]
    head = params["mab"]["head1"]
    sizes = [
        head[name]["kernel"].shape[:2]
        for name in sorted(head)
        if name.startswith("branch") and name.endswith("_conv")
    ]
    assert sizes == list(kernels)
    assert round(count(params) / 1e6, 1) == millions


def test_permuting_the_heads_leaves_the_score(small):
    images = images_of(64)
    model, variables = small
    permuted = {
        collection: {
            **tree,
            "mab": {f"head{to}": tree["mab"][f"head{of}"] for to, of in enumerate((3, 1, 4, 2), 1)},
        }
        for collection, tree in variables.items()
    }
    score, aux = apply(model, variables, images)
    permuted_score, permuted_aux = apply(model, permuted, images)

    np.testing.assert_allclose(permuted_score, score, rtol=1e-4)
    order = jnp.array([2, 0, 3, 1])
    np.testing.assert_allclose(permuted_aux["attention"], aux["attention"][:, order], rtol=1e-5)


def test_one_head_still_sees_the_image():
    # The log-softmax over a single head would be 0 whatever the image.
    model = HMHN(**SMALL, num_heads=1)
    variables = init(model, images_of(64))
    scores, aux = apply(model, variables, images_of(64))
    assert aux["heads"].shape == (4, 1, 128)
    assert np.unique(scores).size == 4


def test_evaluation_scores_an_image_by_itself(small):
    model, variables = small
    images, others = images_of(64), images_of(64, seed=1)
    mixed = jnp.concatenate([images[:1], others[1:]])
    scores, mixed_scores = (apply(model, variables, batch)[0] for batch in (images, mixed))
    np.testing.assert_allclose(mixed_scores[0], scores[0], rtol=1e-4)
    assert not np.allclose(mixed_scores[1:], scores[1:], rtol=1e-4)


def test_output_starts_at_the_training_scores():
    images = images_of(64, batch=8)
    model = HMHN(**SMALL, score_mean=17.0, score_std=12.0)
    scores = train_scores(model, init(model, images_of(64)), images, 1)
    assert float(scores.mean()) == pytest.approx(17.0, abs=0.01)
    assert float(scores.std()) == pytest.approx(12.0, rel=0.2)


def test_without_output_norm_the_last_layer_is_dense():
    model = HMHN(**SMALL, use_output_norm=False)
    variables = jax.eval_shape(model.init, jax.random.key(0), images_of(64))
    assert set(variables["params"]["regression"]) == {"dense"}


def test_dropout_acts_in_training_only(small):
    images = images_of(64, batch=8)
    model, variables = small
    assert not np.allclose(
        train_scores(model, variables, images, 1), train_scores(model, variables, images, 2)
    )
    model = model.clone(dropout_rate=0.0)
    np.testing.assert_array_equal(
        train_scores(model, variables, images, 1), train_scores(model, variables, images, 2)
    )


def test_dropout_is_behind_the_heads(small):
    images = images_of(64, batch=8)
    model, variables = small

    @jax.jit
    def heads_and_scores(seed):
        rngs = {"dropout": jax.random.key(seed)}
        (scores, aux), _ = model.apply(
            variables, images, train=True, rngs=rngs, mutable=["batch_stats"]
        )
        return aux["heads"], scores

    (heads, scores), (other_heads, other_scores) = heads_and_scores(1), heads_and_scores(2)
    np.testing.assert_array_equal(heads, other_heads)
    assert not np.allclose(scores, other_scores)


def test_bfloat16_computes_nearly_the_same(small):
    images = images_of(64)
    model, variables = small
    full, _ = apply(model, variables, images)
    half, aux = apply(model.clone(dtype=jnp.bfloat16), variables, images)
    assert half.dtype == jnp.float32
    assert aux["features"].dtype == jnp.bfloat16
    np.testing.assert_allclose(half, full, rtol=0.1, atol=0.05)


def types(tree):
    return {leaf.dtype.name for leaf in jax.tree.leaves(tree)}


def operations(jaxpr):
    """Lists all equations that JAX traced, those of inner functions included."""
    for equation in jaxpr.eqns:
        yield equation
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from operations(inner)


@pytest.mark.parametrize("network", [HMHN, PlainHMHN])
def test_bfloat16_keeps_what_is_delicate_in_float32(network):
    model = network(width=2, lgfe_expansion=1, dtype=jnp.bfloat16)
    images = jax.ShapeDtypeStruct((2, 32, 32, 3), jnp.float32)
    variables = jax.eval_shape(model.init, jax.random.key(0), images)

    def loss_fn(params, stats, images):
        (scores, aux), updates = model.apply(
            {"params": params, "batch_stats": stats},
            images,
            train=True,
            rngs={"dropout": jax.random.key(0)},
            mutable=["batch_stats"],
        )
        parted = partition_loss(aux["heads"])
        loss = mean_squared_error(scores, jnp.zeros(2)) + parted
        return loss, (updates, loss, parted, scores, aux)

    def step(variables, images):
        return jax.grad(loss_fn, has_aux=True)(
            variables["params"], variables["batch_stats"], images
        )

    grads, (*precise, aux) = jax.eval_shape(step, variables, images)
    assert types([variables, grads, precise]) == {"float32"}
    computed = {name: array.dtype.name for name, array in aux.items()}
    half = dict.fromkeys(("features", "attention"), "bfloat16")
    assert computed == half | dict.fromkeys(("grid_weights", "heads"), "float32")

    # Softmaxes, logarithms and normalisations in float32, convolutions in half.
    traced = list(operations(jax.make_jaxpr(step)(variables, images).jaxpr))
    used = {
        names: {each.outvars[0].aval.dtype.name for each in traced if each.primitive.name in names}
        for names in (("exp", "log", "log1p", "rsqrt"), ("conv_general_dilated",))
    }
    assert list(used.values()) == [{"float32"}, {"bfloat16"}]


@pytest.mark.parametrize("network", [HMHN, PlainHMHN])
def test_bfloat16_scores_by_features_of_bfloat16(network):
    model = network(width=2, lgfe_expansion=1, dtype=jnp.bfloat16)
    images = jax.ShapeDtypeStruct((2, 32, 32, 3), jnp.float32)
    (scores, aux), _ = jax.eval_shape(model.init_with_output, jax.random.key(0), images)
    assert scores.dtype == jnp.float32
    assert aux["features"].dtype == jnp.bfloat16


def test_every_parameter_has_a_gradient(small):
    # A bias before a normalisation is the exception: what it adds is taken off again.
    normalised = ("_conv']['bias']", "Conv_0']['bias']", "Conv_1']['bias']")
    normalised += ("squeeze_dense']['bias']", "regression']['dense']['bias']")
    images = images_of(64)
    model, variables = small
    model = model.clone(dropout_rate=0.0)

    def loss(params):
        (scores, aux), _ = model.apply(
            variables | {"params": params}, images, train=True, mutable=["batch_stats"]
        )
        return jnp.sum(scores**3) + jnp.sum(aux["heads"] ** 2)

    grads = jax.jit(jax.grad(loss))(variables["params"])
    dead = [
        jax.tree_util.keystr(path)
        for path, grad in jax.tree_util.tree_leaves_with_path(grads)
        if not np.any(grad)
        and ("output_conv" in (name := jax.tree_util.keystr(path)) or not name.endswith(normalised))
    ]
    assert dead == []

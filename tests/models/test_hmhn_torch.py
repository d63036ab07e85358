"""Tests that the network equals an independent PyTorch network with the same weights."""

import jax
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: see the extra 'parity'")

import torch
from torch_twin import make_twin

INSIDE = ("dff", "mab")  # blocks whose outputs are compared in addition to the network's outputs


def images_of(height, width, batch=3, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, height, width, 3)).astype(np.float32)


def torch_outputs(twin, images, train=False):
    """Computes {name: array} in the package's layout, channels last."""
    twin.torch.train(train)
    with torch.no_grad():
        scores, aux = twin.torch(torch.from_numpy(images.transpose(0, 3, 1, 2)))
    outputs = {"scores": scores} | aux
    for name in {"grid_weights", "fused", "features"} & outputs.keys():
        outputs[name] = outputs[name].permute(0, 2, 3, 1)
    return {name: tensor.numpy() for name, tensor in outputs.items()}


def flax_outputs(twin, images, train=False):
    """Computes the same with the package's network."""

    @jax.jit
    def apply(variables, images):
        return twin.flax.apply(
            variables,
            images,
            train,
            mutable=["batch_stats", "intermediates"],
            capture_intermediates=lambda module, _: module.name in INSIDE,
        )

    (scores, aux), collections = apply(twin.variables, images)
    inside = collections.get("intermediates", {})
    outputs = {"scores": scores} | aux
    if "dff" in inside:
        outputs["fused"] = inside["dff"]["__call__"][0]
    if "mab" in inside:
        outputs["vectors"] = inside["mab"]["__call__"][0][0]
    return {name: np.asarray(array) for name, array in outputs.items()}


def check_equal(ours, theirs, rtol=1e-4):
    """Asserts that every output agrees to `rtol`, relative to its own size."""
    assert ours.keys() == theirs.keys()
    assert {name: array.shape for name, array in ours.items()} == {
        name: array.shape for name, array in theirs.items()
    }
    errors = {name: np.abs(ours[name] - theirs[name]).max() for name in ours}
    sizes = {name: np.abs(theirs[name]).max() for name in ours}
    relative = {name: errors[name] / sizes[name] for name in ours}
    assert max(relative.values()) < rtol, relative
    # What did not depend on the images would be equal for no good reason.
    for name in ("scores", "features"):
        assert theirs[name].std(axis=0).max() > 0.01 * sizes[name], name


STANDARD = ((3, 3), (3, 3), (3, 3))
FIVES = ((1, 5), (5, 5), (5, 1))
SEVENS = ((1, 7), (7, 7), (7, 1))
TWO = ((3, 1), (1, 3))


@pytest.mark.parametrize(
    ("size", "fields"),
    [
        ((64, 64), {"num_heads": 1, "grid": (1, 1), "kernels": SEVENS}),
        ((97, 83), {"num_heads": 2, "grid": (4, 5), "kernels": STANDARD, "spatial_reduce": "sum"}),
        ((83, 97), {"grid": (5, 5), "kernels": FIVES, "gwa_softmax_axis": "last"}),
        ((96, 96), {"grid": (2, 3), "kernels": TWO, "use_output_norm": False}),
        ((97, 83), {"use_gwa": False, "use_dff": False, "use_mab": False}),  # A of Table 3
        ((97, 83), {"use_dff": False, "use_mab": False}),  # B
        ((97, 83), {"use_mab": False}),  # C
        ((97, 83), {"use_gwa": False, "use_dff": False}),  # D
    ],
)
def test_evaluation(size, fields):
    twin = make_twin(**{"width": 8, "lgfe_expansion": 4} | fields)
    images = images_of(*size)
    check_equal(flax_outputs(twin, images), torch_outputs(twin, images))


def test_evaluation_at_full_width():
    twin = make_twin()
    images = images_of(97, 83, batch=2)
    check_equal(flax_outputs(twin, images), torch_outputs(twin, images))


def test_training_mode():
    # Normalising a small batch makes rounding errors larger; float64 shows that they are no more.
    with jax.enable_x64(True):
        twin = make_twin("float64", width=8, lgfe_expansion=4)
        images = images_of(97, 83, batch=8).astype(np.float64)
        ours, theirs = flax_outputs(twin, images, True), torch_outputs(twin, images, True)
    check_equal(ours, theirs, rtol=1e-10)

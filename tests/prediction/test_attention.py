"""Tests that overlays show the maps that the network computed."""

import dataclasses

import jax
import numpy as np
import pytest
import workdirs

from hmhn_jax.input_pipeline.augment import standardise
from hmhn_jax.prediction import attention, ensemble


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    config = workdirs.tiny_config()
    workdir = workdirs.make(tmp_path_factory.mktemp("attention") / "run", config)
    return ensemble.restore(config, [workdir])[0]


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (9, 64, 64, 3), dtype=np.uint8)


def test_maps_are_those_of_the_network(trained, images):
    apply = jax.jit(trained.model.apply)
    expected = apply(trained.variables, standardise(images))[1]["attention"]
    assert expected.shape == (9, 2, 2, 2)
    np.testing.assert_allclose(attention.maps(trained, images), expected, rtol=1e-4, atol=1e-6)
    assert attention.overlays(trained, images).shape == (9, 2, 64, 64, 3)


def test_colour_is_where_the_map_is(images):
    maps = np.zeros((9, 2, 4, 4), np.float32)
    maps[:, 0, 0, 3] = 5.0
    maps[:, 1, :2], maps[:, 1, 2:] = 3.0, 3.1
    pictures = attention.overlay(images, maps)
    grey = np.rint(images.mean(axis=-1)).astype(int)
    coloured = np.abs(pictures.astype(int) - grey[:, None, ..., None]).max(axis=-1)
    assert not coloured[:, 0, :, :24].any()  # two cells from its middle
    assert not coloured[:, 0, 40:].any()
    corner = coloured[:, 0, :8, -8:].mean()
    assert corner > 60
    assert coloured[:, 1, 40:].mean() > 60  # however small its differences are
    assert coloured[:, 1, :16].max() <= 1


def test_a_map_without_differences_leaves_the_face_grey(images):
    pictures = attention.overlay(images, np.full((9, 1, 3, 3), 2.0, np.float32))
    grey = np.rint(images.mean(axis=-1)).astype(np.uint8)
    np.testing.assert_array_equal(pictures[:, 0], np.repeat(grey[..., None], 3, axis=-1))


def test_without_heads_there_is_none(trained, images):
    headless = dataclasses.replace(trained, model=trained.model.clone(use_mab=False))
    assert attention.overlays(headless, images) is None

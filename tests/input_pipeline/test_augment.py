"""Tests of augmentation: each crop by its own key, none when switched off."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from hmhn_jax.input_pipeline.augment import (
    CHANNEL_MEAN,
    CHANNEL_STD,
    AugmentSettings,
    augment,
    standardise,
)

pytestmark = pytest.mark.pure

OFF = AugmentSettings(
    flip=False, rotation=0, zoom=0, shift=0, brightness=0, contrast=0, saturation=0
)


def crops(batch=4, size=16):
    return np.random.default_rng(0).integers(0, 256, (batch, size, size, 3), dtype=np.uint8)


def keys(batch=4):
    return jax.random.split(jax.random.key(0), batch)


def test_standardise_takes_channel_means_to_zero():
    image = np.broadcast_to(np.array(CHANNEL_MEAN) * 255, (1, 2, 2, 3))
    np.testing.assert_allclose(standardise(image), 0, atol=1e-5)
    brighter = image + 255 * np.array(CHANNEL_STD)
    np.testing.assert_allclose(standardise(brighter), 1, rtol=1e-5)
    assert standardise(crops()).dtype == jnp.float32


def test_nothing_switched_on_changes_nothing():
    np.testing.assert_allclose(augment(crops(), keys(), OFF), crops(), atol=1e-3)


def test_flip_mirrors_some_and_leaves_the_others():
    images = crops(16)
    flipped = augment(images, keys(16), dataclasses.replace(OFF, flip=True))
    is_mirrored = [np.allclose(a, b[:, ::-1]) for a, b in zip(flipped, images, strict=True)]
    is_same = [np.allclose(a, b) for a, b in zip(flipped, images, strict=True)]
    assert all(np.logical_xor(is_mirrored, is_same))
    assert any(is_mirrored)
    assert any(is_same)


@pytest.mark.parametrize(
    "field", ["rotation", "zoom", "shift", "brightness", "contrast", "saturation"]
)
def test_every_change_changes(field):
    settings = dataclasses.replace(OFF, **{field: 0.5 if field != "rotation" else 20.0})
    changed = augment(crops(), keys(), settings)
    assert np.abs(changed - crops()).reshape(4, -1).max(axis=1).min() > 1
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_an_image_changes_by_its_own_key_only():
    together = augment(crops(), keys(), AugmentSettings())
    for index in range(4):
        rows = slice(index, index + 1)
        alone = augment(crops()[rows], keys()[rows], AugmentSettings())
        np.testing.assert_allclose(together[rows], alone, atol=1e-3)
    other_keys = jax.random.split(jax.random.key(1), 4)
    assert not np.allclose(together, augment(crops(), other_keys, AugmentSettings()))


def test_shift_moves_by_a_share_of_the_side():
    image = np.zeros((1, 20, 20, 3), np.uint8)
    image[0, 10, 10] = 255
    for seed in range(5):
        settings = dataclasses.replace(OFF, shift=0.2)
        moved = augment(image, jax.random.split(jax.random.key(seed), 1), settings)[0, ..., 0]
        weights = np.asarray(moved / moved.sum())
        centre = [(weights.sum(axis=1 - axis) * np.arange(20)).sum() for axis in (0, 1)]
        assert np.abs(np.array(centre) - 10).max() <= 0.2 * 20 + 1e-3


def by_scipy(image, key, settings):
    """Computes the same changes one after the other, in float64, with SciPy's resampling."""
    numbers = np.asarray(jax.random.uniform(key, (8,), minval=-1.0, maxval=1.0), np.float64)
    flip, rotation, zoom, shift_y, shift_x, brightness, contrast, saturation = numbers
    image = image.astype(np.float64)
    height, width = image.shape[:2]
    if settings.flip and flip < 0:
        image = image[:, ::-1]
    angle, scale = np.deg2rad(settings.rotation * rotation), 1 + settings.zoom * zoom
    y = np.arange(height)[:, None] - (height - 1) / 2 - settings.shift * shift_y * height
    x = np.arange(width)[None] - (width - 1) / 2 - settings.shift * shift_x * width
    source_y = (np.cos(angle) * y + np.sin(angle) * x) / scale + (height - 1) / 2
    source_x = (np.cos(angle) * x - np.sin(angle) * y) / scale + (width - 1) / 2
    channels = [
        map_coordinates(image[..., channel], [source_y, source_x], order=1, mode="nearest")
        for channel in range(3)
    ]
    image = np.stack(channels, axis=-1)
    grey = image.mean(axis=-1, keepdims=True)
    image = grey + (image - grey) * (1 + settings.saturation * saturation)
    image = image.mean() + (image - image.mean()) * (1 + settings.contrast * contrast)
    return np.clip(image * (1 + settings.brightness * brightness), 0, 255)


@pytest.mark.parametrize(
    "off",
    [
        {},
        {"saturation": 0},
        {"flip": False, "contrast": 0, "brightness": 0},
        {"rotation": 0, "zoom": 0, "shift": 0},
    ],
)
def test_equals_scipy(off):
    images = np.random.default_rng(1).integers(0, 256, (8, 37, 52, 3), dtype=np.uint8)
    settings = dataclasses.replace(AugmentSettings(rotation=40.0, zoom=0.3, shift=0.2), **off)
    augmented = augment(images, keys(8), settings)
    expected = [by_scipy(*each, settings) for each in zip(images, keys(8), strict=True)]
    np.testing.assert_allclose(augmented, expected, atol=0.02)  # of 255, between noisy pixels


@pytest.mark.parametrize("shape", [(1, 5), (5, 1)])
def test_an_image_of_one_row_or_column(shape):
    image = np.full((1, *shape, 3), 7, np.uint8)
    settings = dataclasses.replace(OFF, rotation=30.0, shift=0.5)
    np.testing.assert_allclose(augment(image, keys(1), settings), 7, atol=1e-4)


def test_other_types_than_uint8_are_refused():
    with pytest.raises(TypeError, match="expected uint8 images, got float32"):
        augment(crops().astype(np.float32), keys(), OFF)

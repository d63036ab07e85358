"""Changes to training crops: each by its own key, none when switched off."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmhn_jax.augment import CHANNEL_MEAN, CHANNEL_STD, AugmentSettings, augment, standardise

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

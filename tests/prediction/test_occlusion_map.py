"""Tests of occlusion maps, with scores whose causes are known."""

import numpy as np
import pytest

from hmhn_jax import config as config_lib
from hmhn_jax.prediction import occlusion_map

pytestmark = pytest.mark.pure

SIDE = 40
SETTINGS = config_lib.override(
    config_lib.default(),
    {
        "evaluate.batch_size": 7,
        "evaluate.occlusion_patch": 0.2,
        "evaluate.occlusion_stride": 0.1,
    },
).evaluate
RAISES, LOWERS = (slice(4, 12), slice(4, 12)), (slice(28, 36), slice(20, 28))


@pytest.fixture
def images():
    images = np.random.default_rng(0).integers(0, 60, (3, SIDE, SIDE, 3), dtype=np.uint8)
    images[:, *RAISES] = images[:, *LOWERS] = 250
    return images


def score(images):
    """Bright pixels of one place raise the score by up to 10 points, those of another lower it."""
    assert len(images) == SETTINGS.batch_size
    return (images[:, *RAISES].mean(axis=(1, 2, 3)) - images[:, *LOWERS].mean(axis=(1, 2, 3))) / 25


def test_maps_have_the_sign_and_the_size_of_what_hiding_does(images):
    maps = occlusion_map.occlusion_maps(score, images, SETTINGS)
    assert maps.shape == (3, SIDE, SIDE)
    mean = images[0].mean()
    # A patch covers it all a half pixel away; those beside it cover a half.
    assert 0.4 * (250 - mean) / 25 < maps[0][8, 8] <= (250 - mean) / 25
    assert maps[0][32, 24] == pytest.approx(-maps[0][8, 8], rel=0.2)
    np.testing.assert_allclose(maps[:, 18:26, 32:], 0, atol=1e-6)


def test_an_images_map_does_not_depend_on_the_others(images):
    together = occlusion_map.occlusion_maps(score, images, SETTINGS)
    alone = occlusion_map.occlusion_maps(score, images[1:2], SETTINGS)
    np.testing.assert_array_equal(together[1:2], alone)


@pytest.mark.parametrize(
    ("size", "patch", "stride"), [(40, 0.2, 0.1), (96, 0.2, 0.15), (7, 0.5, 1), (8, 1.0, 0.1)]
)
def test_patches_reach_both_ends_in_even_steps(size, patch, stride):
    starts, side = occlusion_map.patch_starts(size, patch, stride)
    assert side == round(patch * size)
    assert (starts[0], starts[-1]) == (0, size - side)
    if len(starts) > 1:
        assert np.ptp(np.diff(starts)) <= 1
        assert np.diff(starts).max() <= np.ceil(stride * size)


def test_a_patch_as_large_as_the_image_gives_one_number(images):
    settings = config_lib.override(
        config_lib.default(), {"evaluate.batch_size": 7, "evaluate.occlusion_patch": 1.0}
    ).evaluate
    maps = occlusion_map.occlusion_maps(lambda some: some.std(axis=(1, 2, 3)), images, settings)
    np.testing.assert_allclose(maps, np.broadcast_to(maps[:, :1, :1], maps.shape))
    assert (maps > 10).all()


def test_colours_are_red_where_the_score_falls_and_blue_where_it_rises(images):
    maps = np.zeros((3, SIDE, SIDE))
    maps[:, 0, 0], maps[:, 0, 1] = 2.0, -2.0
    drawn = occlusion_map.overlay(images, maps, 2.0)
    red, blue, plain = drawn[0, 0, 0].astype(int), drawn[0, 0, 1].astype(int), drawn[0, 5, 5]
    assert red[0] > red[2] + 40
    assert blue[2] > blue[0] + 40
    assert plain[0] == plain[1] == plain[2]

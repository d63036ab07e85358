"""Tests of texture and mean crop."""

import numpy as np
import pytest

from hmhn_jax.baselines.pixels import pixels
from hmhn_jax.baselines.texture import GRID, NUM_PATTERNS, texture

pytestmark = pytest.mark.pure


@pytest.fixture
def noise():
    return np.random.default_rng(1).integers(0, 120, (3, 96, 96, 3), dtype=np.uint8)


def test_each_cells_patterns_sum_to_one(make_video, noise):
    features = texture(make_video(noise, num_crops=3))
    values = np.array([features[f"mean_{i}"] for i in range(GRID**2 * NUM_PATTERNS)])
    np.testing.assert_allclose(values.reshape(GRID**2, NUM_PATTERNS).sum(axis=1), 1)


def test_texture_does_not_see_brightness(make_video, noise):
    one, other = (texture(make_video(each, num_crops=3)) for each in (noise, noise + 100))
    differences = [abs(one[name] - other[name]) for name in one]
    assert max(differences) < 0.02  # grey is rounded


def test_spread_is_that_over_time(make_video, noise):
    still = texture(make_video(noise[:1].repeat(3, axis=0), num_crops=3))
    assert max(value for name, value in still.items() if name.startswith("sd_")) < 1e-9
    assert (
        max(
            value
            for name, value in texture(make_video(noise, num_crops=3)).items()
            if name.startswith("sd_")
        )
        > 0
    )


def test_the_mean_crop_does_not_see_the_order_of_time(make_video, noise):
    one, other = (pixels(make_video(each, num_crops=3)) for each in (noise, noise[::-1].copy()))
    assert one == pytest.approx(other)
    assert pixels(make_video(noise + 50, num_crops=3))["pixel_0"] == pytest.approx(
        one["pixel_0"] + 50, abs=1
    )

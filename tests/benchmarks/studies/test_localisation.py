"""Tests of how well maps point at known causes."""

import numpy as np
import pytest

from benchmarks.studies import localisation
from hmhn_jax.faces.detection.detector import load_detector
from hmhn_jax.recordings.synthetic.clips import Clip

REGION = np.zeros((1, 20, 20), bool)
REGION[:, 4:8, 5:10] = True  # 20 of 400 pixels


@pytest.mark.pure
@pytest.mark.parametrize(
    ("maps", "mass"),
    [
        (np.ones((1, 20, 20)), 1.0),
        (REGION.astype(float), 20.0),
        ((~REGION).astype(float), 0.0),
        (np.where(REGION, 3.0, 1.0), 20 * 60 / 440),
    ],
)
def test_mass_is_relative_to_chance(maps, mass):
    assert localisation.inside(maps, REGION)["mass"] == pytest.approx(mass)


@pytest.mark.pure
def test_the_hottest_pixels_are_counted_wherever_the_rest_of_the_mass_lies():
    maps = np.where(REGION, 2.0, 1.9)
    assert localisation.inside(maps, REGION)["hottest"] == pytest.approx(20)


def test_the_region_is_eyes_brows_and_mouth():
    crop, region = localisation.crop_and_region(
        Clip(0, 201, 12, 4, (640, 480)), load_detector(), 96
    )
    assert crop.shape == (96, 96, 3)
    rows, columns = np.nonzero(region)
    assert 0.02 < region.mean() < 0.25
    assert region[18:40].any()
    assert region[60:85, 30:66].any()
    assert not region[45:58, 40:56].any()  # the nose
    assert 8 < columns.min() < columns.max() < 88
    assert rows.max() < 90

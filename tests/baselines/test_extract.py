"""Tests of the table of baselines' features."""

import dataclasses

import numpy as np
import pytest

from hmhn_jax.baselines import extract

pytestmark = pytest.mark.pure
NAMES = ["conditions", "motion", "texture", "pixels"]


def test_each_video_has_a_row_of_the_same_features(make_crops):
    rng = np.random.default_rng(0)
    crops = make_crops([1, 2, 3], rng.integers(0, 256, (12, 32, 32, 3), dtype=np.uint8))
    tables = extract.extract(NAMES, crops, {"v1": {"fps": 30}}, "features")
    assert list(tables) == NAMES
    assert all(each.values.shape == (3, len(each.names)) for each in tables.values())
    fps = tables["conditions"].values[:, tables["conditions"].names.index("fps")]
    np.testing.assert_array_equal(fps, [np.nan, 30, np.nan])


def test_crops_of_unknown_detections_give_no_features(make_crops):
    crops = make_crops([1], np.zeros((2, 32, 32, 3), np.uint8))
    assert extract.extract(NAMES, dataclasses.replace(crops, detections=None), {}, "") == {}

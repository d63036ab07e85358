"""Tests of what views leave of a crop."""

import numpy as np
import pytest

from hmhn_jax.evaluation.audit import views

pytestmark = pytest.mark.pure


def test_face_and_border_share_nothing_and_cover_all():
    face, border = (views.region_mask(name, 96, 0.25) for name in ("face", "border"))
    np.testing.assert_array_equal(face, ~border)
    assert 0.2 < border.mean() < 0.4
    for name in ("eyes", "nose", "mouth"):
        part = views.region_mask(name, 96, 0.25)
        assert part.any()
        assert not (part & border).any()


def test_more_padding_makes_the_face_smaller():
    shares = [views.region_mask("face", 96, padding).mean() for padding in (0.25, 0.5, 1.0)]
    assert shares == sorted(shares, reverse=True)


def test_a_view_shows_its_region_and_one_colour():
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), dtype=np.uint8)
    colour = np.array([1, 2, 3], np.uint8)
    seen = views.views(0.25, colour)
    mask = views.region_mask("mouth", 48, 0.25)
    mouth = seen["mouth only"](images)
    np.testing.assert_array_equal(mouth[:, mask], images[:, mask])
    assert (mouth[:, ~mask] == colour).all()
    grey = seen["grey"](images)
    assert (np.ptp(grey, axis=-1) == 0).all()
    assert seen["blurred"](images).std() < images.std() / 4
    np.testing.assert_array_equal(seen["everything"](images), images)

"""Tests of the levels of Table 1."""

import numpy as np
import pytest

from hmhn_jax.base import scales

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0, "none or minimal"),
        (13, "none or minimal"),
        (13.4, "none or minimal"),
        (13.44, "none or minimal"),
        (13.46, "mild"),
        (13.5, "mild"),
        (19.2, "mild"),
        (19.46, "moderate"),
        (20, "moderate"),
        (28.3, "moderate"),
        (28.5, "severe"),
        (63, "severe"),
    ],
)
def test_levels_of_whole_and_other_scores(score, expected):
    assert scales.default().band_name(score) == expected


def test_the_level_is_that_of_the_decimal_which_is_shown():
    band = scales.default().band
    for score in np.arange(0, 63, 0.01, dtype=np.float32):
        assert band(score) == band(float(f"{score:.1f}"))


@pytest.mark.parametrize("score", [-1, 64])
def test_no_level_outside_of_the_scale(score):
    with pytest.raises(ValueError, match=r"BDI-II \(0 to 63\)"):
        scales.default().band(score)

"""The levels of Table 1."""

import pytest

from hmhn_jax.bdi import severity


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0, "none or minimal"),
        (13, "none or minimal"),
        (13.49, "none or minimal"),
        (13.5, "mild"),
        (19, "mild"),
        (20, "moderate"),
        (28, "moderate"),
        (28.5, "severe"),
        (63, "severe"),
    ],
)
def test_levels_of_whole_and_other_scores(score, expected):
    assert severity(score) == expected


@pytest.mark.parametrize("score", [-1, 64])
def test_no_level_outside_of_the_scale(score):
    with pytest.raises(ValueError, match="from 0 to 63"):
        severity(score)

"""Histogram of scores against the bands."""

import numpy as np
import pytest

from hmhn_jax.base import scales
from hmhn_jax.input_pipeline.doctor_scores import MOST_PARTS, histogram

pytestmark = pytest.mark.pure

FRACTIONS = {"name": "F", "least": -1, "greatest": 1.5, "whole": False}


@pytest.mark.parametrize("scale", [*scales.presets().values(), scales.parse(FRACTIONS, "here")])
def test_parts_cover_the_range_once(scale):
    scores = np.linspace(*scale.ends, 113)
    scores = scores.round() if scale.whole else scores
    parts = histogram(scores, scale)
    assert len(parts) <= MOST_PARTS
    assert (parts[0]["least"], parts[-1]["greatest"]) == scale.ends
    assert sum(part["videos"] for part in parts) == len(scores)
    if scale.whole:
        for part in parts:
            inside = (part["least"] <= scores) & (scores <= part["greatest"])
            assert part["videos"] == inside.sum()
            bands = {scale.band_name(score) for score in scores[inside]}
            assert bands <= set(part["bands"])


def test_no_scores_are_no_error():
    assert sum(part["videos"] for part in histogram([], scales.default())) == 0

"""Tests of limits of agreement and severity levels, counted by hand."""

import numpy as np
import pytest

from hmhn_jax.base import scales
from hmhn_jax.evaluation.agreement import limits_of_agreement, severity_confusion

pytestmark = pytest.mark.pure


def test_limits_hold_95_percent_of_normal_differences():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 63, 100_000)
    differences = rng.normal(-2, 5, 100_000)
    limits = limits_of_agreement(scores + differences, scores)
    inside = (limits["limit_low"] < differences) & (differences < limits["limit_high"])
    assert limits["bias"] == pytest.approx(-2, abs=0.1)
    assert inside.mean() == pytest.approx(0.95, abs=0.005)


def test_limits_divide_by_one_less():
    limits = limits_of_agreement(np.array([1.0, 3.0]), np.zeros(2))
    assert limits["limit_high"] - limits["bias"] == pytest.approx(1.96 * np.sqrt(2))


def test_one_video_has_a_bias_and_no_limits():
    assert limits_of_agreement(np.array([7.0]), np.array([5.0])) == {
        "bias": 2.0,
        "limit_low": None,
        "limit_high": None,
    }


def test_confusion_has_a_row_a_true_level():
    scores = np.array([5, 5, 15, 25, 40, 40])
    predictions = np.array([5, 30, 13.6, 19.4, 62, 5])
    expected = [[1, 0, 0, 1], [0, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 1]]
    np.testing.assert_array_equal(
        severity_confusion(predictions, scores, scales.default()), expected
    )

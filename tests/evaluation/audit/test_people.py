"""Tests of correlations over people."""

import numpy as np
import pytest

from hmhn_jax.evaluation.audit import people

pytestmark = pytest.mark.pure


def test_means_are_of_each_person():
    values = np.array([[1.0, 0], [3, 2], [5, 5]])
    np.testing.assert_array_equal(people.person_means(values, ["b", "b", "a"]), [[5, 5], [2, 1]])


def test_what_the_score_explains_is_gone():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 63, 40)
    rest = people.without_score(3 * scores - 0.02 * scores**2 + 7, scores)
    np.testing.assert_allclose(rest, 0, atol=1e-9)
    noise = rng.normal(size=40)
    both = people.without_score(noise + scores, scores)
    np.testing.assert_allclose(both, people.without_score(noise, scores), atol=1e-9)


def test_a_condition_that_shares_only_the_score_is_not_followed():
    """Both correlate with the score, and so with each other, but in nothing else."""
    rng = np.random.default_rng(1)
    scores = rng.uniform(0, 63, 300)
    condition, predictions = (scores + rng.normal(0, 10, 300) for _ in range(2))
    assert np.corrcoef(condition, predictions)[0, 1] > 0.7
    columns = people.without_score(condition[:, None], scores)
    rest = people.without_score(predictions, scores)
    assert abs(people.correlations(columns, rest)[0]) < 0.15
    assert people.adjusted_p_values(columns, rest, scores)[0] > 0.05


def test_p_values_count_all_columns():
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(100):
        scores, values = rng.normal(size=(2, 40))
        columns = people.without_score(rng.normal(size=(40, 15)), scores)
        p = people.adjusted_p_values(columns, people.without_score(values, scores), scores)
        alarms += p.min() < 0.05
    assert alarms <= 11  # 5 expected; more than 11 in 0.4 % of cases

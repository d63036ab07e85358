"""Tests of scores from features: what chooses, and what does not."""

import numpy as np
import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.baselines.regression import fit_predict

pytestmark = pytest.mark.pure
LIMITS = (0.0, 100.0)


@pytest.fixture
def data():
    """Makes 60 training and 40 test videos, scores that follow the first of five features."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(100, 5))
    scores = np.clip(50 + 12 * features[:, 0] + rng.normal(0, 3, 100), *LIMITS)
    people = np.arange(100) // 2
    return features[:60], scores[:60], people[:60], features[60:], scores[60:]


@pytest.mark.parametrize("components", [False, True])
def test_it_finds_what_scores_follow(data, components):
    *train, test, scores = data
    predictions = fit_predict(*train, test, LIMITS, components)
    assert np.abs(predictions - scores).mean() < 0.5 * np.abs(scores - train[1].mean()).mean()


def test_a_test_video_changes_no_other_prediction(data):
    *train, test, _ = data
    together = fit_predict(*train, test, LIMITS)
    changed = np.concatenate([test[:1], 100 + test[1:]])
    assert fit_predict(*train, changed, LIMITS)[0] == together[0]


def test_features_of_a_persons_number_do_not_pay():
    """Each person has features of their own: inside a person they tell all, across people nothing.

    Chosen over videos instead of people, regularisation would be far too weak.
    """
    rng = np.random.default_rng(1)
    people = np.repeat(np.arange(24), 4)
    scores = np.repeat(rng.uniform(0, 60, 24), 4)
    features = rng.normal(size=(24, 30))[people] + rng.normal(0, 0.05, (96, 30))
    others = rng.normal(size=(200, 30))
    predictions = fit_predict(features, scores, people, others, LIMITS)
    assert predictions.std() < 0.6 * scores.std()


def test_missing_numbers_are_filled_and_unknown_columns_left_out(data):
    features, *rest, test, scores = data
    features, test = features.copy(), test.copy()
    features[::7, 0] = np.nan
    test[::7, 0] = np.nan
    features[:, 3] = test[:, 3] = np.nan
    predictions = fit_predict(features, *rest, test, LIMITS)
    assert np.isfinite(predictions).all()
    assert np.corrcoef(predictions, scores)[0, 1] > 0.7


def test_scores_stay_within_the_limits(data):
    *train, test, _ = data
    predictions = fit_predict(*train, 100 * test, (40.0, 55.0))
    assert predictions.min() >= 40
    assert predictions.max() <= 55


def test_too_few_people_or_features_are_refused(data):
    features, scores, people, test, _ = data
    with pytest.raises(UserError, match="at least 2 training people, got 1"):
        fit_predict(features, scores, np.zeros_like(people), test, LIMITS)
    with pytest.raises(UserError, match="no feature is known"):
        fit_predict(np.full_like(features, np.nan), scores, people, test, LIMITS)

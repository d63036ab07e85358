"""Tests of intervals: coverage, and dependence between videos of one person."""

import numpy as np
import pytest

from hmhn_jax.evaluation import metrics
from hmhn_jax.evaluation.bootstrap import bootstrap
from hmhn_jax.recordings.subjects import LEAST_SUBJECTS

pytestmark = pytest.mark.pure


def interval(predictions, scores, subjects, measure=metrics.mean_absolute_error, **settings):
    return bootstrap(measure, predictions, scores, subjects, **settings)


def test_coverage_is_near_95_percent():
    # 100 subjects, as a percentile interval of fewer is too narrow; 400 sets, so the standard
    # error of the share is sqrt(0.95 * 0.05 / 400) = 0.011: four of them either side.
    rng = np.random.default_rng(0)
    truths = {
        metrics.mean_absolute_error: 5 * np.sqrt(2 / np.pi),
        metrics.pearson_correlation: 12 / 13,  # scores of sd 12, errors of sd 5
        metrics.concordance_correlation: 2 * 144 / (144 + 169),
    }
    held = dict.fromkeys(truths, 0)
    for seed in range(400):
        scores = rng.normal(0, 12, 100)
        predictions = scores + rng.normal(0, 5, 100)
        for measure, truth in truths.items():
            found = interval(
                predictions, scores, np.arange(100), measure, num_resamples=400, seed=seed
            )
            held[measure] += found.low <= truth <= found.high
    assert all(0.95 - 0.044 < count / 400 < 0.95 + 0.044 for count in held.values()), held


def test_coverage_with_several_videos_a_subject():
    # Each of 60 people has an error of their own in all of 5 videos; intervals over videos would
    # hold the truth in about 60 % of cases.
    rng = np.random.default_rng(1)
    subjects = np.repeat(np.arange(60), 5)
    held = held_naively = 0
    for seed in range(300):
        errors = np.abs(rng.normal(0, 5, 60))[subjects]
        zeros = np.zeros(300)
        found = interval(errors, zeros, subjects, num_resamples=400, seed=seed)
        naive = interval(errors, zeros, np.arange(300), num_resamples=400, seed=seed)
        truth = 5 * np.sqrt(2 / np.pi)
        held += found.low <= truth <= found.high
        held_naively += naive.low <= truth <= naive.high
    assert 0.95 - 4 * 0.0126 < held / 300 < 0.95 + 4 * 0.0126
    assert held_naively / 300 < 0.75


def test_alike_videos_of_a_person_widen_the_interval():
    rng = np.random.default_rng(2)
    subjects = np.repeat(np.arange(40), 4)
    errors = rng.normal(0, 5, 40)[subjects]
    by_subject = interval(errors, np.zeros(160), subjects)
    by_video = interval(errors, np.zeros(160), np.arange(160))
    # Four equal videos are one: sqrt(4) times as wide.
    ratio = (by_subject.high - by_subject.low) / (by_video.high - by_video.low)
    assert ratio == pytest.approx(2, rel=0.15)


def test_names_of_subjects_and_order_do_not_matter():
    rng = np.random.default_rng(3)
    predictions, scores = rng.uniform(0, 63, (2, 30))
    first = interval(predictions, scores, np.arange(30))
    assert interval(predictions, scores, np.array([f"s{i:02}" for i in range(30)])) == first
    order = rng.permutation(30)
    shuffled = interval(predictions[order], scores[order], np.arange(30)[order])
    assert shuffled.low == pytest.approx(first.low)
    assert shuffled.high == pytest.approx(first.high)


def test_the_block_size_does_not_matter(monkeypatch):
    rng = np.random.default_rng(4)
    predictions, scores = rng.uniform(0, 63, (2, 20))
    subjects = np.repeat(np.arange(10), 2)
    whole = interval(predictions, scores, subjects)
    monkeypatch.setattr("hmhn_jax.evaluation.bootstrap._BLOCK", 700)
    blocks = interval(predictions, scores, subjects)
    assert (blocks.low, blocks.high) == pytest.approx((whole.low, whole.high))


def test_too_few_people_have_none():
    errors = np.arange(100.0)
    few = np.arange(100) % (LEAST_SUBJECTS - 1)
    assert interval(errors, np.zeros(100), few) is None
    enough = np.arange(100) % LEAST_SUBJECTS
    assert interval(errors, np.zeros(100), enough) is not None


def test_a_measure_that_is_not_always_defined_has_none():
    predictions = np.array([1.0] + [0.0] * 19)  # constant in a third of the resamples
    found = interval(predictions, np.arange(20.0), np.arange(20), metrics.pearson_correlation)
    assert found is None


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="same shape"):
        interval(np.zeros(3), np.zeros(3), np.zeros(2))

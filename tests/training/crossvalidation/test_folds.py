"""Tests of the division into folds: properties that hold for any people."""

import collections

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold

from hmhn_jax.base.errors import UsageError
from hmhn_jax.training.crossvalidation.folds import balanced_folds

pytestmark = pytest.mark.pure

PEOPLE = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=6),
    st.lists(st.integers(0, 40).map(float), min_size=1, max_size=5),
    min_size=2,
    max_size=40,
)


def drawn(rng):
    """Draws 20 to 200 people with 1 to 5 videos each, scores skewed as of questionnaires."""
    levels = 63 * rng.beta(1.0, 2.5, rng.integers(20, 201))
    return {
        f"person{index}": np.clip(np.round(level + rng.normal(0, 3, rng.integers(1, 6))), 0, 63)
        for index, level in enumerate(levels)
    }


def largest_distance(scores, folds):
    means = [scores[folds == fold].mean() for fold in np.unique(folds)]
    return np.abs(np.array(means) - scores.mean()).max()


@settings(max_examples=60, deadline=None)
@given(PEOPLE, st.integers(2, 8), st.integers(0, 3))
def test_everybody_is_in_one_fold_of_as_many_people_as_any(people, num_folds, seed):
    num_folds = min(num_folds, len(people))
    folds = balanced_folds(people, num_folds, seed)
    assert folds.keys() == people.keys()
    sizes = collections.Counter(folds.values())
    assert set(sizes) == set(range(num_folds))
    assert max(sizes.values()) - min(sizes.values()) <= 1


@settings(max_examples=40, deadline=None)
@given(PEOPLE, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(people, random):
    names = list(people)
    random.shuffle(names)
    shuffled = {name: random.sample(people[name], len(people[name])) for name in names}
    assert balanced_folds(shuffled, 2) == balanced_folds(people, 2)


@settings(max_examples=40, deadline=None)
@given(PEOPLE, st.data())
def test_groups_stay_whole(people, data):
    sites = data.draw(
        st.lists(st.sampled_from("ABCDE"), min_size=len(people), max_size=len(people))
    )
    group_of = dict(zip(people, sites, strict=True))
    number = len(set(sites))
    if number < 2:
        with pytest.raises(UsageError, match="number of groups, 1, got 2"):
            balanced_folds(people, 2, group_of=group_of)
        return
    folds = balanced_folds(people, number, group_of=group_of)  # leave one group out
    assert len({(group_of[name], folds[name]) for name in people}) == number
    folds = balanced_folds(people, 2, group_of=group_of)
    assert len({(group_of[name], folds[name]) for name in people}) == number
    assert set(folds.values()) == {0, 1}


def test_a_fold_of_each_person():
    people = {str(number): [float(number)] for number in range(7)}
    assert sorted(balanced_folds(people, 7).values()) == list(range(7))
    with pytest.raises(UsageError, match="from 2 to the number of groups, 7, got 8"):
        balanced_folds(people, 8)


def test_another_seed_divides_differently():
    people = drawn(np.random.default_rng(0))
    assert balanced_folds(people, 5, seed=0) != balanced_folds(people, 5, seed=1)


def test_folds_are_alike_in_videos_and_in_the_whole_distribution():
    people = {f"p{number}": [float(number % 40)] * (1 + number % 5) for number in range(100)}
    folds = balanced_folds(people, 5)
    videos, low, high = np.zeros(5), np.zeros(5), np.zeros(5)
    for name, fold in folds.items():
        videos[fold] += len(people[name])
        low[fold] += people[name][0] < 10
        high[fold] += people[name][0] >= 30
    assert np.ptp(videos) <= 3  # of 60
    assert np.ptp(low) <= 2
    assert np.ptp(high) <= 2


def test_scores_are_balanced_at_least_twice_as_well_as_by_size_alone():
    rng = np.random.default_rng(0)
    distances = []
    for _ in range(40):  # benchmarks/studies/folds.py: of 1,000
        people = drawn(rng)
        scores = np.concatenate(list(people.values()))
        names = np.repeat(list(people), [len(each) for each in people.values()])
        folds = balanced_folds({name: each.tolist() for name, each in people.items()}, 5)
        theirs = np.zeros(len(scores), int)
        for fold, (_, test) in enumerate(GroupKFold(5).split(scores, groups=names)):
            theirs[test] = fold
        ours = np.array([folds[name] for name in names])
        distances.append((largest_distance(scores, ours), largest_distance(scores, theirs)))
    ours, theirs = np.median(distances, axis=0)
    assert ours <= theirs / 2

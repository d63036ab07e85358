import itertools
from collections import Counter

import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.recordings.subjects import assign_splits

pytestmark = pytest.mark.pure

PEOPLE = [f"p{number}" for number in range(20)]


def test_shares_are_met():
    assert Counter(assign_splits(PEOPLE, (0.6, 0.2, 0.2)).values()) == {
        "train": 12,
        "validation": 4,
        "test": 4,
    }
    assert Counter(assign_splits(PEOPLE, (0.8, 0, 0.2)).values()) == {"train": 16, "test": 4}


def test_neither_order_nor_repetition_matter_but_the_seed_does():
    dealt = assign_splits(PEOPLE, (0.6, 0.2, 0.2))
    assert assign_splits(PEOPLE[::-1] + PEOPLE[:5], (0.6, 0.2, 0.2)) == dealt
    assert assign_splits(PEOPLE, (0.6, 0.2, 0.2), seed=1) != dealt


def test_every_split_with_a_share_gets_someone():
    for count, shares in itertools.product(range(3, 12), [(0.98, 0.01, 0.01), (0.4, 0.3, 0.3)]):
        dealt = assign_splits(PEOPLE[:count], shares)
        assert len(dealt) == count
        assert set(dealt.values()) == {"train", "validation", "test"}


@pytest.mark.parametrize("shares", [(0.5, 0.2, 0.2), (1.2, -0.2, 0), (0.5, 0.5)])
def test_refuses_shares_that_do_not_add_up(shares):
    with pytest.raises(UserError, match="add up to 1"):
        assign_splits(PEOPLE, shares)


def test_refuses_fewer_subjects_than_splits():
    with pytest.raises(UserError, match=r"at least 3 subjects .* got 2"):
        assign_splits(PEOPLE[:2], (0.6, 0.2, 0.2))

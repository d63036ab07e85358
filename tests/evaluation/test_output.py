"""Tests of what is said of an evaluation."""

import pytest

from hmhn_jax.evaluation.output import caution

pytestmark = pytest.mark.pure


def results(synthetic=False, split="test", validation_split="validation"):
    data = {"validation_split": validation_split}
    return {"synthetic": synthetic, "split": split, "config": {"data": data}}


def test_a_look_at_the_test_videos_is_said():
    line = caution(results())
    assert "looked at the videos of test" in line
    assert "--mode evaluate --config.data.test_split=validation" in line


@pytest.mark.parametrize(
    "changed", [{"synthetic": True}, {"split": "validation"}, {"validation_split": ""}]
)
def test_where_there_is_nothing_to_be_careful_of(changed):
    assert caution(results(**changed)) is None

"""A clock that advances, whatever packets say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmhn_jax.faces.media.clock import NO_TIME, arranged

pytestmark = pytest.mark.pure

MILLISECOND = 0.001

clips = st.tuples(
    st.integers(-(10**9), 10**9),  # where its clock begins, in milliseconds
    st.integers(30, 400),  # frames
    st.integers(10, 300),  # milliseconds a frame
    st.integers(0, 3),  # frames by which showing is reordered
)


@settings(max_examples=300, deadline=None)
@given(st.lists(clips, min_size=1, max_size=5), st.booleans())
def test_parts_of_any_clocks_make_one_that_advances(parts, has_decoding_times):
    shown, decoded, true_ms = [], [], 0
    for start, count, step, reordered in parts:
        order = np.arange(count)
        for at in range(0, count - reordered, reordered + 1):  # the last of a group comes first
            order[at : at + reordered + 1] = np.roll(order[at : at + reordered + 1], 1)
        shown.append(start + step * order)
        decoded.append(start + step * (np.arange(count) - reordered))
        true_ms += count * step
    shown, decoded = np.concatenate(shown), np.concatenate(decoded)
    if not has_decoding_times:
        decoded = np.full_like(decoded, NO_TIME)
    mapped, counted, step, notes = arranged(shown, decoded, MILLISECOND, 40)
    assert not counted.any()
    if not notes:  # one clock, or parts that lie one after the other by themselves
        np.testing.assert_array_equal(mapped, shown)
    else:
        # No part lies on another, and no pause is longer than everything that is shown.
        assert np.unique(mapped // 10).size > 0.5 * np.unique(mapped).size
        assert np.diff(np.sort(mapped)).max() <= max(60_000, true_ms) + 1


def test_times_that_stand_still_for_a_while_go_on():
    times = np.concatenate([np.arange(100), np.full(200, 99), 99 + np.arange(1, 100)]) * 40
    mapped, counted, _, notes = arranged(times, times, MILLISECOND, 40)
    np.testing.assert_array_equal(mapped, 40 * np.arange(399))
    assert counted[99:300].all()
    assert not counted[:99].any()
    assert "stand still" in notes[0]
    caught_up = np.where(np.arange(399) < 300, times, 40 * np.arange(399))
    mapped, *_ = arranged(caught_up, caught_up, MILLISECOND, 40)
    np.testing.assert_allclose(mapped, 40 * np.arange(399), atol=200)


def test_times_that_are_missing_for_a_while_go_on():
    times = 40 * np.arange(300)
    times[100:200] = NO_TIME
    mapped, counted, _, _ = arranged(times, times, MILLISECOND, 40)
    np.testing.assert_allclose(mapped, 40 * np.arange(300), atol=200)
    assert counted[100:200].all()


def test_one_bad_stretch_is_brought_back():
    times = 40 * np.arange(300)
    times[100:110] += 40_000  # ahead by less than a minute, and back
    mapped, counted, _, _ = arranged(times, times, MILLISECOND, 40)
    np.testing.assert_array_equal(mapped, 40 * np.arange(300))
    assert not counted.any()


def test_times_on_whole_seconds_stay():
    times = np.arange(300) // 25 * 1000
    mapped, _, _, notes = arranged(times, times, MILLISECOND, 40)
    np.testing.assert_array_equal(mapped, times)
    assert notes == ()

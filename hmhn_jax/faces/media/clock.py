"""Clocks of packets that go back, jump, stand still or are missing, made one that advances."""

import itertools

import numpy as np

from hmhn_jax.base import notices

# Times that go back by more than this are of another recording. Where packets have no decoding
# times, those of showing a frame count, which go back a little where frames are reordered.
BACK_S, BACK_WITHOUT_DECODING_TIMES_S = 0.5, 5.0
# A pause longer than this, and than all the rest of the file, is a fault of its clock: a jump.
LONG_PAUSE_S = 60
LONG_PAUSE_OF_WRONG_CLOCK_S = 2  # once the clock was seen to be wrong
# No frame is shown longer than this, or more frames, after it is decoded.
MOST_REORDERED_S, MOST_REORDERED = 5.0, 16
NO_TIME = np.iinfo(np.int64).min
FAR = 1 << 60  # ticks; the difference of any two times within is a number of 64 bits


def arranged(
    shown: np.ndarray, decoded: np.ndarray, base: float, frame_ticks: int
) -> tuple[np.ndarray, np.ndarray, int, tuple[str, ...]]:
    """Returns each packet's time, which are to be counted instead, ticks a frame, and notes.

    At least one packet is to be `shown` and `decoded` at these times, i64[packets]. A tick is
    `base` seconds; by the frame rate there are `frame_ticks` from one frame to the next.
    """
    shown, decoded = (
        np.where(each == NO_TIME, NO_TIME, np.clip(each, -FAR, FAR)) for each in (shown, decoded)
    )
    counted = shown == NO_TIME
    if counted.all():
        return frame_ticks * np.arange(len(shown)), counted, frame_ticks, ()
    both = ~counted & (decoded != NO_TIME)
    delay = int(np.median(shown[both] - decoded[both])) if both.any() else 0
    clock, missing = _filled(np.where(counted | both, decoded, shown - delay))
    known = np.unique(shown[~counted])
    steps = np.diff(known)
    step = int(np.median(steps)) if len(steps) else frame_ticks
    deltas = np.diff(clock)

    back_s = np.where(both[1:] & both[:-1], BACK_S, BACK_WITHOUT_DECODING_TIMES_S)
    back = deltas * base < -back_s
    longest = max(LONG_PAUSE_S / base, steps[steps <= LONG_PAUSE_S / base].sum())
    wrong = back | (deltas > longest)
    if wrong.any():
        wrong = back | (deltas > max(LONG_PAUSE_OF_WRONG_CLOCK_S / base, 10 * step))
    deltas[wrong] = step
    still = _spread_still_times(deltas, missing, frame_ticks, base)
    advanced = clock[0] + np.concatenate([[0], np.cumsum(deltas)])

    counted |= still
    delays = np.where(counted, delay, shown - clock)
    strange = np.flatnonzero(np.abs(delays - delay) > MOST_REORDERED_S / base)
    delays[strange] = np.delete(delays, strange).min(initial=delay)
    _push_apart(advanced, delays, np.flatnonzero(wrong) + 1, step)
    # Where clocks meet, a frame may be decoded by one and shown by another.
    for number in strange.tolist():
        first = max(0, number - MOST_REORDERED)
        others = shown[number] - clock[first : number + MOST_REORDERED + 1]
        nearest = np.argmin(np.abs(others - delay))
        delays[number] = others[nearest] + advanced[first + nearest] - advanced[number]
        counted[number] = abs(others[nearest] - delay) > MOST_REORDERED_S / base
    times = advanced + np.where(counted, delay, delays)
    notes: tuple[str, ...] = ()
    if wrong.any():
        notes += (f"its times go back or jump {notices.times(wrong.sum())}: joined or damaged?",)
    if still.any():
        notes += ("its times stand still: frames were taken by their number",)
    return times, counted, step, notes


def _filled(clock):
    """Returns a clock whose missing times are those before, and which were missing."""
    missing = clock == NO_TIME
    last_known = np.maximum.accumulate(np.where(missing, -1, np.arange(len(clock))))
    last_known = np.where(last_known < 0, np.argmin(missing), last_known)
    return clock[last_known], missing


def _spread_still_times(deltas, missing, frame_ticks, base):
    """Lets a clock go on, in place, where it stood still; returns bool[packets], where that was.

    Either it caught up afterwards, and its steps get their share of that, or frames follow each
    other by the frame rate. One that stands still for less than a second and catches up is only
    coarse.
    """
    still = np.zeros(len(missing), bool)
    zero = np.concatenate([[0], deltas == 0, [0]]).astype(np.int8)
    for first, last in np.flatnonzero(np.diff(zero)).reshape(-1, 2).tolist():
        count = last - first
        ends = first > 0 and last == len(deltas)
        ahead = 0 if last == len(deltas) else deltas[last]
        catches_up = ahead > 0.5 * count * frame_ticks
        coarse = count < 2 or ((catches_up or ends) and count * frame_ticks * base < 1)
        if coarse and not missing[first + 1 : last + 1].any():
            continue
        if catches_up:
            deltas[first : last + 1] = ahead // (count + 1)
        else:
            deltas[first:last] = frame_ticks
        still[first : last + 1] = True
    return still


def _push_apart(advanced, delays, bounds, step):
    """Moves parts of a clock, in place, so that each is shown after the one before."""
    moved, end = 0, None
    for first, last in itertools.pairwise([0, *bounds, len(advanced)]):
        part = advanced[first:last]
        if end is not None:
            moved += max(0, end + step - moved - (part + delays[first:last]).min())
        part += moved
        end = (part + delays[first:last]).max()

"""Timing of programs on a device, without waiting for it between steps."""

import time
from collections.abc import Callable

ROUND_S = 0.25  # as many steps as take about this long
MOST_STEPS = 100


def measure(step: Callable[[], None], wait: Callable[[], None], rounds: int) -> dict:
    """Compiles, warms up and times a program.

    Args:
      step: hands one step to the device, and need not wait for it.
      wait: returns when the device has done all steps.
      rounds: to time; a round is all its steps, and then one wait.

    Returns:
      "first_s", the first step, which compiles; "steps", of a round; "seconds", of one step, a
      number a round.
    """
    first_s = _seconds(step, wait, 1)
    _seconds(step, wait, 1)  # what is done once more, lazily
    steps = min(MOST_STEPS, max(1, round(ROUND_S / _seconds(step, wait, 3))))
    return {
        "first_s": first_s,
        "steps": steps,
        "seconds": [_seconds(step, wait, steps) for _ in range(rounds)],
    }


def _seconds(step, wait, count):
    """Returns the mean seconds of one of `count` steps."""
    start = time.perf_counter()
    for _ in range(count):
        step()
    wait()
    return (time.perf_counter() - start) / count

"""How long the devices wait for data."""

import time
from collections.abc import Iterator
from typing import Any

from hmhn_jax import devices


def next_batch(batches: Iterator[dict], last_metrics: Any) -> tuple[dict, float]:
    """The next batch, and how many seconds it kept the devices waiting, at most.

    The host runs ahead of the devices: while they still compute the metrics of the last step, that
    the host waits for a batch costs nothing.
    """
    asked = time.monotonic()
    batch = next(batches)
    seconds = time.monotonic() - asked
    return batch, seconds if devices.are_done(last_metrics) else 0.0

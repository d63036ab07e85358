"""Step timing, and the share of time that devices wait for data."""

import time
from collections.abc import Iterator
from typing import Any

from hmhn_jax.runtime import devices


class StepTimer:
    """Times the steps since the last lap."""

    def __init__(self):
        self.restart()

    def restart(self) -> None:
        """Restarts the timing."""
        self._steps, self._waited, self._started = 0, 0.0, time.monotonic()

    def wait(self, batches: Iterator[dict], last_metrics: Any) -> dict:
        """Returns the next batch; notes the time that the devices wait for it.

        The host runs ahead of the devices: while they still compute the metrics of the last step,
        that the host waits for a batch costs nothing.
        """
        asked = time.monotonic()
        batch = next(batches)
        self._steps += 1
        if devices.are_done(last_metrics):
            self._waited += time.monotonic() - asked
        return batch

    def lap(self, batch_size: int) -> dict[str, float]:
        """Returns crops per second, and at most which share of the time the devices waited."""
        elapsed = time.monotonic() - self._started
        return {
            "crops_per_second": self._steps * batch_size / elapsed,
            "data_wait_fraction": self._waited / elapsed,
        }

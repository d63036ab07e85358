"""Tests that the wait for data is measured where it costs time."""

import time

import jax.numpy as jnp
import pytest

from hmhn_jax.training.timer import StepTimer

pytestmark = pytest.mark.pure


class Computing:
    """Stands for an array that a device is still computing."""

    def is_ready(self):
        return False


def slow_batches():
    while True:
        time.sleep(0.02)
        yield {"scores": 1}


def wait_once(last_metrics):
    timer = StepTimer()
    assert timer.wait(slow_batches(), last_metrics) == {"scores": 1}
    return timer.lap(batch_size=8)


def test_a_wait_for_data_is_measured():
    for last_metrics in ([], [{"loss": jnp.zeros(()).block_until_ready()}]):
        lap = wait_once(last_metrics)
        assert 0.5 < lap["data_wait_fraction"] <= 1
        assert 0 < lap["crops_per_second"] <= 8 / 0.02


def test_no_wait_while_the_devices_have_work():
    assert wait_once([{"loss": Computing()}])["data_wait_fraction"] == 0


def test_a_lap_is_of_what_came_after_the_restart():
    timer, batches = StepTimer(), slow_batches()
    for _ in range(3):
        timer.wait(batches, [])
    timer.restart()
    time.sleep(0.01)
    lap = timer.lap(batch_size=8)
    assert lap == {"crops_per_second": 0, "data_wait_fraction": 0}

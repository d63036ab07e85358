"""What training says of itself: the wait for data. The run as a whole is in test_run.py."""

import time

import jax.numpy as jnp
import pytest

from hmhn_jax.step_timer import StepTimer
from hmhn_jax.train import figures


class Computing:
    """Stands for an array that a device is still at."""

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


@pytest.mark.parametrize(
    ("means", "text"),
    [
        ({"loss": 1.234, "data_wait_fraction": 0.04}, "loss 1.23"),
        ({"loss": 1.0, "data_wait_fraction": 0.123}, "loss 1.00, waited for data 12 %"),
        (
            {"grad_norm": 1.0, "loss": 1.0, "validation_mae": 9.0, "data_wait_fraction": 0.5},
            "loss 1.00, validation_mae 9.00, waited for data 50 %",
        ),
    ],
)
def test_the_line_of_an_epoch(means, text):
    assert figures(means) == text

"""Lines that training prints. test_run.py has whole runs."""

from types import SimpleNamespace

import pytest

from configs import default
from hmhn_jax.training.train import epoch_line, time_line

pytestmark = pytest.mark.pure


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
    run = SimpleNamespace(steps_per_epoch=4, config=default.get_config())
    epochs = run.config.train.num_epochs
    assert epoch_line(run, 6, means) == f"epoch 1.5/{epochs}: {text}"


def test_the_line_of_the_time_left():
    config = default.get_config()
    run = SimpleNamespace(steps_per_epoch=60, num_steps=480, config=config)
    seconds = 460 * config.train.batch_size / 100  # at 100 crops a second
    said = time_line(run, 20, crops_per_second=100.0)
    epoch = 60 * config.train.batch_size / 100
    assert (
        said == f"about {seconds / 60:.1f} minutes to train: 0.010 s a crop, {epoch:.0f} s an epoch"
    )

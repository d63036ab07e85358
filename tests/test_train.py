"""What training says of itself. The run as a whole is in test_run.py."""

import pytest

from hmhn_jax.train import figures


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

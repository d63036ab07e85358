"""Tests of tables and figures for files of any name."""

import csv
import dataclasses
import os

import numpy as np
import pytest

from hmhn_jax.base import scales
from hmhn_jax.faces.crop import Crop
from hmhn_jax.prediction.output import plots
from hmhn_jax.prediction.output import tables as prediction_tables
from hmhn_jax.prediction.result import Prediction

NAMES = ["$\\frac{$.mp4", "$x$.mp4", "a\nb\x1b[2J.mp4", os.fsdecode(b"caf\xe9.mp4"), "<b>.mp4"]


@pytest.fixture(params=NAMES)
def made(request, tmp_path):
    crops = tuple(
        Crop(b"", index, float(index), (0, 0, 9, 9), np.zeros((2, 2)), 1.0) for index in range(3)
    )
    path = tmp_path / request.param
    return Prediction(path, score=9.0, crops=crops, frame_scores=np.full((1, 3), 9.0, np.float32))


def test_dollar_signs_in_a_title_are_no_formula(made, tmp_path):
    path = tmp_path / "scores.png"
    plots.scores_over_time(path, made, synthetic=False)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_tables_hold_every_name(made, tmp_path):
    with prediction_tables.open_tables(tmp_path, 1, scales.default(), "origin") as tables:
        tables.add(dataclasses.replace(made, error="e"))
    with (tmp_path / "predictions.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["file"] == str(made.path).encode("utf-8", "backslashreplace").decode()

"""Tests of the gallery for the README."""

import runpy
import sys

import cv2
import numpy as np
import pytest

from hmhn_jax.recordings.synthetic.gallery import contact_sheet


def test_every_subject_is_shown_at_every_score():
    tile, scores = 64, (3, 50)
    sheet = contact_sheet(scores=scores, num_subjects=3, tile=tile, people_per_row=2)
    caption = sheet.shape[0] - 2 * tile  # two rows of people
    assert caption > 0
    assert sheet.shape[1] == 2 * len(scores) * tile
    faces = sheet[caption:]
    low, high = faces[:tile, :tile], faces[:tile, tile : 2 * tile]
    assert not np.array_equal(low, high)
    assert (faces[tile:, 2 * tile :] == 255).all()  # the fourth place is empty
    assert (sheet[:caption] < 128).any()  # captions are written


def test_command_writes_a_png(tmp_path, monkeypatch):
    output = tmp_path / "faces.png"
    monkeypatch.setattr(sys, "argv", ["synthetic", str(output), "--subjects", "1"])
    runpy.run_module("hmhn_jax.recordings.synthetic", run_name="__main__")
    assert cv2.imread(str(output)) is not None


def test_command_says_why_it_cannot_write(tmp_path, monkeypatch, capsys):
    output = tmp_path / "missing" / "faces.png"
    monkeypatch.setattr(sys, "argv", ["synthetic", str(output), "--subjects", "1"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_module("hmhn_jax.recordings.synthetic", run_name="__main__")
    assert stopped.value.code == 1
    assert str(output) in capsys.readouterr().err

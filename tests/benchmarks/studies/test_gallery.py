"""Tests of the gallery for the README."""

import sys

import cv2
import numpy as np

from benchmarks.studies import gallery


def test_every_subject_is_shown_at_every_score():
    tile, scores = 64, (3, 50)
    sheet = gallery.gallery(scores=scores, num_subjects=3, tile=tile)
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
    monkeypatch.setattr(sys, "argv", ["gallery", "--output", str(output)])
    monkeypatch.setattr(gallery, "gallery", lambda: np.zeros((8, 8, 3), np.uint8))
    gallery.main()
    assert cv2.imread(str(output)) is not None

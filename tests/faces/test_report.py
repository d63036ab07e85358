"""Tests of what is said of a build: crops, and videos in which faces were missed."""

from pathlib import Path

import pytest

from hmhn_jax.faces.report import CropReport, outcome
from hmhn_jax.recordings.recording import Recording

pytestmark = pytest.mark.pure


def report(name, sampled, crops, failure=None):
    recording = Recording(Path(f"{name}.mp4"), name, name, "talking", "train", 3.0)
    return CropReport(recording, "a" * 64, sampled, crops, failure=failure)


def test_the_worst_video_is_first():
    reports = [
        report("good", 10, 10),
        report("some", 10, 9),
        report("bad", 10, 4),
        report("none", 0, 0, "not a readable video"),
    ]
    assert outcome(reports) == [
        "23 crops of 3 videos",
        "no crops of none.mp4: not a readable video",
        "no face in 6 of 10 frames of bad.mp4",
        "no face in 1 of 10 frames of some.mp4",
    ]


def test_nothing_missed_is_said():
    assert outcome([report("good", 10, 10)])[1:] == ["a face in every frame that was looked at"]

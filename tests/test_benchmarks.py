import dataclasses

import numpy as np
import pytest

from benchmarks import faces


def test_faces_measures_speed_and_agreement(tmp_path):
    scale = dataclasses.replace(faces.QUICK, num_videos=1, frames_per_scene=10)
    results = faces.measure(scale, tmp_path)
    for values in results["programs"].values():
        assert values["crops_per_second"] > 0
        assert values["without_face"] == 0
    assert results["programs"][faces.UPSAMPLE]["frames"] == 4
    # A scene cut lies between.
    for error in results["eye_error_percent"].values():
        assert error["mean"] < 2
        assert error["max"] < 4

    text = faces.table(results)
    assert "| engine, two processes | " in text
    assert {line.count("|") for line in text.splitlines() if line.startswith("|")} == {8}


def test_eye_errors_are_percent_of_the_eye_distance():
    there = np.array([[0.0, 0.0], [50.0, 0.0]])
    here = there + np.array([0.0, 1.0])
    assert faces.eye_errors([here, None], [there, there]) == pytest.approx([2.0])

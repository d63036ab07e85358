import importlib.util

import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.faces.detection import detector


def test_says_what_to_install_without_the_landmark_model(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="install the package face-recognition-models"):
        detector.load_detector()


def test_overlap_is_a_share():
    assert detector.overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert detector.overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert detector.overlap((0, 0, 10, 10), (20, 20, 30, 30)) == 0

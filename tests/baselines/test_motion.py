"""Tests of head motion."""

import numpy as np
import pytest

from hmhn_jax.baselines.motion import motion

pytestmark = pytest.mark.pure

PATH = np.stack([12.0 * np.arange(8), np.zeros(8)], axis=1)  # pixels, 60 between the eyes


def test_a_still_head_has_no_motion_wherever_it_is(make_video):
    still = motion(make_video(places=(50.0, 20.0), roll=5.0, size=1.3))
    assert still.pop("tilt") == pytest.approx(5, abs=1e-3)
    assert max(map(abs, still.values())) < 1e-4


def test_speed_is_in_eye_distances_a_second(make_video):
    assert motion(make_video(places=PATH))["speed_mean"] == pytest.approx(12 / 60, rel=1e-4)


def test_the_cameras_distance_does_not_count(make_video):
    near = motion(make_video(places=2 * PATH, size=2.0))
    far = motion(make_video(places=PATH))
    assert near["speed_p90"] == pytest.approx(far["speed_p90"], rel=1e-4)
    assert near["displacement_sd"] == pytest.approx(far["displacement_sd"], rel=1e-4)


def test_roll_and_scale_are_told_apart(make_video):
    turns = np.array([0.0, 10.0] * 4)
    rolled = motion(make_video(roll=turns))
    assert rolled["roll_sd"] == pytest.approx(0, abs=1e-3)  # of the absolute distance from 5
    assert rolled["roll_mean"] == pytest.approx(5, abs=1e-3)
    assert rolled["roll_speed_mean"] == pytest.approx(10, abs=1e-3)
    assert rolled["scale_p90"] == pytest.approx(0, abs=1e-4)
    nearing = motion(make_video(size=np.linspace(1, 1.5, 8)))
    assert nearing["scale_p90"] > 0.1
    assert nearing["roll_speed_p90"] == pytest.approx(0, abs=1e-4)


def test_a_single_crop_has_numbers(make_video):
    alone = motion(make_video(num_crops=1))
    assert all(np.isfinite(list(alone.values())))
    assert alone["speed_mean"] == 0

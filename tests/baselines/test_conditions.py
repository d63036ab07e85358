"""Tests of recording conditions: each follows what it is named after, and nothing else."""

import numpy as np
import pytest

from hmhn_jax.baselines.conditions import conditions

pytestmark = pytest.mark.pure


def picture(level=128, spread=30.0):
    noise = np.random.default_rng(0).normal(0, spread, (4, 32, 32, 1))
    return np.clip(level + noise.repeat(3, axis=-1), 0, 255).astype(np.uint8)


def test_each_condition_follows_its_own_cause(make_video):
    plain = conditions(make_video(picture()))
    lighter = conditions(make_video(picture(level=158)))
    assert lighter["brightness"] - plain["brightness"] == pytest.approx(30, abs=1)
    assert lighter["cheek_brightness"] - plain["cheek_brightness"] == pytest.approx(30, abs=1)
    assert lighter["red_cast"] == pytest.approx(plain["red_cast"], abs=0.1)

    blurred = picture()
    blurred[:, 1:-1, 1:-1] = blurred[:, :-2, 1:-1] // 2 + blurred[:, 2:, 1:-1] // 2
    assert conditions(make_video(blurred))["sharpness"] < plain["sharpness"]

    red = picture()
    red[..., 0] = np.minimum(red[..., 0].astype(int) + 20, 255)
    assert conditions(make_video(red))["red_cast"] > plain["red_cast"] + 15
    assert conditions(make_video(red))["blue_cast"] == pytest.approx(plain["blue_cast"], abs=0.1)

    marked = picture()
    marked[:, :2] = 255
    found = conditions(make_video(marked))
    assert found["brightness"] > plain["brightness"] + 20
    assert found["cheek_brightness"] == plain["cheek_brightness"]

    nearer = conditions(make_video(picture(), size=2.0, places=(40.0, -10.0)))
    assert nearer["face_size"] == 2 * plain["face_size"]
    assert (nearer["face_x"], nearer["face_y"]) == (340, 190)


def test_no_condition_follows_eyes_nose_and_mouth(make_video):
    plain, moved = picture(), picture()
    moved[:, 4:12, 6:26] = 0  # eyes and brows
    moved[:, 20:28, 8:24] = 255  # the mouth
    one, other = (conditions(make_video(each)) for each in (plain, moved))
    for name in ("brightness", "contrast", "red_cast", "cheek_brightness"):
        assert one[name] == other[name], name


def test_what_the_dataset_does_not_say_is_missing(make_video):
    said = conditions(make_video(recorded={"fps": 25.0, "duration_s": 60, "width": None}))
    assert (said["fps"], said["duration_s"]) == (25, 60)
    assert np.isnan(said["width"])
    assert np.isnan(said["bit_rate"])
    assert all(np.isfinite(said[name]) for name in ("brightness", "sharpness", "face_size"))

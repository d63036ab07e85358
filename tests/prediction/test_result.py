"""Tests of scores, abstention and warnings."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hmhn_jax.faces.crop import Crop, CropFailure, CropSettings, VideoCrops
from hmhn_jax.faces.warnings import abstention
from hmhn_jax.prediction import result

pytestmark = pytest.mark.pure

VIDEO = Path("a.mp4")
SETTINGS = CropSettings()
DATA = {"num_videos": {"train": 3, "test": 1}, "num_frames_sampled": 160}  # 40 a video


def video(found, sampled, boxes=None, is_picture=False):
    boxes = boxes or [(10, 10, 50, 50)] * found
    crops = tuple(
        Crop(b"", index, index / 2, box, np.zeros((2, 2)), 1.0) for index, box in enumerate(boxes)
    )
    return VideoCrops(crops, sampled, "", is_picture=is_picture)


def summarise(crops, scores, duration_s=30.0, data=DATA, is_picture=False):
    crops = dataclasses.replace(crops, is_picture=is_picture)
    return result.summarise(VIDEO, crops, np.array(scores), duration_s, data)


def test_score_is_the_mean_over_frames_and_members():
    made = summarise(video(3, 20), [[1.0, 2.0, 6.0], [3.0, 4.0, 8.0]], is_picture=True)
    assert made.score == 4.0
    assert made.band == "none or minimal"
    assert made.score_std == pytest.approx(np.std([2, 3, 7], ddof=1))
    assert made.members_std == pytest.approx(np.sqrt(2))
    assert made.face_found_rate == 3 / 20
    assert made.frames_used == 3
    np.testing.assert_array_equal(made.mean_scores, [2, 3, 7])


@pytest.mark.parametrize(
    ("points", "score", "band"), [(-4, 0, "none or minimal"), (70, 63, "severe")]
)
def test_score_is_clipped_as_a_whole(points, score, band):
    made = summarise(video(3, 3), [[points] * 3])
    assert (made.score, made.band, made.members_std) == (score, band, None)
    assert summarise(video(2, 2), [[-10.0, 20.0]]).score == 5.0


@pytest.mark.parametrize(
    ("is_picture", "found", "sampled", "abstains"),
    [
        (False, 2, 2, True),
        (False, 3, 3, False),
        (False, 3, 15, False),
        (False, 3, 16, True),
        (True, 1, 1, False),
    ],
)
def test_too_little_of_a_face_gives_no_score(is_picture, found, sampled, abstains):
    reason = abstention(video(found, sampled, is_picture=is_picture))
    assert (reason is not None) == abstains
    if abstains:
        assert f"a face in {found} of {sampled} frames" in reason


def test_no_face_is_no_error():
    made = result.failed(VIDEO, CropFailure("no face", "", num_sampled=4), 4.0)
    assert made.error is None
    assert made.warnings == ("no score: no face",)
    assert (made.score, made.face_found_rate, made.frames_used) == (None, 0.0, 0)
    made = result.failed(VIDEO, CropFailure("no video", None), None)
    assert (made.error, made.warnings, made.face_found_rate) == ("no video", (), None)


SOUND = {"crops": video(20, 20), "scores": [[10.0, 12.0] * 10]}


def test_other_people_cause_a_warning():
    crowded = dataclasses.replace(video(20, 20), num_crowded=2)
    (warning,) = summarise(crowded, SOUND["scores"]).warnings
    assert warning == "more than one face in at least 2 of 20 frames: the largest was followed"
    (warning,) = summarise(crowded, SOUND["scores"], is_picture=True).warnings
    assert warning == "more than one face: the largest was scored"


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({}, None),
        ({"crops": video(20, 29)}, "a face in only 20 of 29 frames"),
        ({"crops": video(20, 28)}, None),
        ({"scores": [[0.0, 30.0] * 10]}, "the frames' scores differ much (standard deviation 15.4"),
        (
            {"crops": video(20, 20, [(0, 0, 9, 9)] * 10 + [(20, 0, 29, 9)] * 10)},
            "the face jumps to another place once",
        ),
        ({"crops": video(9, 9), "scores": [[10.0] * 9]}, "short: 9 frames; videos for training"),
        ({"crops": video(9, 9), "scores": [[10.0] * 9], "data": {}}, None),
        ({"crops": video(20, 20, [(x, 0, x + 9, 9) for x in range(0, 100, 5)])}, None),  # she moves
        ({"duration_s": None}, None),
    ],
)
def test_warnings(changes, warning):
    warnings = summarise(**(SOUND | changes)).warnings
    assert len(warnings) == (warning is not None)
    assert all(each.startswith(warning) for each in warnings)
    assert summarise(**(SOUND | changes), is_picture=True).warnings == ()


def test_crops_are_made_as_for_the_training():
    stored = CropSettings(size=112, padding=0.4, rate_hz=5.0, max_frames_per_video=300)
    settings, warning = result.crop_settings({"crops": dataclasses.asdict(stored)})
    assert (settings, warning) == (stored, None)


def test_a_long_video_has_no_more_crops_than_the_default_limit():
    stored = CropSettings(rate_hz=None, max_frames_per_video=None)
    settings, _ = result.crop_settings({"crops": dataclasses.asdict(stored)})
    assert settings == CropSettings(rate_hz=None)


def test_unknown_crop_settings_cause_a_warning():
    settings, warning = result.crop_settings({})
    assert settings == CropSettings()
    assert "does not say how its crops were made" in warning

import dataclasses
import hashlib

import cv2
import numpy as np
import pytest

from hmhn_jax.faces import crops
from hmhn_jax.faces.crops import CropFailure, CropSettings, VideoCrops, crop_video, crop_videos
from hmhn_jax.faces.recordings import Recording
from hmhn_jax.faces.video import VideoError

EVERY_FRAME = CropSettings(rate_hz=None)


def recording_of(path):
    return Recording(path, path.stem, "someone", "talking", "train", 5.0)


def plain(result):
    """A result that == compares, arrays and all."""
    if isinstance(result, CropFailure):
        return result
    return [
        (*dataclasses.astuple(dataclasses.replace(crop, eyes=None)), crop.eyes.tolist())
        for crop in result.crops
    ]


def test_crops_each_sampled_frame(recordings, detector):
    path = recordings[0].path
    result = crop_video(path, EVERY_FRAME, detector)
    assert [crop.frame_index for crop in result.crops] == list(range(6))
    assert [crop.time_s for crop in result.crops] == pytest.approx(np.arange(6) / 4)
    assert result.num_sampled == 6
    assert result.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    for crop in result.crops:
        image = cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (224, 224, 3)


def test_follows_its_settings(recordings, detector):
    settings = CropSettings(size=64, rate_hz=2, max_frames_per_video=2)
    result = crop_video(recordings[0].path, settings, detector)
    assert [crop.frame_index for crop in result.crops] == [0, 3]
    image = cv2.imdecode(np.frombuffer(result.crops[0].jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (64, 64, 3)


def test_jpeg_keeps_red_red():
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 255
    bgr = cv2.imdecode(np.frombuffer(crops._encode_jpeg(red, 95), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_allclose(bgr[16, 16], [0, 0, 255], atol=3)


def test_a_video_without_a_face_fails(faceless_video, detector):
    with pytest.raises(VideoError, match="no face found in any of 3 sampled frames"):
        crop_video(faceless_video, EVERY_FRAME, detector)


def test_bad_videos_are_reported_and_the_others_kept(recordings, faceless_video, tmp_path):
    empty = tmp_path / "empty.mp4"
    empty.touch()
    missing = tmp_path / "missing.mp4"
    videos = [
        recordings[0],
        recording_of(empty),
        recordings[1],
        recording_of(faceless_video),
        recording_of(missing),
        recordings[2],
    ]
    outcomes = list(crop_videos(videos, EVERY_FRAME, num_processes=2))

    assert [recording for recording, _ in outcomes] == videos
    results = [result for _, result in outcomes]
    for good in (0, 2, 5):
        assert isinstance(results[good], VideoCrops)
        assert len(results[good].crops) == 6
    assert results[1] == CropFailure("the file is empty (0 bytes)", hashlib.sha256().hexdigest())
    assert results[3].reason == "no face found in any of 3 sampled frames"
    assert results[3].sha256 == hashlib.sha256(faceless_video.read_bytes()).hexdigest()
    assert results[4] == CropFailure("no such file", None)


def test_any_number_of_processes_gives_the_same(recordings):
    one, two = [
        [plain(result) for _, result in crop_videos(recordings, EVERY_FRAME, number)]
        for number in (1, 2)
    ]
    assert one == two


def test_an_unforeseen_error_is_a_failure_that_says_where(recordings, monkeypatch):
    def trip(*args):
        raise KeyError("surprise")

    monkeypatch.setattr(crops, "sampled_frames", trip)
    ((_, result),) = crop_videos(recordings[:1], EVERY_FRAME, num_processes=1)
    assert result.reason.startswith("KeyError: 'surprise' (test_crops.py:")

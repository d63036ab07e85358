import hashlib

import cv2
import numpy as np
import pytest

from hmhn_jax.faces import crops
from hmhn_jax.faces.crops import CropSettings, crop_video
from hmhn_jax.faces.video import VideoError

EVERY_FRAME = CropSettings(rate_hz=None)


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

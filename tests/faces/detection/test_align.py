import cv2
import dlib
import numpy as np
import pytest

from hmhn_jax.faces.detection import align
from hmhn_jax.faces.detection.detector import Face
from hmhn_jax.faces.media.video import sampled_frames


@pytest.fixture(scope="module")
def frames(recordings):
    """Reads three frames of each subject."""
    return [
        frame.rgb
        for recording in recordings
        for frame in sampled_frames(recording.path, max_frames=3)
    ]


def test_eyes_are_at_the_same_place_in_every_crop(frames, detector):
    crops = [align.crop_face(frame, detector) for frame in frames]
    assert all(crop.rgb.shape == (224, 224, 3) and crop.rgb.dtype == np.uint8 for crop in crops)
    # Looked for afresh in the crop itself.
    eyes = np.stack([align.crop_face(crop.rgb, detector).eyes for crop in crops])
    assert eyes.std(axis=0).max() < 4  # of 224 pixels
    (left_x, left_y), (right_x, right_y) = eyes.mean(axis=0)
    assert abs(left_y - right_y) < 3
    assert (left_x + right_x) / 2 == pytest.approx(112, abs=4)


def test_says_where_in_the_frame_the_face_is(frames, detector):
    for frame in frames:
        crop = align.crop_face(frame, detector)
        left, top, right, bottom = crop.box
        (left_x, left_y), (right_x, right_y) = crop.eyes
        assert left < left_x < right_x < right
        assert top < min(left_y, right_y) < max(left_y, right_y) < bottom
        assert crop.confidence > 0


def test_levels_a_tilted_head(frames, detector):
    height, width = frames[0].shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 20, 1)
    tilted = align.crop_face(cv2.warpAffine(frames[0], turn, (width, height)), detector)
    (left_x, left_y), (right_x, right_y) = tilted.eyes
    assert np.degrees(np.arctan2(left_y - right_y, right_x - left_x)) == pytest.approx(20, abs=6)
    (_, left_y), (_, right_y) = align.crop_face(tilted.rgb, detector).eyes
    assert abs(left_y - right_y) < 4


def test_finds_a_face_too_small_for_half_size(frames, detector):
    face = align.crop_face(frames[0], detector)
    scale = 100 / (face.box[2] - face.box[0])
    small = cv2.resize(frames[0], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = align.crop_face(small, detector)
    np.testing.assert_allclose(found.eyes, face.eyes * scale, atol=4)


def test_takes_the_larger_of_two_faces(frames, detector):
    small = cv2.resize(frames[1], None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    both = np.zeros((480, 640 + small.shape[1], 3), np.uint8)
    both[: small.shape[0], : small.shape[1]] = small
    both[:, small.shape[1] :] = frames[0]
    alone = align.crop_face(frames[0], detector)
    found = align.crop_face(both, detector)
    np.testing.assert_allclose(found.eyes - [small.shape[1], 0], alone.eyes, atol=3)


def test_repeats_the_border_where_the_crop_leaves_the_frame(frames, detector):
    face = align.crop_face(frames[0], detector)
    cut = np.ascontiguousarray(frames[0][:, face.box[0] :])
    crop = align.crop_face(cut, detector, padding=0.8)
    # dlib alone fills with black; both hold the same part of the frame.
    landmarks = detector.landmarks(cut, dlib.rectangle(*crop.box))
    black = dlib.get_face_chip(cut, landmarks, size=224, padding=0.8)
    outside = (black[80:140] == 0).all(axis=(0, 2))
    assert 5 < outside.sum() < 100
    first_inside = crop.rgb[80:140, outside.argmin() + 2].mean()
    np.testing.assert_allclose(crop.rgb[80:140, 0].mean(), first_inside, atol=10)


def test_cuts_out_what_dlib_does(frames, detector):
    for scale in (1, 3):
        frame = cv2.resize(frames[0], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        crop = align.crop_face(frame, detector)
        landmarks = detector.landmarks(frame, dlib.rectangle(*crop.box))
        expected = dlib.get_face_chip(frame, landmarks, size=224, padding=0.25)
        difference = np.abs(crop.rgb.astype(int) - expected)
        assert difference.mean() < 3


@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
def test_aligns_a_face_in_a_turned_frame(frames, detector, quarter_turns):
    upright = align.crop_face(frames[0], detector)
    face = Face(upright.box, upright.confidence, quarter_turns)
    lying = align.turn(frames[0], -quarter_turns)
    crop = align.align_face(lying, face, detector)
    assert np.array_equal(crop.rgb, upright.rgb)
    # The places are those of the lying frame: looked up there, they show the same pixels.
    for (x, y), (lying_x, lying_y) in zip(upright.eyes, crop.eyes, strict=True):
        here, there = frames[0][int(y), int(x)], lying[int(lying_y), int(lying_x)]
        np.testing.assert_allclose(here.astype(int), there.astype(int), atol=40)
    left, top, right, bottom = crop.box
    assert (crop.eyes > [left, top]).all()
    assert (crop.eyes < [right, bottom]).all()


@pytest.mark.parametrize("image", ["black", "noise", "tiny"])
def test_gives_none_without_a_face(detector, image):
    rgb = {
        "black": np.zeros((240, 320, 3), np.uint8),
        "noise": np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8),
        "tiny": np.zeros((2, 1, 3), np.uint8),
    }[image]
    assert align.crop_face(rgb, detector) is None

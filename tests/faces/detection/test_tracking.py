import cv2
import numpy as np
import pytest

from hmhn_jax.faces.detection import detector as detection
from hmhn_jax.faces.detection import tracking
from hmhn_jax.faces.detection.align import align_face, crop_face, turn, unturn
from hmhn_jax.faces.detection.detector import Face, faces_in
from hmhn_jax.faces.detection.tracking import Track, follow


def follow_all(frames, detector, seconds_apart=0.25):
    """Returns the face in each frame, and the last track."""
    faces = []
    track = Track()
    for number, frame in enumerate(frames):
        face, track = follow(np.ascontiguousarray(frame), number * seconds_apart, track, detector)
        faces.append(face)
    return faces, track


def scaled(frame, factor):
    return cv2.resize(frame, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def side_by_side(left, right):
    """Joins images into a wide frame; None leaves a place empty."""
    wide = np.full((480, 1280, 3), 128, np.uint8)
    for start, frame in ((50, left), (750, right)):
        if frame is not None:
            middle = frame[:, frame.shape[1] // 4 : frame.shape[1] * 3 // 4 + 60]
            wide[: frame.shape[0], start : start + middle.shape[1]] = middle
    return wide


def is_left(face):
    return face.box[2] < 640


def assert_agrees_with_looking_everywhere(frames, faces, detector):
    for frame, face in zip(frames, faces, strict=True):
        alone = crop_face(frame, detector)
        followed = align_face(frame, face, detector)
        eye_distance = alone.eyes[1, 0] - alone.eyes[0, 0]
        assert np.linalg.norm(followed.eyes - alone.eyes, axis=1).mean() < 0.05 * eye_distance


def test_agrees_with_looking_everywhere(people, detector):
    for frames in people:
        faces, _ = follow_all(frames, detector)
        assert_agrees_with_looking_everywhere(frames, faces, detector)


def test_a_scene_cut_leaves_no_stale_box(people, detector):
    # After the cut the face is smaller and somewhere else.
    moved = [cv2.copyMakeBorder(scaled(x, 0.7), 144, 0, 192, 0, 0) for x in people[1]]
    frames = [*people[0][:3], *moved[:3], *people[2][:2]]
    faces, _ = follow_all(frames, detector)
    assert_agrees_with_looking_everywhere(frames, faces, detector)


def test_nothing_is_found_where_nobody_is_any_more(people, detector):
    empty = np.full_like(people[0][0], 128)
    faces, track = follow_all([*people[0][:2], empty, empty], detector)
    assert [face is None for face in faces] == [False, False, True, True]
    assert track.misses == 2


def test_a_larger_newcomer_does_not_take_over(people, detector):
    first, newcomer = people[0], people[1]
    small = [scaled(frame, 0.7) for frame in first]
    frames = [side_by_side(small[0], None)]
    frames += [side_by_side(left, right) for left, right in zip(small, newcomer, strict=True)]
    both = crop_face(frames[-1], detector)
    assert both.box[0] > 640  # taken alone, the frame shows the newcomer
    faces, _ = follow_all(frames, detector, seconds_apart=1.0)
    assert all(is_left(face) for face in faces)


def test_the_larger_of_two_is_followed_at_first(people, detector):
    faces, _ = follow_all([side_by_side(scaled(people[0][0], 0.7), people[1][0])], detector)
    assert not is_left(faces[0])
    assert faces[0].others == 1
    assert follow_all([people[1][0]], detector)[0][0].others == 0


def test_someone_else_is_taken_once_the_person_is_lost(people, detector):
    small = scaled(people[0][0], 0.7)
    frames = [side_by_side(small, None), side_by_side(small, people[1][0])]
    frames += [side_by_side(None, frame) for frame in people[1][1:]]
    faces, _ = follow_all(frames, detector, seconds_apart=0.9)
    assert is_left(faces[0])
    assert is_left(faces[1])
    assert faces[2] is None  # a glance aside must not change the person
    assert not is_left(faces[-1])


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_finds_and_keeps_the_turn_of_a_video_on_its_side(people, detector, quarter_turns):
    upright = people[0]
    lying = [turn(frame, -quarter_turns) for frame in upright]
    faces, track = follow_all(lying, detector)
    assert [face is None for face in faces] == [True, True, False, False, False, False]
    assert track.quarter_turns == quarter_turns
    for frame, lying_frame, face in list(zip(upright, lying, faces, strict=True))[2:]:
        expected = crop_face(frame, detector)
        crop = align_face(lying_frame, face, detector)
        assert np.corrcoef(crop.rgb.ravel(), expected.rgb.ravel())[0, 1] > 0.98
        (_, left_y), (_, right_y) = crop_face(crop.rgb, detector).eyes
        assert abs(left_y - right_y) < 4


def test_comes_back_upright(people, detector):
    lying = [turn(frame, 1) for frame in people[0]]
    faces, track = follow_all([*lying[:4], *people[0]], detector)
    assert track.quarter_turns == 0
    assert all(face is not None for face in faces[4:])


def test_the_largest_face_of_an_upright_frame_is_never_turned(people, detector):
    faces, _ = follow_all(people[3] * 3, detector)
    assert all(face.quarter_turns == 0 for face in faces)


def test_turns_are_tried_ever_more_rarely():
    tried = [misses for misses in range(1, 100) if tracking._is_time_to_turn(misses)]
    assert tried == [3, 6, 12, 24, 48, 96]


def test_takes_frames_that_change_size(people, detector):
    small = scaled(people[0][0], 0.6)[:200, :150]
    faces, _ = follow_all([people[0][0], np.ascontiguousarray(small), people[0][1]], detector)
    assert faces[0] is not None
    assert faces[2] is not None


@pytest.mark.parametrize(("score", "is_there"), [(0.3, False), (0.3, True), (0.55, True)])
def test_a_weak_face_gives_way_to_a_surer_one_of_another_turn(
    people, detector, monkeypatch, score, is_there
):
    # Some people resemble a face head down: their own face, of the right turn, is much surer.
    found = faces_in
    upright = people[1][0]
    box = np.array(crop_face(upright, detector).box).reshape(2, 2)

    for turns in range(4):
        lying = turn(upright, -turns)
        height, width = lying.shape[:2]
        corners = unturn(box, turns, width, height) + np.array([0, 60])
        place = (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
        weak = Face(place if is_there else (0, 0, 100, 100), score)

        def with_weak(gray, *arguments, weak=weak):
            return found(gray, *arguments) or [weak]

        monkeypatch.setattr(detection, "faces_in", with_weak)
        (face, *_), _ = follow_all([lying], detector)
        assert (face.quarter_turns, face.is_turn_unsure) == (turns, False)


def test_a_turn_is_unsure_while_another_shows_a_face_nearly_as_sure(detector, monkeypatch):
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (480, 640, 3), np.uint8)
    scores = iter([0.4, -1, 0.3, -1, 0.9])  # of the turns in order, then of the next frame

    def faces(*_):
        score = next(scores)
        return [Face((200, 200, 300, 300), score)] if score > 0 else []

    monkeypatch.setattr(detection, "faces_in", faces)
    (first, second), track = follow_all([frame, frame], detector)
    assert (first.is_turn_unsure, second.is_turn_unsure) == (True, False)
    assert track.box == second.box

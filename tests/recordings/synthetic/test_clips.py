"""Tests of synthetic clips: reproducible, independent streams, a video of a detectable face."""

import dataclasses
import io
from fractions import Fraction

import av
import numpy as np
import pytest

from hmhn_jax.base import scales
from hmhn_jax.recordings.synthetic.clips import Clip, encode
from hmhn_jax.recordings.synthetic.expression import Expression, Pose
from hmhn_jax.recordings.synthetic.identity import HAIR_STYLES, draw_subject
from hmhn_jax.recordings.synthetic.painting.camera import render_frame
from hmhn_jax.recordings.synthetic.painting.hair import STYLES
from hmhn_jax.recordings.synthetic.painting.head import build_head
from hmhn_jax.recordings.synthetic.painting.session import draw_session

SIZE = (640, 480)


def clip(index=0, seed=0, num_frames=2):
    return Clip(seed=seed, index=index, num_frames=num_frames, fps=4, size=SIZE)


def test_same_seed_gives_the_same_frames():
    first, again = list(clip().frames()), list(clip().frames())
    np.testing.assert_array_equal(first, again)
    assert encode(first, 4, SIZE) == encode(again, 4, SIZE)


def test_frames_of_a_clip_and_clips_of_a_set_differ():
    first, second = clip().frames()
    (other,) = clip(index=1, num_frames=1).frames()
    assert not np.array_equal(first, second)
    assert np.abs(first.astype(int) - other).mean() > np.abs(first.astype(int) - second).mean()


def test_looks_and_score_do_not_depend_on_the_clip_around_them():
    short = clip(index=7)
    long = dataclasses.replace(short, num_frames=50, fps=30, size=(320, 240))
    assert short.subject == long.subject
    assert short.score == long.score


def test_looks_do_not_depend_on_the_score(monkeypatch):
    before = clip().subject
    for score in scales.default().ends:
        monkeypatch.setattr(Clip, "score", score)
        assert clip().score == score
        assert clip().subject == before


def test_scores_are_skewed_and_within_range():
    scores = np.array([clip(index).score for index in range(400)])
    assert scores.min() >= 0
    assert scores.max() <= 63
    assert 10 < np.median(scores) < scores.mean() < 22
    assert np.std(scores) > 8


def test_looks_do_not_predict_the_score():
    def looks(subject):
        names = ("face_width", "eye_height", "brow_gap", "mouth_curve", "lip_thickness", "age")
        return [getattr(subject, name) for name in names] + [np.mean(subject.skin)]

    clips = [clip(index) for index in range(400)]
    table = np.array([[*looks(each.subject), each.score] for each in clips])
    correlation_with_score = np.corrcoef(table, rowvar=False)[-1, :-1]
    assert np.abs(correlation_with_score).max() < 0.2  # 4 standard errors


def test_video_reads_back_with_size_rate_and_content():
    frames = list(clip(num_frames=3).frames())
    with av.open(io.BytesIO(encode(frames, 4, SIZE))) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.pix_fmt == "yuv420p"
        assert stream.average_rate == Fraction(4)
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    assert len(decoded) == 3
    assert decoded[0].shape == (480, 640, 3)
    assert np.abs(np.array(decoded, int) - frames).mean() < 6  # of 255: only compression and noise


def test_detector_finds_one_face_and_it_is_where_it_was_drawn():
    dlib = pytest.importorskip("dlib")
    detector = dlib.get_frontal_face_detector()
    for index in range(6):
        subject = draw_subject(np.random.default_rng([3, index]))
        session = draw_session(np.random.default_rng([4, index]), subject, SIZE)
        image = render_frame(build_head(subject), session, Expression(), Pose())
        boxes = detector(image, 0)
        assert len(boxes) == 1
        center = boxes[0].center()
        distance = np.hypot(center.x - session.center[0], center.y - session.center[1])
        assert distance < 0.7 * session.pixels_per_unit


def test_pose_moves_the_face_as_its_docstring_says():
    """Checks that positive yaw turns to the image's right, positive pitch down, and shifts too."""
    dlib = pytest.importorskip("dlib")
    detector = dlib.get_frontal_face_detector()
    subject = draw_subject(np.random.default_rng(3))
    session = draw_session(np.random.default_rng(4), subject, SIZE)
    head = build_head(subject)

    def box(pose):
        (found,) = detector(render_frame(head, session, Expression(), pose), 0)
        return np.array([found.center().x, found.center().y])

    straight = box(Pose())
    assert box(Pose(yaw=0.3))[0] > straight[0]
    assert box(Pose(pitch=0.25))[1] > box(Pose(pitch=-0.25))[1]
    assert box(Pose(shift_x=0.3))[0] > straight[0]
    assert box(Pose(shift_y=0.2))[1] > straight[1]


def test_every_hair_style_is_drawn_and_described():
    assert set(STYLES) == set(HAIR_STYLES)
    drawn = {draw_subject(np.random.default_rng(seed)).hair_style for seed in range(60)}
    assert drawn == set(HAIR_STYLES)

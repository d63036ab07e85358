"""Tracking of one person's face through the sampled frames of a video.

The face is looked for afresh in every frame, first around its last place, which is many times
faster than in the whole frame. Nothing is carried on unseen: a box is always this frame's own.
"""

import dataclasses

import cv2
import numpy as np

from hmhn_jax.faces.detection.detector import (
    FACE_WIDTH,
    WHOLE_FRAME_SCALES,
    Box,
    Detector,
    Face,
    chosen,
    clipped,
    faces_in,
    largest_face,
    overlap,
    window,
)
from hmhn_jax.faces.detection.orientation import first_face, surest, turn, turned_face

# After this long without the person another face may take over. At least one frame without them
# is needed too, so that persons do not change at every frame of a slow sampling.
LOST_AFTER_S = 2.0

# Turned frames are tried after so many misses in a row, and again whenever these have doubled:
# a minute without anyone must not cost four times as much as one with a face.
MISSES_BEFORE_TURNING = 3
SAMPLES_BETWEEN_UPRIGHT_CHECKS = 10

THUMBNAIL_SIZE = (16, 12)
# Median difference in gray values, 0 to 255, from one sampled frame to the next. Who comes into the
# picture changes less than half of it; a cut to another picture changes most.
SCENE_CUT_DIFFERENCE = 6.0


@dataclasses.dataclass(frozen=True)
class Track:
    """State kept from one sampled frame of a video to the next; start with `Track()`.

    Attributes:
      box: the person's last face, in pixels of the turned frame; None if anyone will do.
      seen_s: when that was, in seconds.
      misses: frames in a row without the face.
      quarter_turns: counterclockwise turns that put this video's faces upright.
      since_upright_check: frames for which no other turn was tried.
      thumbnail: uint8[12, 16], the last frame, to notice scene cuts.
      num_cuts: scene cuts so far.
    """

    box: Box | None = None
    seen_s: float = 0.0
    misses: int = 0
    quarter_turns: int = 0
    since_upright_check: int = 0
    thumbnail: np.ndarray | None = None
    num_cuts: int = 0


def follow(
    rgb: np.ndarray, time_s: float, track: Track, detector: Detector
) -> tuple[Face | None, Track]:
    """Finds the followed person's face in the next sampled frame.

    The first time, after a scene cut, and when the person is lost for some time, it is the largest
    face. Otherwise it is the one that overlaps their last box most, however large others are.

    Args:
      rgb: uint8[height, width, 3].
      time_s: the frame's time in the video.
      track: what the last call gave, `Track()` for a video's first frame.
      detector: from `load_detector`.

    Returns:
      The face, or None if it is not seen, and what to hand to the next call.
    """
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    thumbnail = cv2.resize(gray, THUMBNAIL_SIZE, interpolation=cv2.INTER_AREA)
    is_cut = _is_cut(track.thumbnail, thumbnail)
    if is_cut:
        track = dataclasses.replace(track, box=None, misses=0, num_cuts=track.num_cuts + 1)
    elif track.misses and time_s - track.seen_s > LOST_AFTER_S:
        track = dataclasses.replace(track, box=None)

    turns = track.quarter_turns
    face = _search(gray, track.box, turns, detector)
    since_check = track.since_upright_check + 1
    if turns and (face is None or is_cut or since_check >= SAMPLES_BETWEEN_UPRIGHT_CHECKS):
        since_check = 0
        face = surest([face, largest_face(gray, detector)])
    if face is None and _is_time_to_turn(track.misses + 1):
        face = turned_face(gray, turns, detector)

    if face is None:
        track = dataclasses.replace(track, misses=track.misses + 1)
    else:
        # While the turn is unsure, every frame is searched as a first one.
        box = None if face.is_turn_unsure else face.box
        found = Track(box, time_s, 0, face.quarter_turns, since_check)
        track = dataclasses.replace(found, num_cuts=track.num_cuts)
    return face, dataclasses.replace(track, thumbnail=thumbnail)


def _is_cut(before: np.ndarray | None, now: np.ndarray) -> bool:
    return before is not None and np.median(cv2.absdiff(before, now)) > SCENE_CUT_DIFFERENCE


def _search(gray: np.ndarray, last: Box | None, turns: int, detector: Detector) -> Face | None:
    """Looks around the last box, then everywhere; who is not near the last box does not count."""
    if last is None:
        return first_face(gray, turns, detector)
    gray = turn(gray, turns)
    face = _nearest(_faces_around(gray, last, detector), last)
    for scale in WHOLE_FRAME_SCALES:
        face = face or _nearest(faces_in(gray, detector, scale), last)
    return face and dataclasses.replace(face, quarter_turns=turns)


def _faces_around(gray: np.ndarray, last: Box, detector: Detector) -> list[Face]:
    left, top, right, bottom = clipped(window(last), gray.shape)
    if left >= right or top >= bottom:  # the frames have become smaller
        return []
    scale = min(1.0, FACE_WIDTH / max(1, last[2] - last[0]))
    faces = faces_in(gray[top:bottom, left:right], detector, scale)
    return [dataclasses.replace(face, box=_moved(face.box, left, top)) for face in faces]


def _moved(box: Box, x: int, y: int) -> Box:
    left, top, right, bottom = box
    return left + x, top + y, right + x, bottom + y


def _nearest(faces: list[Face], last: Box) -> Face | None:
    left, top, right, bottom = window(last)
    near = [
        face
        for face in faces
        if left <= (face.box[0] + face.box[2]) / 2 <= right
        and top <= (face.box[1] + face.box[3]) / 2 <= bottom
    ]
    if not near:
        return None
    return chosen(faces, max(near, key=lambda face: overlap(face.box, last)))


def _is_time_to_turn(misses: int) -> bool:
    times, rest = divmod(misses, MISSES_BEFORE_TURNING)
    return rest == 0 and times.bit_count() == 1

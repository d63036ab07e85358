"""Search for a face in a frame of which it is not known which way is up."""

import dataclasses
from collections.abc import Iterable

import cv2
import numpy as np

from hmhn_jax.faces.detection.detector import (
    FACE_WIDTH,
    WHOLE_FRAME_SCALES,
    Detector,
    Face,
    clipped,
    faces_in,
    largest_face,
    window,
)

# Faces below this score are compared with those of the other three turns. Of 480 frames of rendered
# clips 64 show a "face" head down, with scores from 0 to 0.70; of 117 pictures of real people 26,
# up to 0.8. Upright, one frame in eight has less than 0.85.
SURE_CONFIDENCE = 0.85
# Noise that is turned three times is thrice as likely to look like a face. Of a video that really
# lies on its side some frame soon exceeds this.
MIN_TURNED_CONFIDENCE = 0.25
# The right turn exceeds every other by at least 0.54 in these 480 frames.
CLEAR_LEAD = 0.5
# A face of this score or more is there, whichever way it lies: only other turns that show one there
# are searched, as all of a frame takes three times as long. Below, it may be some background.
PRESENT_CONFIDENCE = 0.5
# Of 796 rendered frames, a face lies up to 0.52 of its width above or below where one is found head
# down with such a score.
HEAD_DOWN_MARGIN = 0.6

# By the number of quarter turns counterclockwise.
ROTATIONS = (None, cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE)


def turn(image: np.ndarray, quarter_turns: int) -> np.ndarray:
    """Turns a picture counterclockwise by 90 degrees as often as asked, into contiguous memory."""
    rotation = ROTATIONS[quarter_turns % 4]
    # np.rot90 takes several times as long.
    return np.ascontiguousarray(image) if rotation is None else cv2.rotate(image, rotation)


def face_in_picture(rgb: np.ndarray, detector: Detector) -> Face | None:
    """Finds the largest face of a single picture, u8[height, width, 3], whichever way it lies."""
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return first_face(gray, 0, detector) or turned_face(gray, 0, detector)


def first_face(gray: np.ndarray, quarter_turns: int, detector: Detector) -> Face | None:
    """Finds the largest face of a frame; a weak one gives way to a surer one of another turn.

    One of `PRESENT_CONFIDENCE` or more gives way only if another turn shows a face at its place.

    Args:
      gray: u8[height, width].
      quarter_turns: counterclockwise, that probably put faces upright.
      detector: from `load_detector`.

    Returns:
      The face, or None. `is_turn_unsure` is set if another turn shows one nearly as sure.
    """
    for scale in WHOLE_FRAME_SCALES:
        if face := _largest_turned(gray, quarter_turns, detector, (scale,)):
            break
    if face is None or face.confidence >= SURE_CONFIDENCE:
        return face
    turns = {0, 1, 2, 3} - {quarter_turns}
    if face.confidence >= PRESENT_CONFIDENCE:
        turns = _turns_there(gray, face, detector, scale)
    # What is of about the same size shows at the same scale.
    others = [_largest_turned(gray, each, detector, (scale,)) for each in turns]
    best = surest([face, _credible(others)]) or face
    seen = [other.confidence for other in (face, *others) if other and other is not best]
    is_unsure = bool(seen) and best.confidence - max(seen) < CLEAR_LEAD
    return dataclasses.replace(best, is_turn_unsure=is_unsure)


def _turns_there(gray, face, detector, scale):
    """Returns in which other turns a face shows where one was found."""
    gray = turn(gray, face.quarter_turns)
    left, top, right, bottom = clipped(window(face.box, HEAD_DOWN_MARGIN), gray.shape)
    place = gray[top:bottom, left:right]
    scale = min(scale, FACE_WIDTH / (face.box[2] - face.box[0]))
    further = [each for each in (1, 2, 3) if faces_in(turn(place, each), detector, scale)]
    return {(face.quarter_turns + each) % 4 for each in further}


def turned_face(gray: np.ndarray, tried: int, detector: Detector) -> Face | None:
    """Finds the surest face of the quarter turns 1 to 3 but the one that was tried."""
    face = _credible(_largest_turned(gray, each, detector) for each in {1, 2, 3} - {tried})
    return face and dataclasses.replace(face, is_turn_unsure=face.confidence < SURE_CONFIDENCE)


def surest(faces: Iterable[Face | None]) -> Face | None:
    """Returns the face with the highest score, the first of several; None if there is none."""
    return max(filter(None, faces), key=lambda face: face.confidence, default=None)


def _credible(turned):
    return surest(face for face in turned if face and face.confidence >= MIN_TURNED_CONFIDENCE)


def _largest_turned(gray, turns, detector, scales=WHOLE_FRAME_SCALES):
    face = largest_face(turn(gray, turns), detector, scales)
    return face and dataclasses.replace(face, quarter_turns=turns)

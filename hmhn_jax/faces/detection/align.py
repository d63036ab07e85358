"""Alignment: rotates, scales and crops a face so that its eyes are at fixed places."""

import dataclasses

import cv2
import dlib
import numpy as np

from hmhn_jax.faces.detection.detector import Box, Detector, Face
from hmhn_jax.faces.detection.orientation import face_in_picture, turn


@dataclasses.dataclass(frozen=True)
class FaceCrop:
    """An aligned face and its place in the frame.

    Attributes:
      rgb: uint8[size, size, 3], the eyes level and at the same place in every crop. What lies
        outside the frame repeats the frame's border: black would be the strongest edge in the
        crop, and say how the camera was set up rather than who sits before it.
      box: the detector's box (left, top, right, bottom) in pixels of the frame.
      eyes: float32[2, 2], the eye centres (x, y) in pixels of the frame; first the eye that is on
        the left of the crop.
      confidence: the detector's score, see `Face`.
      others: faces seen beside it, see `Face`.
      is_turn_unsure: see `Face`.
    """

    rgb: np.ndarray
    box: Box
    eyes: np.ndarray
    confidence: float
    others: int = 0
    is_turn_unsure: bool = False


def crop_face(
    rgb: np.ndarray, detector: Detector, size: int = 224, padding: float = 0.25
) -> FaceCrop | None:
    """Crops the largest face of a single picture, turned until it is upright.

    Faces are found from about 80 pixels of width on, looking straight enough into the camera that
    both eyes are visible, and tilted by up to about 35 degrees.

    Args:
      rgb: uint8[height, width, 3].
      detector: from `load_detector`.
      size: pixels on each side of the crop.
      padding: how much of the surroundings is kept, as a share of the face's width.

    Returns:
      The crop, or None if there is no face.
    """
    face = face_in_picture(rgb, detector)
    return None if face is None else align_face(rgb, face, detector, size, padding)


def align_face(
    rgb: np.ndarray, face: Face, detector: Detector, size: int = 224, padding: float = 0.25
) -> FaceCrop:
    """Crops a face that was found in a frame; arguments as in `crop_face`."""
    turned = turn(rgb, face.quarter_turns)
    landmarks = detector.landmarks(turned, dlib.rectangle(*face.box))
    height, width = rgb.shape[:2]
    corners = unturn(np.array(face.box).reshape(2, 2), face.quarter_turns, width, height)
    return FaceCrop(
        rgb=_cut_out(turned, landmarks, size, padding),
        box=tuple(np.concatenate([corners.min(axis=0), corners.max(axis=0)]).tolist()),
        eyes=unturn(_eye_centres(landmarks), face.quarter_turns, width, height),
        confidence=face.confidence,
        others=face.others,
        is_turn_unsure=face.is_turn_unsure,
    )


def unturn(points: np.ndarray, quarter_turns: int, width: int, height: int) -> np.ndarray:
    """Maps points (x, y) [n, 2] back to a frame of width x height pixels, as before `turn`."""
    x, y = points.T
    places = [(x, y), (width - 1 - y, x), (width - 1 - x, height - 1 - y), (y, height - 1 - x)]
    return np.stack(places[quarter_turns % 4], axis=1)


def _cut_out(
    rgb: np.ndarray, landmarks: dlib.full_object_detection, size: int, padding: float
) -> np.ndarray:
    """Cuts out uint8[size, size, 3].

    dlib's `get_face_chip` cuts out the same square, but fills with black and takes five times as
    long.
    """
    chip = dlib.get_face_chip_details(landmarks, size, padding)
    square = np.array(
        [
            (chip.rect.left(), chip.rect.top()),
            (chip.rect.right(), chip.rect.top()),
            (chip.rect.left(), chip.rect.bottom()),
        ]
    )
    cos, sin = np.cos(chip.angle), np.sin(chip.angle)
    centre = (square[1] + square[2]) / 2
    corners = (square - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre
    # A large face is drawn some whole times too large and then averaged; picking single pixels
    # instead would alias.
    factor = max(1, round((chip.rect.right() - chip.rect.left()) / size))
    first, last = (factor - 1) / 2, (size - 1) * factor + (factor - 1) / 2
    places = np.array([(first, first), (last, first), (first, last)])
    drawn = cv2.warpAffine(
        rgb,
        cv2.getAffineTransform(corners.astype(np.float32), places.astype(np.float32)),
        (size * factor, size * factor),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA) if factor > 1 else drawn


def _eye_centres(landmarks: dlib.full_object_detection) -> np.ndarray:
    """Computes float32[2, 2] from two corners an eye; dlib lists the picture's right eye first."""
    one, other, third, fourth, *_ = landmarks.parts()
    pairs = (third, fourth), (one, other)
    return np.array([((a.x + b.x) / 2, (a.y + b.y) / 2) for a, b in pairs], np.float32)

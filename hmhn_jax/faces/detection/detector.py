"""Face detection: dlib's HOG detector at several sizes of the picture."""

import dataclasses
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import cv2
import dlib
import numpy as np

from hmhn_jax.base.errors import UserError

LANDMARK_PACKAGE = "face_recognition_models"
LANDMARK_FILE = "models/shape_predictor_5_face_landmarks.dat"

WHOLE_FRAME_SCALES = (0.5, 1.0)  # faces of 160 pixels show in the first, in a quarter of the time

WINDOW_MARGIN = 0.4  # of a box's width, on each side of it
FACE_WIDTH = 100  # pixels a face is scaled to in its window; dlib finds faces from 80 on

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels


@dataclasses.dataclass(frozen=True)
class Detector:
    """dlib's frontal face detector (HOG) and its predictor of five landmarks."""

    faces: dlib.fhog_object_detector
    landmarks: dlib.shape_predictor


@dataclasses.dataclass(frozen=True)
class Face:
    """A face that was found.

    Attributes:
      box: left, top, right, bottom in pixels of the frame after `quarter_turns`.
      confidence: the detector's score. Frontal faces in good light have about 1, poses and
        shadows bring it near 0; below 0 nothing is reported.
      quarter_turns: how often the frame was turned counterclockwise by 90 degrees to find it.
      is_turn_unsure: whether the frame may have to be turned otherwise, see `orientation`.
      others: how many faces the same search showed beside it. Most searches of a video look only
        around the last place, so that 0 does not say that it was alone.
    """

    box: Box
    confidence: float
    quarter_turns: int = 0
    is_turn_unsure: bool = False
    others: int = dataclasses.field(default=0, compare=False)


def load_detector() -> Detector:
    """Loads detector and landmarks, about 0.1 s.

    Raises:
      UserError: the package with the landmark model is not installed.
    """
    return Detector(dlib.get_frontal_face_detector(), dlib.shape_predictor(str(landmark_model())))


def landmark_model() -> Path:
    """Returns the path of the landmark model.

    Raises:
      UserError: the package it comes with is not installed.
    """
    # The package is only found, never imported: importing it needs setuptools' pkg_resources.
    spec = importlib.util.find_spec(LANDMARK_PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or []:
        if (path := Path(folder) / LANDMARK_FILE).is_file():
            return path
    raise UserError(
        f"{LANDMARK_FILE} not found: install the package {LANDMARK_PACKAGE.replace('_', '-')}"
    )


def faces_in(gray: np.ndarray, detector: Detector, scale: float = 1.0) -> list[Face]:
    """Finds the faces that are at least 80 pixels wide in the picture scaled by `scale`.

    Args:
      gray: uint8[height, width].
      detector: from `load_detector`.
      scale: 0 to 1; the time taken falls with its square.

    Returns:
      The faces with boxes in pixels of `gray`, none twice, in no useful order.
    """
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in gray.shape)
        small = cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA)
    else:
        small = np.ascontiguousarray(gray)
    boxes, confidences, _ = detector.faces.run(small, 0, 0.0)
    ratios = np.array([gray.shape[1] / small.shape[1], gray.shape[0] / small.shape[0]] * 2)
    return [
        Face(_scaled(box, ratios), confidence)
        for box, confidence in zip(boxes, confidences, strict=True)
    ]


def largest_face(
    gray: np.ndarray, detector: Detector, scales: Sequence[float] = WHOLE_FRAME_SCALES
) -> Face | None:
    """Looks at half size, which is several times faster, then at full size for small faces."""
    for scale in scales:
        if faces := faces_in(gray, detector, scale):
            return chosen(faces, max(faces, key=lambda face: area(face.box)))
    return None


def chosen(faces: list[Face], face: Face) -> Face:
    """Returns one face of a search, with the number of the others."""
    return dataclasses.replace(face, others=len(faces) - 1)


def area(box: Box) -> int:
    """Computes the area in square pixels; 0 for an inverted box, as of no overlap."""
    left, top, right, bottom = box
    return max(0, right - left) * max(0, bottom - top)


def window(box: Box, above: float = WINDOW_MARGIN) -> Box:
    """Returns a box's surroundings; `above` and below it is as much of its width more."""
    left, top, right, bottom = box
    x, y = (round(margin * (right - left)) for margin in (WINDOW_MARGIN, above))
    return left - x, top - y, right + x, bottom + y


def clipped(box: Box, shape: tuple[int, ...]) -> Box:
    """Returns the part of a box in an image [height, width, ...]; inverted if there is none."""
    left, top, right, bottom = box
    return max(0, left), max(0, top), min(shape[1], right), min(shape[0], bottom)


def overlap(one: Box, other: Box) -> float:
    """Computes intersection over union, 0 to 1."""
    left, top = map(max, one[:2], other[:2])
    right, bottom = map(min, one[2:], other[2:])
    shared = area((left, top, right, bottom))
    return shared / max(1, area(one) + area(other) - shared)


def _scaled(box: dlib.rectangle, ratios: np.ndarray) -> Box:
    sides = np.array([box.left(), box.top(), box.right(), box.bottom()])
    # Pixel 0 of a picture at half size covers the pixels 0 and 1; its centre is at 0.5.
    return tuple(np.rint((sides + 0.5) * ratios - 0.5).astype(int).tolist())

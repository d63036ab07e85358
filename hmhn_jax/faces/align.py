"""Finds the face in a frame and puts its eyes in place."""

import dataclasses
import importlib.util
from pathlib import Path

import cv2
import dlib
import numpy as np

from hmhn_jax.errors import UserError

LANDMARK_PACKAGE = "face_recognition_models"
LANDMARK_FILE = "models/shape_predictor_5_face_landmarks.dat"


@dataclasses.dataclass(frozen=True)
class Detector:
    """dlib's frontal face detector (HOG) and its predictor of five landmarks."""

    faces: dlib.fhog_object_detector
    landmarks: dlib.shape_predictor


@dataclasses.dataclass(frozen=True)
class FaceCrop:
    """An aligned face and where in the frame it was.

    Attributes:
      rgb: uint8[size, size, 3], the eyes level and at the same place in every crop. What lies
        outside the frame is black.
      box: the detector's box (left, top, right, bottom) in pixels of the frame.
      eyes: float32[2, 2], the eye centres (x, y) in pixels of the frame; the eye on the
        picture's left comes first.
      confidence: the detector's score. Frontal faces in good light have about 1, poses and
        shadows bring it near 0; below 0 nothing is reported.
    """

    rgb: np.ndarray
    box: tuple[int, int, int, int]
    eyes: np.ndarray
    confidence: float


def load_detector() -> Detector:
    """Loads detector and landmarks, about 0.1 s.

    Raises:
      UserError: the package with the landmark model is not installed.
    """
    return Detector(dlib.get_frontal_face_detector(), dlib.shape_predictor(str(landmark_model())))


def landmark_model() -> Path:
    """The landmark model's file.

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


def crop_face(
    rgb: np.ndarray, detector: Detector, size: int = 224, padding: float = 0.25
) -> FaceCrop | None:
    """Crops the largest face of a frame, turned and scaled so that the eyes are in place.

    Faces are found from about 80 pixels of width on, looking straight enough into the camera that
    both eyes are visible, and tilted by up to about 35 degrees.

    Args:
      rgb: uint8[height, width, 3], contiguous.
      detector: from `load_detector`.
      size: pixels on each side of the crop.
      padding: how much of the surroundings is kept, as a share of the face's width.

    Returns:
      The crop, or None if there is no face.
    """
    found = _largest_face(rgb, detector)
    if found is None:
        return None
    box, confidence = found
    landmarks = detector.landmarks(rgb, box)
    return FaceCrop(
        rgb=dlib.get_face_chip(rgb, landmarks, size=size, padding=padding),
        box=(box.left(), box.top(), box.right(), box.bottom()),
        eyes=_eye_centres(landmarks),
        confidence=confidence,
    )


def _largest_face(rgb: np.ndarray, detector: Detector) -> tuple[dlib.rectangle, float] | None:
    """Looks at half size, which is several times faster, then at full size for small faces."""
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    height, width = gray.shape
    half = cv2.resize(gray, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
    for image, scale in ((half, 2), (gray, 1)):
        boxes, confidences, _ = detector.faces.run(image, 0, 0.0)
        if len(boxes):
            largest = max(range(len(boxes)), key=lambda i: boxes[i].area())
            return _scaled(boxes[largest], scale), confidences[largest]
    return None


def _scaled(box: dlib.rectangle, scale: int) -> dlib.rectangle:
    sides = (box.left(), box.top(), box.right(), box.bottom())
    return dlib.rectangle(*(scale * side for side in sides))


def _eye_centres(landmarks: dlib.full_object_detection) -> np.ndarray:
    """Gives float32[2, 2] from two corners an eye; dlib lists the picture's right eye first."""
    corners = np.array([(point.x, point.y) for point in landmarks.parts()][:4], np.float32)
    right, left = corners[:2].mean(axis=0), corners[2:].mean(axis=0)
    return np.stack([left, right])

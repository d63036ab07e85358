"""The face crop of a picture."""

from pathlib import Path

import cv2
import numpy as np

from hmhn_jax.faces.align import crop_face
from hmhn_jax.faces.crops import CropSettings, NoFaceError, VideoCrops, make_crop, sha256_of
from hmhn_jax.faces.detection import Detector
from hmhn_jax.faces.video import VideoError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


def is_image(path: Path) -> bool:
    """Whether a file is a picture, by its ending."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def read_image(path: Path) -> np.ndarray:
    """Reads a picture, u8[height, width, 3], RGB and upright (a camera's EXIF flag is applied).

    Raises:
      VideoError: the file is missing, or no picture.
    """
    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise VideoError(path, f"cannot be read ({error.strerror})") from error
    try:
        bgr = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    except cv2.error:  # such as of a size that OpenCV refuses
        bgr = None
    if bgr is None:
        raise VideoError(path, "not a readable picture")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def crop_image(path: Path, settings: CropSettings, detector: Detector) -> VideoCrops:
    """Crops the largest face of a picture, as `crop_video` does of a frame.

    Returns:
      One crop, of frame 0 at 0 s.

    Raises:
      NoFaceError: there is none.
      VideoError: the file is no picture.
    """
    face = crop_face(read_image(path), detector, settings.size, settings.padding)
    if face is None:
        raise NoFaceError(path, "no face found", num_sampled=1)
    crop = make_crop(face, 0, 0.0, settings.jpeg_quality)
    return VideoCrops((crop,), 1, sha256_of(path), num_crowded=int(face.others > 0))

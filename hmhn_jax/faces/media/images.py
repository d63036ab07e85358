"""Face crop of a picture."""

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
import PIL.Image

from hmhn_jax.base.formats import DAMAGE, PICTURE_FORMATS, has_more_pictures
from hmhn_jax.faces.crop import (
    TURN_UNSURE,
    CropSettings,
    NoFaceError,
    VideoCrops,
    make_crop,
    sha256_of,
)
from hmhn_jax.faces.detection.align import crop_face
from hmhn_jax.faces.detection.detector import Detector
from hmhn_jax.faces.media.video import VideoError

MOST_PIXELS = 2**27  # 134 million; the largest cameras have 100 to 200


def read_image(path: Path) -> np.ndarray:
    """Reads a picture, u8[height, width, 3], RGB and upright (a camera's EXIF flag is applied).

    Of several in one file it is the first. Raises VideoError when the file is missing or no
    picture, or claims more than `MOST_PIXELS`, of which none is decoded then.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise VideoError(path, f"cannot be read ({error.strerror})") from error
    width, height = _claimed_size(path, content)
    if width * height > MOST_PIXELS:
        raise VideoError(
            path,
            f"{width} x {height} pixels are too many: expected at most {MOST_PIXELS / 1e6:.0f} "
            "million",
        )
    try:
        bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        bgr = None
    if bgr is None:
        raise VideoError(path, "not a readable picture")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def _claimed_size(path: Path, content: bytes) -> tuple[int, int]:
    """Returns width and height from the header; OpenCV would give them only after decoding."""
    try:
        # Pillow warns of large ones, and refuses larger ones than we do.
        with warnings.catch_warnings(action="ignore"):
            return PIL.Image.open(io.BytesIO(content), formats=PICTURE_FORMATS).size
    except PIL.Image.DecompressionBombError as error:
        limit = f"{MOST_PIXELS / 1e6:.0f} million"
        raise VideoError(path, f"too many pixels: expected at most {limit}") from error
    except DAMAGE as error:
        raise VideoError(path, "not a readable picture") from error


def crop_image(path: Path, settings: CropSettings, detector: Detector) -> VideoCrops:
    """Crops the largest face of a picture, turned if need be, as `crop_video` does of a frame.

    It is one crop, of frame 0 at 0 s. Raises NoFaceError when there is none, VideoError when the
    file is no picture.
    """
    face = crop_face(read_image(path), detector, settings.size, settings.padding)
    if face is None:
        raise NoFaceError(path, "no face found", num_sampled=1)
    crop = make_crop(face, 0, 0.0, settings.jpeg_quality)
    notes: tuple[str, ...] = (TURN_UNSURE,) if face.is_turn_unsure else ()
    if has_more_pictures(path):
        notes += ("only the first of its pictures was looked at: make it a video",)
    return VideoCrops(
        (crop,),
        1,
        sha256_of(path),
        num_crowded=int(face.others > 0),
        notes=notes,
        is_picture=True,
    )

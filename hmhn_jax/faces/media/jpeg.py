"""Encoded crops back to pixels, and small pictures for pages."""

import base64
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from hmhn_jax.base.errors import UserError

DECODE_THREADS = min(8, os.cpu_count() or 1)


def decode_crops(jpegs: Sequence[bytes], image_size: int) -> np.ndarray:
    """Decodes N crops of any size and scales them, u8[N,image_size,image_size,3].

    Raises UserError when one is no picture.
    """
    with ThreadPoolExecutor(DECODE_THREADS) as threads:
        return np.stack(list(threads.map(lambda jpeg: _decode(jpeg, image_size), jpegs)))


def resize(image: np.ndarray, image_size: int) -> np.ndarray:
    """Scales one crop u8[H,W,3] to a square, u8[image_size,image_size,3]."""
    if image.shape[:2] == (image_size, image_size):
        return image
    shrinks = image.shape[0] > image_size
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (image_size, image_size), interpolation=interpolation)


def thumbnail(image: np.ndarray, side: int) -> str:
    """A small square JPEG of an RGB image u8[H,W,3], as a data URI."""
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()


def _decode(jpeg, image_size):
    try:
        bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # of nothing, or of a size that OpenCV refuses
        bgr = None
    if bgr is None:
        raise UserError(f"expected a crop as JPEG, got {len(jpeg)} bytes that are none")
    return resize(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), image_size)

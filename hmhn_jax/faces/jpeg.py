"""Encoded crops back to pixels."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

DECODE_THREADS = min(8, os.cpu_count() or 1)


def decode_crops(jpegs: Sequence[bytes], image_size: int) -> np.ndarray:
    """Decodes N crops of any size and scales them, u8[N,image_size,image_size,3]."""
    with ThreadPoolExecutor(DECODE_THREADS) as threads:
        return np.stack(list(threads.map(lambda jpeg: _decode(jpeg, image_size), jpegs)))


def _decode(jpeg, image_size):
    image = cv2.cvtColor(
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
    )
    if image.shape[:2] == (image_size, image_size):
        return image
    shrinks = image.shape[0] > image_size
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (image_size, image_size), interpolation=interpolation)

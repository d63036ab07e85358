"""Pictures for a report: the videos that were predicted worst, a few crops of each."""

import base64

import cv2
import numpy as np

from hmhn_jax.input_pipeline import Crops

_SIDE = 96  # pixels of a thumbnail
_JPEG_QUALITY = 80


def worst_crops(
    crops: Crops, predictions: np.ndarray, num_videos: int = 5, num_crops: int = 6
) -> dict[int, np.ndarray]:
    """Some crops of the videos with the largest absolute error, the largest first.

    Args:
      crops: of one split.
      predictions: f[V], in BDI-II points.
      num_videos: how many videos at most.
      num_crops: how many crops of each at most, evenly spread over it.

    Returns:
      i[<=num_crops] indices into `crops`, in time's order, by index of the video.
    """
    worst = np.argsort(-np.abs(predictions - crops.scores), kind="stable")[:num_videos]
    chosen = {}
    for video in worst.tolist():
        (indices,) = np.nonzero(crops.video_of_crop == video)
        places = np.linspace(0, len(indices) - 1, min(num_crops, len(indices)))
        chosen[video] = indices[places.round().astype(int)]
    return chosen


def thumbnail(image: np.ndarray) -> str:
    """A small JPEG in a data URI, of an RGB image u8[H,W,3]."""
    small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()

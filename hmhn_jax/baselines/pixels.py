"""Mean crop of a video: who it is and how it is lit, not what the face does over time."""

import cv2
import numpy as np

from hmhn_jax.baselines.video import VideoData

SIDE = 32  # pixels


def pixels(video: VideoData) -> dict[str, float]:
    """Returns the mean crop in grey; its principal components are what is fitted."""
    small = [
        cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in video.images
    ]
    grey = cv2.cvtColor(np.mean(small, axis=0, dtype=np.float32), cv2.COLOR_RGB2GRAY)
    return {f"pixel_{place}": float(value) for place, value in enumerate(grey.ravel())}

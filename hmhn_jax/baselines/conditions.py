"""Recording conditions of a video: what does not depend on what the face does.

That recordings differ by how ill their subjects are, in length, place, camera or light, is a
shortcut known from public code on AVEC. Brightness, contrast, colour and sharpness are means over
whole crops, in which an expression moves hardly anything.
"""

import cv2
import numpy as np

from hmhn_jax.baselines.video import VideoData

BORDER = 1 / 16  # of a crop's side, all around: outside of the face
RECORDED = ("duration_s", "width", "height", "fps", "bit_rate", "frames_sampled", "found_rate")


def conditions(video: VideoData) -> dict[str, float]:
    """Computes the conditions of a video; nan where the dataset does not say.

    Returns:
      duration_s, width, height (pixels of a frame), fps, bit_rate (bits a second), frames_sampled,
      found_rate (0 to 1): of the file and the search for faces.
      num_crops; confidence: median of the detector's score.
      face_size, face_x, face_y: medians of the box's width and middle, in pixels of the frame.
      brightness, contrast: mean and standard deviation of grey, 0 to 255.
      red_cast, blue_cast: mean of red, and blue, minus green.
      sharpness: log of the Laplacian's variance.
      border_brightness, border_contrast: of the crops' outermost sixteenth.
    """
    images, found = video.images, video.detections
    grey = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images])
    red, green, blue = images.mean(axis=(0, 1, 2))
    width = max(1, round(BORDER * images.shape[1]))
    is_border = np.ones(images.shape[1:3], bool)
    is_border[width:-width, width:-width] = False
    border = grey[:, is_border]
    left, top, right, bottom = np.median(found.boxes, axis=0)
    laplacians = np.stack([cv2.Laplacian(image, cv2.CV_64F) for image in grey])
    recorded = {name: _number(video.recorded.get(name)) for name in RECORDED}
    return recorded | {
        "num_crops": float(len(found.time_s)),
        "confidence": float(np.median(found.confidences)),
        "face_size": float(right - left),
        "face_x": float(left + right) / 2,
        "face_y": float(top + bottom) / 2,
        "brightness": float(grey.mean()),
        "contrast": float(grey.std(axis=(1, 2)).mean()),
        "red_cast": float(red - green),
        "blue_cast": float(blue - green),
        "sharpness": float(np.log1p(laplacians.var(axis=(1, 2)).mean())),
        "border_brightness": float(border.mean()),
        "border_contrast": float(border.std(axis=1).mean()),
    }


def _number(value):
    return float(value) if isinstance(value, int | float) else np.nan

"""Recording conditions of a video: what does not depend on what the face does.

That recordings differ by how ill their subjects are, in length, place, camera or light, is a
shortcut known from public code on AVEC. Brightness, contrast, colour and sharpness are those of a
crop's border, so that no expression moves them; the light on the face is read from the cheeks.
"""

import cv2
import numpy as np

from hmhn_jax.baselines.video import VideoData

# Shares of a crop's side; with the default padding the border lies outside of the face, and the
# cheeks below the eyes and beside nose and mouth.
BORDER = 0.1
CHEEKS_X, CHEEKS_Y = ((0.18, 0.35), (0.65, 0.82)), (0.42, 0.62)
RECORDED = ("duration_s", "width", "height", "fps", "bit_rate", "frames_sampled", "found_rate")


def conditions(video: VideoData) -> dict[str, float]:
    """Computes the conditions of a video; nan where the dataset does not say.

    Returns:
      duration_s, width, height (pixels of a frame), fps, bit_rate (bits a second), frames_sampled,
      found_rate (0 to 1): of the file and the search for faces.
      num_crops; confidence: median of the detector's score.
      face_size, face_x, face_y: medians of the box's width and middle, in pixels of the frame.
      brightness, contrast: mean and standard deviation of the border's grey, 0 to 255.
      red_cast, blue_cast: mean of the border's red, and blue, minus green.
      sharpness: log of the variance of the border's Laplacian.
      cheek_brightness: mean grey of the cheeks.
    """
    images, found = video.images, video.detections
    grey = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images])
    places = (np.arange(images.shape[1]) + 0.5) / images.shape[1]
    outer = (places < BORDER) | (places > 1 - BORDER)
    border = outer[:, None] | outer[None, :]
    red, green, blue = images[:, border].mean(axis=(0, 1))
    (x0, x1), (x2, x3) = CHEEKS_X
    columns = ((x0 < places) & (places < x1)) | ((x2 < places) & (places < x3))
    cheeks = grey[:, (CHEEKS_Y[0] < places) & (places < CHEEKS_Y[1])][:, :, columns]
    left, top, right, bottom = np.median(found.boxes, axis=0)
    laplacians = np.stack([cv2.Laplacian(image, cv2.CV_64F) for image in grey])
    recorded = {name: _number(video.recorded.get(name)) for name in RECORDED}
    return recorded | {
        "num_crops": float(len(found.time_s)),
        "confidence": float(np.median(found.confidences)),
        "face_size": float(right - left),
        "face_x": float(left + right) / 2,
        "face_y": float(top + bottom) / 2,
        "brightness": float(grey[:, border].mean()),
        "contrast": float(grey[:, border].std(axis=1).mean()),
        "red_cast": float(red - green),
        "blue_cast": float(blue - green),
        "sharpness": float(np.log1p(laplacians[:, border].var(axis=1).mean())),
        "cheek_brightness": float(cheeks.mean()),
    }


def _number(value):
    return float(value) if isinstance(value, int | float) else np.nan

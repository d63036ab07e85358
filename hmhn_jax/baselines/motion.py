"""Head motion of a video, from where the detector found face and eyes over time.

Lengths are in distances between the eyes, so that the camera's distance does not count. Crops of
real videos are a second apart by default: slower movement than that is seen, faster is not.
"""

import numpy as np

from hmhn_jax.baselines.video import VideoData


def motion(video: VideoData) -> dict[str, float]:
    """Computes how far, how fast and how evenly a head moves.

    Returns:
      displacement_*: distance of the middle between the eyes from its median place.
      speed_*: of that middle, in eye distances a second.
      roll_*, roll_speed_*: of the line between the eyes, in degrees (a second).
      scale_*, scale_speed_*: log of the eye distance over its median (a second).
      box_*: log of the box's width over its median: nods shorten a face, not its eye distance.
      tilt, the mean roll; for each of the others mean, sd and p90 (the 90th percentile) of the
      absolute value. These are 0 of a single crop.
    """
    eyes, boxes = video.detections.eyes.astype(float), video.detections.boxes.astype(float)
    seconds = np.maximum(np.diff(video.detections.time_s.astype(float)), 1e-3)
    across = eyes[:, 1] - eyes[:, 0]
    distances = np.maximum(np.linalg.norm(across, axis=1), 1e-6)
    places = eyes.mean(axis=1) / np.median(distances)
    roll = np.degrees(np.unwrap(np.arctan2(across[:, 1], across[:, 0])))
    scale = np.log(distances / np.median(distances))
    widths = np.maximum(boxes[:, 2] - boxes[:, 0], 1.0)
    courses = {
        "displacement": np.linalg.norm(places - np.median(places, axis=0), axis=1),
        "speed": np.linalg.norm(np.diff(places, axis=0), axis=1) / seconds,
        "roll": roll - np.median(roll),
        "roll_speed": np.diff(roll) / seconds,
        "scale": scale,
        "scale_speed": np.diff(scale) / seconds,
        "box": np.log(widths / np.median(widths)),
    }
    features = {"tilt": float(roll.mean())}
    for name, values in courses.items():
        size = np.abs(values) if len(values) else np.zeros(1)
        features |= {
            f"{name}_mean": float(size.mean()),
            f"{name}_sd": float(size.std()),
            f"{name}_p90": float(np.quantile(size, 0.9)),
        }
    return features

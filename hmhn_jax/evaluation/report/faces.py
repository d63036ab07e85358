"""Pictures for a report: a few crops of the videos with the largest errors."""

import numpy as np

from hmhn_jax.input_pipeline.crops import Crops


def worst_crops(
    crops: Crops, predictions: np.ndarray, num_videos: int = 5, num_crops: int = 6
) -> dict[int, np.ndarray]:
    """Selects crops of the videos with the largest absolute error, the largest first.

    Args:
      crops: of one split.
      predictions: f[V].
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

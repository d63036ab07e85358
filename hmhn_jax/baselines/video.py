"""One video as the baselines see it, and how it was recorded."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hmhn_jax.base.progress import track
from hmhn_jax.faces.report import SUMMARY
from hmhn_jax.input_pipeline.crops import Crops, Detections

MOST_IMAGES = 24  # of a video, evenly spread: means over more hardly change


@dataclasses.dataclass(frozen=True)
class VideoData:
    """What features of a video are computed from.

    Attributes:
      images: u8[n,S,S,3], at most `MOST_IMAGES` of its crops.
      detections: of all its crops, in the order of time.
      recorded: what the dataset's summary says of the file; empty where it says nothing.
    """

    images: np.ndarray
    detections: Detections
    recorded: Mapping[str, Any]


def read_summary(builder: Any) -> dict[str, dict]:
    """Reads what a dataset's summary says of each video, by id; empty without a readable one."""
    try:
        videos = json.loads((builder.data_path / SUMMARY).read_text())["videos"]
        return {video["video_id"]: video for video in videos}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def each_video(
    crops: Crops, recorded: Mapping[str, Mapping], description: str
) -> Iterator[VideoData]:
    """Yields the data of each of the V videos.

    Args:
      crops: of a split, with `detections`.
      recorded: from `read_summary`.
      description: of the progress.
    """
    assert crops.detections is not None
    starts = np.searchsorted(crops.video_of_crop, np.arange(len(crops.videos) + 1))
    for index, video in enumerate(track(crops.videos, description)):
        places = np.arange(starts[index], starts[index + 1])
        shown = np.linspace(places[0], places[-1], min(MOST_IMAGES, len(places)))
        yield VideoData(
            crops.images(shown.round().astype(int)),
            crops.detections[places],
            recorded.get(video.video_id, {}),
        )

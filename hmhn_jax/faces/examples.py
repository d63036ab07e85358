"""Examples of a dataset: one per crop, under a key that is the same in every build."""

import io
from collections.abc import Iterator

import numpy as np

from hmhn_jax.faces.crop import VideoCrops
from hmhn_jax.recordings.recording import Recording


def examples_of(recording: Recording, result: VideoCrops) -> Iterator[tuple[str, dict]]:
    """Yields (key, fields) for each crop; the README of `data/avec_faces` describes the fields."""
    for crop in result.crops:
        yield (
            f"{recording.video_id}/{crop.frame_index:06d}",
            {
                "image": io.BytesIO(crop.jpeg),
                "score": recording.score,
                "video_id": recording.video_id,
                "subject_id": recording.subject_id,
                "task": recording.task,
                "frame_index": crop.frame_index,
                "time_s": crop.time_s,
                "box": np.array(crop.box, np.int32),
                "eyes": crop.eyes,
                "confidence": crop.confidence,
            },
        )

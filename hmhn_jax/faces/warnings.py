"""Warnings of a video's crops: reasons to trust them, and a score made of them, less.

A build and a prediction warn of the same. The limits are round numbers, not tuned on data.
"""

import itertools
from collections.abc import Iterator

from hmhn_jax.base.notices import times
from hmhn_jax.faces.crop import VideoCrops
from hmhn_jax.faces.detection.detector import overlap

# A video gets no score unless as many of its frames, and such a share of them, show a face.
MIN_FACES = 3
MIN_FOUND_RATE = 0.2

LOW_FOUND_RATE = 0.7  # share of frames with a face
SHORT_SHARE = 0.25  # frames, relative to the mean of a dataset's videos
# Median of the detector's scores. Of 240 rendered clips the lowest is 0.46; what dlib takes for a
# face in noise, or in one that stands on its head, is mostly below 0.25.
WEAK_CONFIDENCE = 0.25


def warnings_of(crops: VideoCrops, mean_frames: float | None = None) -> Iterator[str]:
    """Yields a line for each reason to trust the crops of a video or picture less.

    `mean_frames` are those looked at of a video of the dataset, on average; None if not known.
    """
    yield from crops.notes
    found, sampled = len(crops.crops), crops.num_sampled
    if crops.num_crowded and crops.is_picture:
        yield "more than one face: the largest was scored"
    elif crops.num_crowded:
        number = f"at least {crops.num_crowded} of {sampled} frames"
        yield f"more than one face in {number}: the largest was followed"
    confidence = crops.median_confidence
    if confidence < WEAK_CONFIDENCE:
        yield f"a weak detection: the median confidence of the face is {confidence:.2f}"
    if crops.is_picture:
        return
    if reason := abstention(crops):
        yield f"too little for a score: {reason}"
    elif found < LOW_FOUND_RATE * sampled:
        yield f"a face in only {found} of {sampled} frames"
    if mean_frames is not None and is_short(sampled, mean_frames):
        yield short(sampled, mean_frames)
    if crops.num_cuts:
        yield f"the whole picture changes {times(crops.num_cuts)}: several scenes or people?"
    boxes = [crop.box for crop in crops.crops]
    if jumps := sum(overlap(one, other) == 0 for one, other in itertools.pairwise(boxes)):
        yield f"the face jumps to another place {times(jumps)}: several scenes or people?"


def abstention(crops: VideoCrops) -> str | None:
    """Returns why a file with some faces gets no score; None if it gets one, as a picture does."""
    found, sampled = len(crops.crops), crops.num_sampled
    if crops.is_picture or (found >= MIN_FACES and found >= MIN_FOUND_RATE * sampled):
        return None
    return (
        f"a face in {found} of {sampled} frames; expected at least {MIN_FACES} and "
        f"{MIN_FOUND_RATE:.0%}"
    )


def is_short(num_sampled: int, mean_frames: float) -> bool:
    """Returns whether so few frames were looked at, compared with the dataset's mean."""
    return num_sampled < SHORT_SHARE * mean_frames


def short(num_sampled: int, mean_frames: float) -> str:
    """Returns the warning of a video that `is_short`."""
    return f"short: {num_sampled} frames; videos for training have {mean_frames:.0f} on average"

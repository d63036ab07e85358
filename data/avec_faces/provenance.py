"""What a built dataset says about itself: from which videos, how, and which of them failed."""

import dataclasses
import hashlib
import json
import statistics
from collections.abc import Iterable

import av
import cv2
import dlib
import tensorflow_datasets as tfds

from hmhn_jax.errors import UserError
from hmhn_jax.faces.crops import CropFailure, VideoCrops
from hmhn_jax.faces.recordings import SPLITS, Found, Recording

from .configs import FacesConfig

FAILURES_NAMED = 3  # in the error message; the others are only counted


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How cropping one video ended, without the crops themselves.

    Attributes:
      recording: which video.
      sha256: of the video file; None if it cannot be read.
      num_sampled: frames looked at.
      num_crops: frames in which a face was found.
      failure: why there are no crops; None if there are.
    """

    recording: Recording
    sha256: str | None
    num_sampled: int = 0
    num_crops: int = 0
    failure: str | None = None


def outcome(recording: Recording, result: VideoCrops | CropFailure) -> Outcome:
    """Keeps of a video's result what the dataset will say about it."""
    if isinstance(result, CropFailure):
        return Outcome(recording, result.sha256, failure=result.reason)
    return Outcome(recording, result.sha256, result.num_sampled, len(result.crops))


def refuse_failures(outcomes: Iterable[Outcome], max_failed_share: float) -> None:
    """Checks that few enough videos failed and that every split has crops.

    Raises:
      UserError: too many failed; the one line names the first of them with their reasons.
    """
    outcomes = list(outcomes)
    failed = [each for each in outcomes if each.failure]
    splits = {each.recording.split for each in outcomes}
    left = {each.recording.split for each in outcomes if not each.failure}
    if len(failed) <= max_failed_share * len(outcomes) and splits == left:
        return
    named = [f"{each.recording.path}: {each.failure}" for each in failed[:FAILURES_NAMED]]
    if len(failed) > FAILURES_NAMED:
        named.append(f"and {len(failed) - FAILURES_NAMED} more")
    allowed = int(max_failed_share * len(outcomes))
    raise UserError(
        f"{len(failed)} of {len(outcomes)} videos gave no crops, allowed are {allowed} and no "
        f"whole split: {'; '.join(named)}"
    )


def metadata(outcomes: Iterable[Outcome], config: FacesConfig, found: Found) -> dict:
    """Describes a dataset in values that JSON knows.

    Returns:
      fingerprint: sha256 over the videos' contents, ids, splits and scores and the crop settings;
        equal for equal data wherever the files lie.
      synthetic: whether the faces are rendered.
      train_score_mean, train_score_sd: over the training VIDEOS with crops, in BDI-II points; sd
        is the population's. None without a training split.
      crops: the crop settings.
      num_videos: {split: videos with crops}.
      num_frames_sampled, num_frames_with_face: over all videos.
      failures: [{"file", "split", "reason"}] of the videos without crops.
      videos: {video_id: {name: value}}, what else is known of the videos with crops.
      facts: a line each for what was found in the videos' folder, such as a missing clip.
      software: {package: version} of what decoded, found and wrote.
    """
    outcomes = sorted(outcomes, key=lambda each: each.recording.video_id)
    cropped = [each.recording for each in outcomes if not each.failure]
    train_scores = [recording.score for recording in cropped if recording.split == "train"]
    return {
        "fingerprint": _fingerprint(outcomes, config),
        "synthetic": config.is_synthetic,
        "train_score_mean": statistics.fmean(train_scores) if train_scores else None,
        "train_score_sd": statistics.pstdev(train_scores) if train_scores else None,
        "crops": dataclasses.asdict(config.crops),
        "num_videos": {
            split: sum(recording.split == split for recording in cropped) for split in SPLITS
        },
        "num_frames_sampled": sum(each.num_sampled for each in outcomes),
        "num_frames_with_face": sum(each.num_crops for each in outcomes),
        "failures": [
            {
                "file": each.recording.path.name,
                "split": each.recording.split,
                "reason": each.failure,
            }
            for each in outcomes
            if each.failure
        ],
        "videos": {
            recording.video_id: found.details[recording.video_id]
            for recording in cropped
            if recording.video_id in found.details
        },
        "facts": list(found.facts),
        "software": {
            "av": av.__version__,
            "dlib": dlib.__version__,
            "opencv": cv2.__version__,
            "tensorflow_datasets": tfds.__version__,
        },
    }


def _fingerprint(outcomes: list[Outcome], config: FacesConfig) -> str:
    videos = [
        (
            each.recording.video_id,
            each.recording.subject_id,
            each.recording.task,
            each.recording.split,
            each.recording.score,
            each.sha256,
        )
        for each in outcomes
    ]
    content = json.dumps({"videos": videos, "crops": dataclasses.asdict(config.crops)})
    return hashlib.sha256(content.encode()).hexdigest()

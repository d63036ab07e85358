"""Metadata of a built dataset: its videos, crop settings and failures."""

import dataclasses
import hashlib
import json
import statistics
from collections.abc import Iterable
from typing import Any

import tensorflow_datasets as tfds

from hmhn_jax.base import scales
from hmhn_jax.base.errors import SoftwareFault, UserError, most_common_reasons
from hmhn_jax.base.scale import Scale
from hmhn_jax.faces.crop import ENGINE_VERSION, SOFTWARE
from hmhn_jax.faces.report import CropReport
from hmhn_jax.recordings.recording import SPLITS, Found

from .configs import FacesConfig


def refuse_failures(reports: Iterable[CropReport], max_failed_share: float) -> None:
    """Checks that few enough videos failed and that every split has crops.

    Raises:
      UserError: too many failed; the one line has the most common reasons.
      SoftwareFault: the same, and on too many the software failed, not the videos.
    """
    reports = list(reports)
    failed = [each for each in reports if each.failure]
    splits = {each.recording.split for each in reports}
    left = {each.recording.split for each in reports if not each.failure}
    if len(failed) <= max_failed_share * len(reports) and splits == left:
        return
    reasons = most_common_reasons(
        (each.recording.file, each.failure) for each in reports if each.failure
    )
    allowed = int(max_failed_share * len(reports))
    faults = sum(each.is_fault for each in failed)
    raise (SoftwareFault if faults > allowed else UserError)(
        f"{len(failed)} of {len(reports)} videos gave no crops, allowed are {allowed} and no "
        f"whole split: {reasons}"
    )


def table_digest(found: Found) -> str:
    """Returns a digest of the labels: each video's subject, score and split.

    No video is read, so that a prepared dataset can be compared with its source.
    """
    rows = sorted(
        (
            each.video_id,
            each.subject_id,
            each.task,
            each.split,
            each.score,
            each.path.stat().st_size,
        )
        for each in found.recordings
    )
    content = json.dumps([rows, found.details], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def metadata(reports: Iterable[CropReport], config: FacesConfig, found: Found) -> dict:
    """Describes a dataset in JSON values.

    Returns:
      fingerprint: sha256 over the videos' contents, ids, splits and scores, the crop settings
        and the version of the cropping engine;
        equal for equal data wherever the files lie.
      synthetic: whether the faces are rendered.
      scale: of the scores, as `Scale.to_json` gives it.
      train_score_mean, train_score_sd: over the training VIDEOS with crops, in points; sd
        is the population's. None without a training split.
      crops: the crop settings.
      num_videos: {split: videos with crops}.
      num_frames_sampled, num_frames_with_face: over all videos.
      failures: [{"file", "split", "reason"}] of the videos without crops.
      videos: {video_id: {name: value}}, what else is known of the videos with crops.
      copies: a line for each video whose file is the same as another's.
      table: `table_digest` of the source.
      contents: {video_id: sha256 of its file}, of those that could be read.
      facts: a line each for what was found in the videos' folder, such as a missing clip.
      software: {package: version} of what decoded, found and wrote.
    """
    reports = sorted(reports, key=lambda each: each.recording.video_id)
    cropped = [each.recording for each in reports if not each.failure]
    train_scores = [recording.score for recording in cropped if recording.split == "train"]
    return {
        "fingerprint": _fingerprint(reports, config, found.scale),
        "synthetic": config.is_synthetic,
        "scale": found.scale.to_json(),
        "train_score_mean": statistics.fmean(train_scores) if train_scores else None,
        "train_score_sd": statistics.pstdev(train_scores) if train_scores else None,
        "crops": dataclasses.asdict(config.crops),
        "num_videos": {
            split: sum(recording.split == split for recording in cropped) for split in SPLITS
        },
        "num_frames_sampled": sum(each.num_sampled for each in reports),
        "num_frames_with_face": sum(each.num_crops for each in reports),
        "failures": [
            {
                "file": each.recording.path.name,
                "split": each.recording.split,
                "reason": each.failure,
            }
            for each in reports
            if each.failure
        ],
        "videos": {
            recording.video_id: found.details[recording.video_id]
            for recording in cropped
            if recording.video_id in found.details
        },
        "facts": list(found.facts),
        "copies": _copies(reports),
        "table": table_digest(found),
        "contents": {each.recording.video_id: each.sha256 for each in reports if each.sha256},
        "software": {**SOFTWARE, "tensorflow_datasets": tfds.__version__},
    }


def _copies(reports: list[CropReport]) -> list[str]:
    """Returns a line for each video whose file is the same as another's."""
    first: dict[str, CropReport] = {}
    lines = []
    for each in reports:
        other = first.setdefault(each.sha256, each) if each.sha256 else each
        one, two = other.recording, each.recording
        if one.path != two.path:  # else other parts of one file
            lines.append(
                f"{two.path}: the same content as {one.path} "
                f"({two.subject_id} in {two.split}, {one.subject_id} in {one.split})"
            )
    return lines


def _fingerprint(reports: list[CropReport], config: FacesConfig, scale: Scale) -> str:
    videos = [
        (
            each.recording.video_id,
            each.recording.subject_id,
            each.recording.task,
            each.recording.split,
            each.recording.score,
            each.sha256,
        )
        for each in reports
    ]
    content: dict[str, Any] = {"videos": videos, "crops": dataclasses.asdict(config.crops)}
    content["engine"] = ENGINE_VERSION
    if not scale.measures_as(scales.default()):  # older datasets say no scale
        content["scale"] = scale.identity()
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()

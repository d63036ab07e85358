"""Splits of a run: those of its dataset or, in a fold of a cross-validation, of its people."""

import contextlib
import dataclasses
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from hmhn_jax.base import files
from hmhn_jax.input_pipeline import crops as crops_lib
from hmhn_jax.input_pipeline.crops import Crops, read_crops
from hmhn_jax.workdir import people as people_lib


def check(config: ConfigDict, workdir: Path, builder: Any, split: str) -> None:
    """Raises UserError for a split that a run does not have."""
    people = people_lib.read(config, workdir)
    if people is not None:
        people.part(split)
    crops_lib.check_split(builder, people.splits if people else split)


def read(config: ConfigDict, workdir: Path, builder: Any, split: str) -> Crops:
    """Reads a split of a run.

    Args:
      config: of the run.
      workdir: of the run.
      builder: the prepared TFDS builder of `config.data`.
      split: a TFDS split; in a fold "train", "validation" or "test" of its people.

    Raises:
      UserError: for a split that the run does not have, or an unreadable record.
    """
    people = people_lib.read(config, workdir)
    if people is None:
        return read_crops(builder, split, config.data)
    subjects = people.part(split)
    everyone = read_encoded(builder, people.splits, config.data)
    with contextlib.suppress(OSError, ValueError):  # not there: they are decoded here
        decoded = np.load(_decoded_path(workdir.parent, builder, config.data), mmap_mode="r")
        if len(decoded) == len(everyone):
            everyone = dataclasses.replace(everyone, decoded=decoded)
    crops = of_subjects(everyone, subjects)
    if crops.decoded is not None:
        return crops
    return crops_lib.keep_decoded(crops, config.data.cache_gib, split)


def read_encoded(builder: Any, split: str, settings: ConfigDict) -> Crops:
    """Reads crops that are decoded when they are asked for."""
    undecoded = settings.copy_and_resolve_references().unlock()
    undecoded.cache_gib = 0.0
    return read_crops(builder, split, undecoded)


def of_subjects(crops: Crops, subjects: Collection[str]) -> Crops:
    """Selects the videos of some people."""
    chosen = set(subjects)
    is_chosen = np.array([video.subject_id in chosen for video in crops.videos])
    (indices,) = np.nonzero(is_chosen[crops.video_of_crop])
    places = (np.cumsum(is_chosen) - 1).astype(crops.video_of_crop.dtype)
    return dataclasses.replace(
        crops,
        jpegs=[crops.jpegs[index] for index in indices],
        video_of_crop=places[crops.video_of_crop[indices]],
        videos=[video for video, is_in in zip(crops.videos, is_chosen, strict=True) if is_in],
        decoded=None if crops.decoded is None else crops.decoded[indices],
        detections=None if crops.detections is None else crops.detections[indices],
    )


def share_decoded(crops: Crops, folder: Path, builder: Any, settings: ConfigDict) -> Path | None:
    """Decodes all crops once for the runs in a folder; returns the file, None if it is too large.

    Args:
      crops: of all splits that the runs read.
      folder: holds the runs' workdirs.
      builder: the prepared TFDS builder.
      settings: `config.data`; the file is no larger than `cache_gib`.
    """
    path = _decoded_path(folder, builder, settings)
    if not path.exists():
        decoded = crops_lib.keep_decoded(crops, settings.cache_gib, "crops").decoded
        if decoded is None:
            return None
        with files.replacing(path) as temporary:
            np.save(temporary, decoded)
    return path


def _decoded_path(folder, builder, settings):
    fingerprint = builder.info.metadata.get("fingerprint", "")
    return folder / f"crops-{fingerprint[:16]}-{settings.image_size}.npy"

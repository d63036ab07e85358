"""Warnings of the doctor: what stops no training, but will be missed in its results."""

import itertools
import math
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from hmhn_jax.base import files
from hmhn_jax.base.errors import UserError
from hmhn_jax.faces.crop import CropSettings
from hmhn_jax.faces.report import SUMMARY
from hmhn_jax.faces.warnings import MIN_FACES
from hmhn_jax.input_pipeline.dataset import DATASET, data_directory, open_dataset
from hmhn_jax.recordings.recording import SPLITS
from hmhn_jax.recordings.subjects import LEAST_SUBJECTS


def of_videos(videos: Sequence[dict[str, Any]], crops: CropSettings) -> list[str]:
    """Returns a line for each video with wrong times or too short to be predicted.

    `videos` are as in `doctor.describe`, `crops` says how their crops will be made.
    """
    lines = []
    for video in videos:
        reasons = list(video.get("notes", ()))
        seconds, rates = video.get("duration_s"), (video.get("fps"), crops.rate_hz)
        if seconds and any(rates):
            frames = math.ceil(seconds * min(filter(None, rates)))
            if frames < MIN_FACES:
                reasons.append(
                    f"too short for a score: {seconds:.3g} s are {frames} frames; expected at "
                    f"least {MIN_FACES}"
                )
        lines += [f"{video['path']}: {reason}" for reason in reasons]
    return lines


def of_study(videos: Sequence[dict[str, Any]], test_split: str) -> list[str]:
    """Returns a line if too few people are tested for any confidence interval."""
    splits = [split for split in SPLITS if split in test_split.split("+")]
    tested = [each for each in videos if each["split"] in splits and "unreadable" not in each]
    number = len({each["subject_id"] for each in tested})
    if not 0 < number < LEAST_SUBJECTS:
        return []
    return [
        f"config.data.test_split={test_split} has {number} people: too few for confidence "
        f"intervals, which need at least {LEAST_SUBJECTS}"
    ]


def of_build(settings: ConfigDict) -> tuple[list[str], list[str]]:
    """Returns the warnings of the videos of a built dataset, and why it cannot be used.

    Of a dataset that is not built nothing is said.
    """
    import tensorflow_datasets as tfds

    folder = data_directory(settings) / settings.dataset.split(":")[0]
    if not (folder / str(tfds.builder_cls(DATASET).VERSION) / "dataset_info.json").exists():
        return [], []
    try:
        path = Path(open_dataset(settings).data_path) / SUMMARY
        videos = files.read_json(path)["videos"]
    except UserError as error:  # such as of labels that have changed since
        return [], [str(error)]
    except (OSError, ValueError, TypeError, KeyError):  # only a page for people, which may be gone
        return [], []
    return [f"{each['file']}: {line}" for each in videos for line in each.get("warnings", ())], []


def next_command(command: Sequence[str], usable: bool) -> str:
    """Returns what to run after the doctor, in words and as a command for a shell.

    `command` is that of this run; `usable` says whether training can begin.
    """
    if not usable:
        return f"mend the problems, then again: {shlex.join(command)}"
    mode = re.compile("--?mode(=.*)?")
    pairs = itertools.pairwise(["", *command])
    kept = [each for last, each in pairs if not mode.fullmatch(each) and last.strip("-") != "mode"]
    return f"next, to crop, train and evaluate: {shlex.join(kept)}"

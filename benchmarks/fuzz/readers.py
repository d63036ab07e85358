"""Readers under test and the outcomes that are allowed for damaged files.

A reader takes a path and gives the lines in which it refuses what is there, none if it accepts it;
a `UserError` is such a line, too. Whatever else it raises is a failure.
"""

import itertools
from pathlib import Path

from hmhn_jax.base.errors import one_line
from hmhn_jax.faces import jobs
from hmhn_jax.faces.crop import CropFailure, CropSettings
from hmhn_jax.faces.media.images import read_image
from hmhn_jax.faces.media.probe import probe
from hmhn_jax.faces.media.video import sampled_frames
from hmhn_jax.recordings import avec_labels
from hmhn_jax.recordings.recording import Found
from hmhn_jax.recordings.tables import labels


def table(path: Path) -> list[str]:
    """A table of recordings, as of `avec_faces/folder`."""
    return list(labels.read_table(path).problems)


def label(path: Path) -> list[str]:
    """Reads a label file of AVEC; other file names are ignored."""
    _, problems = avec_labels.read_labels([path])
    return list(Found((), problems=tuple(itertools.chain(*problems.values()))).problems)


def config(path: Path) -> list[str]:
    """A workdir's config.json."""
    from hmhn_jax.workdir import stored_config

    stored_config.load(path.parent)
    return []


def frames(path: Path) -> list[str]:
    """Reads every frame of a video."""
    for frame in sampled_frames(path):
        assert frame.rgb.ndim == 3
    return []


def header(path: Path) -> list[str]:
    """Reads a video's header and its first frame."""
    probe(path)
    return []


def crops(path: Path) -> list[str]:
    """Makes a video's or a picture's face crops, as a dataset and a prediction do."""
    settings = CropSettings(size=64, rate_hz=5.0, max_frames_per_video=4)
    (result,) = jobs.crop_files([path], settings, num_processes=1)
    if not isinstance(result, CropFailure):
        return []
    return [f"{path}: {result.reason}"]


def picture(path: Path) -> list[str]:
    """Reads a picture."""
    assert read_image(path).ndim == 3
    return []


def weights(path: Path) -> list[str]:
    """Reads PyTorch's weights."""
    from hmhn_jax.interop import torch_files

    content, _ = torch_files.read(path)
    torch_files.state_dict(content, str(path))
    return []


def fault(lines: list[str], path: Path) -> str | None:
    """Returns what is wrong with a refusal, which must be one line and name the file."""
    for line in lines:
        if line != one_line(line):
            return f"not one plain line: {one_line(line)}"
        # Of a long path the middle is left out.
        if one_line(path.name) not in line:
            return f"does not name the file: {line}"
    return None

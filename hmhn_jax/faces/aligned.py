"""Aligned face crops of one file, as arrays."""

import dataclasses
import os
from pathlib import Path

import numpy as np

from hmhn_jax.faces.crop import Crop, CropFailure, CropSettings
from hmhn_jax.faces.jobs import crop_files
from hmhn_jax.faces.media.jpeg import decode_crops
from hmhn_jax.faces.warnings import warnings_of


@dataclasses.dataclass(frozen=True, eq=False)
class AlignedFaces:
    """The face crops of one video or picture, N of them.

    Attributes:
      path: the file.
      images: u8[N,S,S,3], RGB, eyes at a fixed place; N = 0 of a file without faces.
      times_s: f64[N], seconds since the first frame.
      frame_indices: i64[N], the frames' places in the video, from 0.
      boxes: i64[N,4], the detector's: left, top, right, bottom, in pixels of the frame.
      confidences: f64[N], the detector's scores.
      face_found_rate: share of the frames looked at that show a face; None when none could be.
      warnings: a line each.
      error: why the file could not be read; None if it could.
    """

    path: Path
    images: np.ndarray
    times_s: np.ndarray
    frame_indices: np.ndarray
    boxes: np.ndarray
    confidences: np.ndarray
    face_found_rate: float | None = None
    warnings: tuple[str, ...] = ()
    error: str | None = None


def crop(path: str | os.PathLike, settings: CropSettings | None = None) -> AlignedFaces:
    """Crops one person's face out of a video's sampled frames, or out of a picture.

    Args:
      path: of the file.
      settings: how, such as `load(...).crop_settings`, those of a network's training data; when
        None, the defaults: one frame a second and at most 120, 224 x 224 pixels.

    Returns:
      The crops, the same as those of a dataset built with these settings. A file that cannot be
      read, or shows no face, has none, and its `error` or `warnings` say why.

    Raises:
      TypeError: the path is neither a str nor an `os.PathLike`.
      UserError: the landmark model is not installed.
    """
    path, settings = as_path(path), CropSettings() if settings is None else settings
    if not isinstance(settings, CropSettings):
        raise TypeError(f"expected settings to be CropSettings, got {type(settings).__name__}")
    (made,) = crop_files([path], settings, num_processes=1)
    crops: tuple[Crop, ...] = ()
    warnings: tuple[str, ...] = ()
    rate, error = None, None
    if not isinstance(made, CropFailure):
        crops, rate = made.crops, len(made.crops) / made.num_sampled
        warnings = tuple(warnings_of(made))
    elif made.num_sampled:
        rate, warnings = 0.0, (made.reason,)
    else:
        error = made.reason
    size = settings.size
    images = np.zeros((0, size, size, 3), np.uint8)
    return AlignedFaces(
        path,
        images=decode_crops([each.jpeg for each in crops], size) if crops else images,
        times_s=np.array([each.time_s for each in crops], np.float64),
        frame_indices=np.array([each.frame_index for each in crops], np.int64),
        boxes=np.array([each.box for each in crops], np.int64).reshape(-1, 4),
        confidences=np.array([each.confidence for each in crops], np.float64),
        face_found_rate=rate,
        warnings=warnings,
        error=error,
    )


def as_path(path: str | os.PathLike) -> Path:
    """Returns a path, `~` replaced by the home folder.

    Raises:
      TypeError: it is neither a str nor an `os.PathLike` of one.
    """
    if not isinstance(path, str | os.PathLike) or isinstance(os.fspath(path), bytes):
        got = f"{type(path).__name__}: {path!r}"
        raise TypeError(f"expected a path, as str or os.PathLike, got {got}")
    return Path(path).expanduser()

"""Prediction for one file: a score or the reason for none, and warnings."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hmhn_jax.base import scales
from hmhn_jax.base.scale import Scale
from hmhn_jax.faces.crop import Crop, CropFailure, CropSettings, VideoCrops
from hmhn_jax.faces.warnings import warnings_of
from hmhn_jax.prediction import ensemble
from hmhn_jax.prediction.conformal import LEVELS, Interval, Residuals

# Warned of, in addition to what `faces.warnings` has.
WIDE_SPREAD = 0.16  # of the scale's span, between frames (sd): most bands are narrower


@dataclasses.dataclass(frozen=True)
class Frame:
    """The score of one frame.

    Attributes:
      index: its place in the video, from 0.
      time_s: seconds since the video's first frame.
      score: the mean over members, unclipped.
    """

    index: int
    time_s: float
    score: float


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The prediction for one file.

    Attributes:
      path: the file.
      score: the mean over frames and members, clipped to the scale; None without one.
      score_std: sample standard deviation of the frames' scores (means over members); None with
        fewer than two frames.
      members_std: sample standard deviation of the members' scores; None of a single network.
      intervals: for the person's score, by a cross-validated workdir; empty without.
      face_found_rate: share of the frames looked at that show a face; None when none could be.
      duration_s: seconds, see `probe.Header`; None for a picture.
      warnings: a line each.
      error: why the file could not be read; None if it could.
      sha256: of the file, in hexadecimal digits; None if it could not be read.
      is_picture: whether it is a picture, not a video.
      crops: F, one for each frame with a face.
      frame_scores: f32[M,F], each member's score of each crop, unclipped; [M,0] without a score.
      scale: of the scores.
    """

    path: Path
    score: float | None = None
    score_std: float | None = None
    members_std: float | None = None
    intervals: tuple[Interval, ...] = ()
    face_found_rate: float | None = None
    duration_s: float | None = None
    warnings: tuple[str, ...] = ()
    error: str | None = None
    sha256: str | None = None
    is_picture: bool = False
    crops: tuple[Crop, ...] = dataclasses.field(default=(), compare=False, repr=False)
    frame_scores: np.ndarray = dataclasses.field(
        default_factory=lambda: np.zeros((1, 0), np.float32), compare=False, repr=False
    )
    scale: Scale = dataclasses.field(default_factory=scales.default)

    @property
    def band(self) -> str | None:
        """The band of the scale that the score is in; None without a score, or without bands."""
        return None if self.score is None else self.scale.band_name(self.score) or None

    @property
    def frames_used(self) -> int:
        """The number of frames that the score is the mean of."""
        return self.frame_scores.shape[1]

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames that the score is the mean of; none without a score."""
        pairs = zip(self.crops, self.mean_scores, strict=True) if self.frames_used else ()
        return tuple(Frame(crop.frame_index, crop.time_s, float(score)) for crop, score in pairs)

    @property
    def mean_scores(self) -> np.ndarray:
        """The score of each frame, the mean over members, f[F]."""
        return self.frame_scores.mean(axis=0)


def in_words(made: Prediction) -> str:
    """Returns a file's score, or why it has none, in one line."""
    if made.error is not None:
        return f"error: {made.error}"
    if made.score is None:
        return "; ".join(made.warnings)
    frames = "a picture" if made.is_picture else f"{made.frames_used} frames"
    warned = f"; {'; '.join(made.warnings)}" if made.warnings else ""
    band = f" ({made.band})" if made.band else ""
    intervals = "".join(f", {each}" for each in made.intervals)
    return f"{made.score:.1f} {made.scale.points}{band}{intervals}, {frames}{warned}"


def failed(path: Path, failure: CropFailure, duration_s: float | None) -> Prediction:
    """Returns the prediction of a file that shows no face, or could not be read."""
    if failure.num_sampled:
        warning = f"no score: {failure.reason}"
        return Prediction(path, face_found_rate=0.0, duration_s=duration_s, warnings=(warning,))
    return Prediction(path, error=failure.reason)


def summarise(
    path: Path,
    crops: VideoCrops,
    frame_scores: np.ndarray,
    duration_s: float | None,
    training_data: Mapping[str, Any],
    residuals: Residuals | None = None,
) -> Prediction:
    """Combines the frames' scores into one.

    Args:
      path: the file.
      crops: its F crops.
      frame_scores: f[M,F].
      duration_s: seconds, None if not known.
      training_data: the metadata of the dataset that the network learnt from.
      residuals: of a cross-validation, for intervals.
    """
    scale, means = scales.of(training_data), frame_scores.mean(axis=0)
    members = np.clip(frame_scores.mean(axis=1), *scale.ends)
    members_std = ensemble.spread(members)
    score_std = float(np.std(means, ddof=1)) if len(means) > 1 else None
    warnings = list(warnings_of(crops, _mean_frames(training_data)))
    wide = WIDE_SPREAD * scale.span
    if score_std is not None and score_std > wide and not crops.is_picture:
        warnings.append(
            f"the frames' scores differ much (standard deviation {score_std:.1f} {scale.unit})"
        )
    return Prediction(
        path,
        score=float(np.clip(means.mean(), *scale.ends)),
        score_std=score_std,
        members_std=None if members_std is None else float(members_std),
        intervals=residuals.intervals(members[:, None])[0] if residuals else (),
        face_found_rate=len(crops.crops) / crops.num_sampled,
        duration_s=duration_s,
        warnings=tuple(warnings),
        is_picture=crops.is_picture,
        crops=crops.crops,
        frame_scores=frame_scores,
        scale=scale,
    )


def without_wide_interval(made: Prediction, widest: float) -> Prediction:
    """Takes the score away where its 95 % interval is wider than `widest` points; 0 allows any."""
    if not widest or made.score is None:
        return made
    last = made.intervals[-1] if made.intervals else None
    if last is not None and last.level == max(LEVELS):
        if last.high - last.low <= widest:
            return made
        reason = f"its {last} is wider than {widest:g} points"
    else:
        reason = f"too few people for an interval of {100 * max(LEVELS):g} %"
    return Prediction(
        made.path,
        face_found_rate=made.face_found_rate,
        duration_s=made.duration_s,
        warnings=(f"no score: {reason} (config.cv.widest_interval)", *made.warnings),
        is_picture=made.is_picture,
    )


def crop_settings(training_data: Mapping[str, Any]) -> tuple[CropSettings, str | None]:
    """Returns the crop settings for a network: those of its training data.

    Of a dataset that had no limit of frames a video, the default limit is taken, so that a long
    video needs no more memory than a short one.

    Args:
      training_data: metadata of the dataset.

    Returns:
      The settings, and a warning if the metadata do not say how the crops were made.
    """
    default = CropSettings()
    known = {field.name for field in dataclasses.fields(CropSettings)}
    stored = training_data.get("crops") or {}
    values = {name: value for name, value in stored.items() if name in known}
    settings = CropSettings(**values)
    if settings.max_frames_per_video is None:
        limit = default.max_frames_per_video
        settings = dataclasses.replace(settings, max_frames_per_video=limit)
    if values.keys() == known:
        return settings, None
    return settings, "the network does not say how its crops were made; the defaults were taken"


def _mean_frames(training_data):
    """Returns the mean number of frames sampled of a training video; None if it is not known."""
    num_videos = sum((training_data.get("num_videos") or {}).values())
    sampled = training_data.get("num_frames_sampled")
    return sampled / num_videos if sampled and num_videos else None

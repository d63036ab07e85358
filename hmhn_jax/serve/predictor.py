"""Prediction of a video or picture for the page."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from ml_collections import ConfigDict

from hmhn_jax.base.errors import UserError
from hmhn_jax.faces.media.jpeg import decode_crops
from hmhn_jax.faces.media.probe import probe
from hmhn_jax.faces.media.video import VideoError
from hmhn_jax.prediction import attention, ensemble, occlusion_map, predict
from hmhn_jax.prediction.conformal import Residuals
from hmhn_jax.prediction.ensemble import Trained
from hmhn_jax.prediction.output.plots import extreme_frames
from hmhn_jax.prediction.result import Prediction
from hmhn_jax.serve.jobs import Outcome, Work

# Of the work, for its progress: until all crops are there, and until all are scored.
SHARE_OF_CROPPING, SHARE_OF_SCORING = 0.8, 0.95


def make_work(
    members: Sequence[Trained],
    settings: ConfigDict,
    max_duration_s: float,
    residuals: Residuals | None = None,
    widest_interval: float = 0.0,
) -> Work:
    """Returns work(path, progress), which predicts one file with these networks.

    Args:
      members: the networks; the first one's heads are shown.
      settings: `config.evaluate`: `batch_size`, crops scored at once, a multiple of the devices,
        and the patch of occlusion maps.
      max_duration_s: looks at no more seconds of a video, whatever its header claims.
      residuals, widest_interval: as of `predict_files`.
    """

    def work(path: Path, progress: Callable[[float | None], None]) -> Outcome:
        duration = probe(path).duration_s

        def watch(time_s: float) -> None:
            if time_s > max_duration_s:
                raise VideoError(path, f"longer than {max_duration_s / 60:g} minutes")
            # The frames are scored when all are there, which has no share of its own.
            progress(SHARE_OF_CROPPING * min(time_s / duration, 1.0) if duration else None)

        (made,) = predict.predict_files(
            members, [path], settings.batch_size, 1, watch, residuals, widest_interval
        )
        if made.error:
            raise UserError(made.error)
        progress(SHARE_OF_SCORING)
        return describe(made, members, settings)

    return work


def describe(made: Prediction, members: Sequence[Trained], settings: ConfigDict) -> Outcome:
    """Describes a prediction in JSON values, with pictures of maps.

    Each picture is a strip: the aligned face, then each head's map and the occlusion map over it.
    They are of the frames with the highest, the median and the lowest score.
    """
    trained, largest = members[0], 0.0
    chosen, pictures = [], []
    if made.frames_used:
        chosen = extreme_frames(made.mean_scores)
        images = decode_crops([made.crops[frame].jpeg for frame in chosen], trained.image_size)
        # Always three at once, so that they are compiled for once.
        overlays = attention.overlays(trained, np.resize(images, (3, *images.shape[1:])))
        falls = occlusion_map.occlusion_maps(ensemble.mean_score(members), images, settings)
        largest = float(np.abs(falls).max())
        hidden = occlusion_map.overlay(images, falls, largest)
        for number, image in enumerate(images):
            heads = [] if overlays is None else list(overlays[number])
            pictures.append(_png(np.concatenate([image, *heads, hidden[number]], axis=1)))
    band = None if made.score is None else made.scale.band(made.score)
    values = {
        "score": made.score,
        "scale": made.scale.name,
        "band": made.band,
        "band_range": [band.least, band.greatest] if band else None,
        "score_std": made.score_std,
        "intervals": [dataclasses.asdict(each) for each in made.intervals],
        "face_found_rate": made.face_found_rate,
        "frames_used": made.frames_used,
        "duration_s": made.duration_s,
        "warnings": list(made.warnings),
        "frames": [
            {"time_s": _time(made, frame), "score": float(score)}
            for frame, score in enumerate(made.mean_scores)
        ],
        "num_heads": trained.model.num_heads if trained.model.use_mab else 0,
        "largest_fall": largest,
        "pictures": [
            {"time_s": _time(made, frame), "score": float(made.mean_scores[frame])}
            for frame in chosen
        ],
    }
    return Outcome(values, tuple(pictures))


def _time(made, frame):
    """Seconds from the start; None of a picture, which has none."""
    return None if made.is_picture else made.crops[frame].time_s


def _png(rgb):
    encoded, png = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise RuntimeError("OpenCV could not encode a picture as PNG")
    return png.tobytes()

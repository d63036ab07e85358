"""HTML report of an evaluation: DIR/evaluation/SPLIT/report.html."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hmhn_jax import config as config_lib
from hmhn_jax.base import files, pseudonyms, templating
from hmhn_jax.evaluation import agreement
from hmhn_jax.evaluation.groups import group_errors
from hmhn_jax.evaluation.report import faces as report_crops
from hmhn_jax.evaluation.report import figures, published
from hmhn_jax.faces.media.jpeg import thumbnail
from hmhn_jax.input_pipeline.crops import Crops
from hmhn_jax.prediction import occlusion_map
from hmhn_jax.prediction.video_means import VideoMeans
from hmhn_jax.recordings.subjects import LEAST_SUBJECTS
from hmhn_jax.workdir import stored_config

THUMBNAIL_SIDE = 96  # pixels
PROTOCOLS = {
    "clips": "every video by itself",
    "sessions": "videos of a session averaged",
    "sessions_seen": "sessions of people who are also in the training videos",
    "sessions_unseen": "sessions of people the network has never seen",
}


def describe(
    crops: Crops,
    predictions: np.ndarray,
    details: Mapping[str, Mapping],
    anonymous: bool = False,
) -> dict:
    """Computes what the report shows beyond the errors, for metrics.json.

    Args:
      crops: what was scored.
      predictions: f[V].
      details: what the dataset knows of videos, by id.
      anonymous: see `groups.group_errors`.

    Returns:
      agreement: from `agreement.limits_of_agreement`.
      severities: `names`, and `counts` from `agreement.severity_confusion`, a row a true band.
      groups: from `groups.group_errors`.
    """
    return {
        "agreement": agreement.limits_of_agreement(predictions, crops.scores),
        "severities": {
            "names": [band.name for band in crops.scale.bands],
            "counts": agreement.severity_confusion(predictions, crops.scores, crops.scale).tolist(),
        },
        "groups": group_errors(crops.videos, predictions, crops.scale, details, anonymous),
    }


def write_report(
    path: Path,
    crops: Crops,
    means: VideoMeans,
    results: dict[str, Any],
    *,
    scalars: Sequence[dict[str, float]] = (),
    head_maps: Mapping[str, np.ndarray] | None = None,
    occlusion_maps: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Writes one HTML file with everything in it; it loads nothing and has no date.

    Args:
      path: of the file.
      crops: what was scored.
      means: what came out.
      results: what metrics.json holds, with what `describe` adds.
      scalars: of the training, from `scalars.read`; none where they are lost.
      head_maps: by video id, for each head a row of pictures u8[N,H,W,3], shown below the crops
        of a video that was predicted badly; `faces.worst_crops` says which these are.
        Without `config.report.faces` there are no pictures.
      occlusion_maps: by video id f[N,H,W], of the same crops, in points.

    Raises:
      UserError: when the file cannot be written.
    """
    predictions = means.compute(crops.scale)
    config = stored_config.from_dict(results["config"])
    trained = results["trained"]
    falls = occlusion_maps or {}
    largest = max((float(np.abs(each).max()) for each in falls.values()), default=0.0)
    environment = templating.environment()
    environment.filters["points"] = _points
    environment.filters["capitalize_first"] = lambda text: text[:1].upper() + text[1:]
    page = environment.get_template("report.html")
    text = page.render(
        results=results,
        scale=crops.scale,
        least_subjects=LEAST_SUBJECTS,
        protocols={name: each for name, each in PROTOCOLS.items() if name in results["protocols"]},
        figures={
            "predictions": figures.predictions(predictions, crops.scores, crops.scale),
            "differences": figures.differences(predictions, crops.scores, results["agreement"]),
            "calibration": _calibration(predictions, crops.scores, results["protocols"]["clips"]),
            "training": figures.training(scalars, results["checkpoint_step"]),
            "occlusion": figures.colour_bar(largest) if falls else None,
        },
        worst=_worst(crops, means, head_maps or {}, falls, largest, config.report.faces),
        key=pseudonyms.FILE if config.report.pseudonyms else None,
        published=[] if results["synthetic"] else published.methods(results["dataset"]),
        config=config_lib.flatten(config),
        changes=config_lib.changed_fields(config, config_lib.default()),
        changed_since=config_lib.differences(config, stored_config.from_dict(trained["config"])),
        other_versions=trained["versions"] if trained["versions"] != results["versions"] else {},
    )
    files.write_text(path, text)


def _calibration(predictions, scores, clips):
    """Draws the calibration; None of constant predictions, or results of an earlier version."""
    slope, start = clips.get("calibration_slope"), clips.get("calibration_intercept")
    if slope is None or start is None:
        return None
    return figures.calibration(predictions, scores, slope, start)


def _points(value):
    # A minus sign, and no "-0.00".
    return "not defined" if value is None else f"{round(value, 2) + 0:.2f}".replace("-", "\u2212")


def _worst(crops, means, head_maps, occlusion_maps, largest, faces):
    predictions, spreads = means.compute(crops.scale), means.standard_deviations()
    worst = []
    for index, indices in report_crops.worst_crops(crops, predictions).items():
        video = crops.videos[index]
        falls = occlusion_maps.get(video.video_id) if faces else None
        images = crops.images(indices)
        worst.append(
            {
                "video": video,
                "prediction": predictions[index],
                "error": predictions[index] - video.score,
                "spread": spreads[index] if np.isfinite(spreads[index]) else None,
                "pictures": _thumbnails(images) if faces else [],
                "occlusion": []
                if falls is None
                else _thumbnails(occlusion_map.overlay(images, falls, largest)),
                "maps": [_thumbnails(head) for head in head_maps.get(video.video_id, ())]
                if faces
                else [],
            }
        )
    return worst


def _thumbnails(images):
    return [thumbnail(image, THUMBNAIL_SIDE) for image in images]

"""Report of a cross-validation: errors over everybody, out of fold."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from hmhn_jax.base import files, pseudonyms
from hmhn_jax.evaluation import baselines, output
from hmhn_jax.evaluation.anonymity import hide_names
from hmhn_jax.evaluation.output import Evaluation
from hmhn_jax.evaluation.protocols import STATISTICS, evaluate_protocols
from hmhn_jax.evaluation.report import page
from hmhn_jax.input_pipeline.crops import Crops
from hmhn_jax.prediction import conformal
from hmhn_jax.prediction import residuals as residuals_lib
from hmhn_jax.prediction.conformal import Residuals
from hmhn_jax.training.crossvalidation import out_of_fold, search
from hmhn_jax.training.crossvalidation.plan import Fold
from hmhn_jax.workdir import partition, versions


def collect(
    config: ConfigDict, workdir: Path, builder: Any, crops: Crops, folds: Sequence[Fold]
) -> None:
    """Writes DIR/evaluation/out-of-fold/ and DIR/residuals.json.

    Args:
      config: of the cross-validation.
      workdir: of the cross-validation.
      builder: the prepared TFDS builder.
      crops: of all people.
      folds: all of them, finished.
    """
    out = out_of_fold.read({fold.name: fold.workdir for fold in folds}, crops.videos, crops.scale)
    num_repeats, num_videos = out.folds.shape
    stacked = _repeated(crops, num_repeats)
    means = np.array([each["trained"]["score_mean"] for each in out.results])[out.folds]
    predictions = out.means.compute(out.scale)
    protocols = evaluate_protocols(stacked.videos, predictions, means.ravel(), {})
    data = dict(builder.info.metadata)
    residuals = _residuals(partition.read(workdir), crops, out)
    first = out.results[0]
    results = {
        "dataset": config.data.dataset,
        "split": residuals_lib.SPLIT,
        "synthetic": bool(data.get("synthetic")),
        "scale": out.scale.to_json(),
        "notices": [],
        "verdicts": baselines.verdicts(protocols["clips"], predictions, stacked.scores),
        **protocols["clips"],
        "protocols": protocols,
        **page.describe(stacked, predictions, data.get("videos") or {}, config.report.pseudonyms),
        "num_frames": len(crops),
        "num_parameters": first["num_parameters"],
        "checkpoint_step": None,
        "seed": config.seed,
        "config": config.to_dict(),
        "data": data,
        "trained": first["trained"]
        | {
            "score_mean": fmean(each["trained"]["score_mean"] for each in out.results),
            "score_std": fmean(each["trained"]["score_std"] for each in out.results),
            "subject_means": {},
            "config": config.to_dict(),
        },
        "versions": versions.installed(),
        "attention_check": None,
        "baselines": {
            "rows": baselines.compare(out.baselines, stacked.scores, stacked.subjects, predictions),
            "notes": sorted({note for each in out.results for note in _notes_of_baselines(each)}),
        },
        "audit": None,
        "crossvalidation": {
            "group": config.cv.group,
            "num_groups": len(np.unique(residuals.groups)),
            "folds": [_fold(fold, each) for fold, each in zip(folds, out.results, strict=True)],
            "repeats": _repeats(out.predictions, crops.scores),
            "coverage": {
                f"{100 * level:g}": share if np.isfinite(share) else None
                for level, share in residuals.coverage.items()
            },
        },
    }
    columns = {
        "repeat": np.repeat(np.arange(num_repeats), num_videos).tolist(),
        "fold": [folds[number].name for number in out.folds.ravel()],
    }
    evaluation = Evaluation(stacked, out.means, results, columns)
    if config.report.pseudonyms:
        names = pseudonyms.assign(
            workdir / pseudonyms.FILE,
            [(video.subject_id, video.video_id) for video in crops.videos],
            earlier=Path(builder.data_path) / pseudonyms.FILE,
        )
        evaluation = hide_names(names, evaluation)
    directory = workdir / "evaluation" / residuals_lib.SPLIT
    output.write(directory, evaluation)
    residuals_lib.write(residuals, workdir)
    output.announce(evaluation.results, directory)
    slope, r2 = (results[name] for name in ("calibration_slope", "r2"))
    if slope is not None and r2 is not None:
        print(f"R² {r2:.2f}, slope of calibration {slope:.2f}")
    print(f"intervals for a person: {residuals.describe()}", flush=True)


def _notes_of_baselines(metrics):
    return metrics.get("baselines", {}).get("notes", ())


def _repeated(crops: Crops, num_repeats: int) -> Crops:
    """Lists each video once a repeat; sessions of two repeats stay two."""
    if num_repeats == 1:
        return crops
    number = len(crops.videos)
    places = [crops.video_of_crop + number * each for each in range(num_repeats)]
    return dataclasses.replace(
        crops,
        jpegs=crops.jpegs * num_repeats,
        video_of_crop=np.concatenate(places),
        videos=[
            dataclasses.replace(video, session_id=f"{video.session_id}\n{repeat}")
            for repeat in range(num_repeats)
            for video in crops.videos
        ],
        decoded=None,
        detections=None,
    )


def _residuals(divided, crops, out) -> Residuals:
    names = [divided.groups[video.subject_id] for video in crops.videos]
    _, groups = np.unique(names, return_inverse=True)
    residuals = np.abs(out.predictions.mean(axis=0) - crops.scores)
    return Residuals(
        residuals,
        groups,
        (out.folds.T[:, :, None] == np.arange(len(divided.folds))).any(axis=1),
        tuple(divided.folds),
        out.scale.least,
        out.scale.greatest,
        divided.group,
        conformal.coverage(residuals, groups, out.folds[0]),
    )


def _fold(fold, metrics):
    """Describes a fold, in numbers that name nobody."""
    names = ("mae", "rmse", "baseline_mae", "num_videos", "num_subjects", "checkpoint_step")
    result = {"name": fold.name} | {name: metrics[name] for name in names}
    result["num_train"], result["num_validation"] = (
        len(fold.people.train),
        len(fold.people.validation),
    )
    if (path := fold.workdir / search.CHOICE).exists():
        choice = files.read_json(path)
        result["chosen"] = choice["tried"][choice["chosen"]]["set"]
    return result


def _repeats(predictions, scores):
    """Computes each statistic a repeat, with mean and sample standard deviation over repeats."""
    result = {}
    for name, statistic in STATISTICS.items():
        values = [statistic(each, scores) for each in predictions]
        values = [float(each) if np.isfinite(each) else None for each in values]
        known = [each for each in values if each is not None]
        spread = stdev(known) if len(known) > 1 else None
        result[name] = {"values": values, "mean": fmean(known) if known else None, "sd": spread}
    return result

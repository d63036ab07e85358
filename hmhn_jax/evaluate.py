"""Scores of videos, and the files that say how good they are."""

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from hmhn_jax import atomic, checkpoints, devices, metrics, plots, scalars, versions
from hmhn_jax import config as config_lib
from hmhn_jax.augment import standardise
from hmhn_jax.bdi import severity
from hmhn_jax.input_pipeline import Crops, evaluation_batches, read_crops
from hmhn_jax.models import HMHN
from hmhn_jax.protocols import evaluate_protocols
from hmhn_jax.report import describe, write_report

PREDICTION_COLUMNS = (
    "video_id",
    "subject_id",
    "task",
    "score",
    "prediction",
    "num_frames",
    "prediction_std",
    "band",
    "predicted_band",
)


def make_score_frames(model: HMHN) -> Callable:
    """score_frames(variables, images u8[B,S,S,3]) -> f32[B], compiled for all local devices."""

    def score(variables, images):
        return model.apply(variables, standardise(images))[0]

    compiled = devices.parallel_map(score)

    def score_frames(variables: Any, images: np.ndarray) -> np.ndarray:
        return np.asarray(compiled(variables, devices.split_batch(images))).reshape(-1)

    return score_frames


def score_videos(
    score_frames: Callable, variables: Any, crops: Crops, batch_size: int
) -> metrics.VideoMeans:
    """Scores every crop of a split once; what comes back computes to one score a video."""
    means = metrics.VideoMeans.empty(len(crops.videos))
    for batch in evaluation_batches(crops, batch_size):
        scores = score_frames(variables, batch["images"])
        means = means.add(scores, batch["videos"], batch["mask"])
    return means


def evaluate(
    config: ConfigDict,
    workdir: Path,
    builder: Any,
    split: str,
    reference: ConfigDict | None = None,
) -> dict:
    """Scores a split with the weights of a workdir and writes DIR/evaluation/SPLIT/.

    Args:
      config: checked; its model must be that of the checkpoint.
      workdir: of a training run.
      builder: the prepared TFDS builder of `config.data`.
      split: which videos.
      reference: a config that the report compares the run's with, the paper's.

    Returns:
      What metrics.json holds.

    Raises:
      UserError: without a checkpoint, or with one of another architecture.
    """
    devices.check_batch_size("evaluate.batch_size", config.evaluate.batch_size)
    step, provenance, variables = checkpoints.restore_chosen(config, workdir)
    if changed := config_lib.differences(config, config_lib.from_dict(provenance.config)):
        print(f"note: evaluating with a changed config: {'; '.join(changed)}", flush=True)
    model = config_lib.make_model(config)
    crops = read_crops(builder, split, config.data)
    means = score_videos(make_score_frames(model), variables, crops, config.evaluate.batch_size)
    predictions = means.compute()
    protocols = evaluate_protocols(
        crops.videos, predictions, provenance.score_mean, provenance.subject_means
    )
    data = dict(builder.info.metadata)
    results = {
        "dataset": config.data.dataset,
        "split": split,
        "synthetic": bool(data.get("synthetic")),
        **protocols["clips"],
        "protocols": protocols,
        **describe(crops, predictions, data.get("videos") or {}),
        "num_frames": len(crops),
        "num_parameters": sum(leaf.size for leaf in jax.tree.leaves(variables["params"])),
        "checkpoint_step": step,
        "seed": provenance.config["seed"],
        "config": config.to_dict(),
        "data": data,
        "trained": dataclasses.asdict(provenance),
        "versions": versions.installed(),
    }
    directory = workdir / "evaluation" / split
    write_report(
        directory / "report.html",
        crops,
        means,
        results,
        scalars=scalars.read(workdir),
        reference=reference,
    )
    write_results(directory, crops, means, results)
    report(results, directory)
    return results


def report(results: dict, directory: Path) -> None:
    """Prints the outcome and where it is."""
    for name, each in results["protocols"].items():
        what, unit = ("", "videos") if name == "clips" else (f" {name}", "sessions")
        count = each[f"num_{unit}"]
        # Where every video is a session, and nobody is in two splits, all are the same numbers.
        if name == "clips" or count != results["num_videos"]:
            print(
                f"{results['split']}{what}: MAE {each['mae']:.2f}, RMSE {each['rmse']:.2f} over "
                f"{count} {unit} (always the training mean: {each['baseline_mae']:.2f}, "
                f"{each['baseline_rmse']:.2f})"
            )
    if results["synthetic"]:
        print("synthetic faces, not clinical data: the numbers say nothing about patients")
    files = "{report.html,metrics.json,predictions.csv,predictions.png}"
    print(f"results: {directory}/{files}", flush=True)


def write_results(directory: Path, crops: Crops, means: metrics.VideoMeans, results: dict) -> None:
    """Writes metrics.json, predictions.csv and predictions.png, each whole or not at all.

    Args:
      directory: where to; DIR/evaluation/SPLIT.
      crops: what was scored.
      means: what came out.
      results: for metrics.json, from `errors` and about where they come from.
    """
    predictions, deviations = means.compute(), means.standard_deviations()
    with (
        atomic.replacing(directory / "predictions.csv") as path,
        path.open("w", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(PREDICTION_COLUMNS)
        rows = zip(crops.videos, predictions, means.counts, deviations, strict=True)
        for video, prediction, count, deviation in rows:
            writer.writerow(
                [
                    video.video_id,
                    video.subject_id,
                    video.task,
                    video.score,
                    f"{prediction:.4f}",
                    count,
                    f"{deviation:.4f}" if count > 1 else "",
                    severity(video.score),
                    severity(prediction),
                ]
            )
    title = f"{results['dataset']}, {results['split']}: MAE {results['mae']:.2f}"
    if results["synthetic"]:
        title += "\nsynthetic faces, not clinical data"
    with atomic.replacing(directory / "predictions.png") as path:
        plots.predicted_against_true(path, predictions, crops.scores, title)
    # Last, so that metrics.json says that all of it is there.
    atomic.write_text(directory / "metrics.json", json.dumps(results, indent=2) + "\n")

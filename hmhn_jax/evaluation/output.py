"""Output of an evaluation: report, metrics.json, predictions, and summary lines."""

import csv
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hmhn_jax.base import files, scales
from hmhn_jax.evaluation.report import page, plots
from hmhn_jax.input_pipeline.crops import Crops
from hmhn_jax.prediction.video_means import VideoMeans


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """An evaluation of trained networks on a split.

    Attributes:
      crops: what was scored.
      means: the scores.
      results: the content of metrics.json.
      columns: further columns of predictions.csv, by name, with a value a video: numbers in
        points, or whole numbers and texts.
      head_maps: by video id, for each head a row of pictures u8[N,H,W,3] for the report.
      occlusion_maps: by video id f32[N,H,W], in points, of the same crops.
    """

    crops: Crops
    means: VideoMeans
    results: dict[str, Any]
    columns: Mapping[str, Sequence | np.ndarray] = dataclasses.field(default_factory=dict)
    head_maps: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    occlusion_maps: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)


def write(
    directory: Path, evaluation: Evaluation, scalars: Sequence[dict[str, float]] = ()
) -> None:
    """Writes report.html, metrics.json, predictions.csv and .png, each whole or not at all.

    Args:
      directory: where to; DIR/evaluation/SPLIT.
      evaluation: to be written.
      scalars: of the training, for the report; none where they are lost.

    Raises:
      UserError: a file cannot be written.
    """
    page.write_report(
        directory / "report.html",
        evaluation.crops,
        evaluation.means,
        evaluation.results,
        scalars=scalars,
        head_maps=evaluation.head_maps,
        occlusion_maps=evaluation.occlusion_maps,
    )
    write_tables(directory, evaluation)


def write_tables(directory: Path, evaluation: Evaluation) -> None:
    """Writes metrics.json, predictions.csv and predictions.png.

    Raises:
      UserError: a file cannot be written.
    """
    crops, means, results = evaluation.crops, evaluation.means, evaluation.results
    if directory.is_dir():
        files.remove_abandoned(directory)
    table = _predictions(crops, means, evaluation.columns)
    with (
        files.replacing(directory / "predictions.csv") as path,
        path.open("w", newline="") as file,
    ):
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    title = (
        f"{results['dataset']}, {results['split']}: MAE {results['mae']:.2f} {crops.scale.points}"
    )
    if results["synthetic"]:
        title += "\nsynthetic faces, not clinical data"
    with files.replacing(directory / "predictions.png") as path:
        plots.predicted_against_true(
            path, means.compute(crops.scale), crops.scores, crops.scale, title
        )
    # Last, so that metrics.json says that all of it is there.
    files.write_text(directory / "metrics.json", json.dumps(results, indent=2) + "\n")


def _predictions(crops, means, columns):
    """Returns a row per video."""
    scale, deviations = crops.scale, means.standard_deviations()
    predictions = means.compute(scale)
    table = [
        {
            "video_id": video.video_id,
            "subject_id": video.subject_id,
            "task": video.task,
            "score": video.score,
            "prediction": f"{prediction:.4f}",
            "num_frames": count,
            "prediction_std": f"{deviation:.4f}" if count > 1 else "",
            "band": scale.band_name(video.score),
            "predicted_band": scale.band_name(prediction),
            "scale": scale.name,
        }
        for video, prediction, count, deviation in zip(
            crops.videos, predictions, means.counts, deviations, strict=True
        )
    ]
    for name, values in columns.items():
        for row, value in zip(table, values, strict=True):
            row[name] = f"{value:.4f}" if isinstance(value, float) else value
    return table


def caution(results: dict) -> str | None:
    """Returns a line for who has just trained and sees errors on the test videos at once.

    None of drawn faces, in a fold of a cross-validation, and where there are no validation videos
    to choose by.
    """
    settings = results["config"]["data"]
    if results["synthetic"] or settings.get("people"):
        return None
    if settings["validation_split"] in ("", results["split"]):
        return None
    return (
        f"note: this looked at the videos of {results['split']}. While anything is still being "
        "chosen, use --mode train, and --mode evaluate "
        f"--config.data.test_split={settings['validation_split']} (docs/use/small-data.md)"
    )


def announce(results: dict, directory: Path) -> None:
    """Prints the outcome and the paths of the results."""
    for name, each in results["protocols"].items():
        what, unit = ("", "videos") if name == "clips" else (f" {name}", "sessions")
        count = each[f"num_{unit}"]
        # Where every video is a session, and no subject is in two splits, all numbers are equal.
        if name == "clips" or count != results["num_videos"]:
            print(
                f"{results['split']}{what}: MAE {each['mae']:.2f}, RMSE {each['rmse']:.2f} over "
                f"{count} {unit} (always the training mean: {each['baseline_mae']:.2f}, "
                f"{each['baseline_rmse']:.2f})"
            )
    for line in results.get("verdicts", ()):
        print(f"verdict: {line}")
    if together := results.get("ensemble"):
        print(
            f"mean of {len(together['members'])} networks, which differ by "
            f"{together['mean_members_std']:.2f} {scales.of(results).unit} (standard deviation) "
            "on a video"
        )
    if (check := results.get("attention_check")) and check["ratio"] is not None:
        print(
            f"attention check: hiding what a head looks at moves the score {check['ratio']:.2f} "
            "times as far as hiding another place"
        )
    for row in results.get("baselines", {}).get("rows", ()):
        print(f"{row['name']} without a network: MAE {row['mae']:.2f}; {row['sentence']}")
    for note in results.get("baselines", {}).get("notes", ()):
        print(f"note: baseline {note}")
    if audit := results.get("audit"):
        print(f"audit: {audit['verdict']}")
    for notice in results.get("notices", ()):
        print(f"note: {notice} Errors on new videos will be larger.")
    if results["synthetic"]:
        print("synthetic faces, not clinical data: the numbers say nothing about patients")
    files = "{report.html,metrics.json,predictions.csv,predictions.png}"
    print(f"results: {directory}/{files}", flush=True)

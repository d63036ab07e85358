"""Baselines without a network: their errors, and how far a network is from them."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from hmhn_jax import config as config_lib
from hmhn_jax.base import files
from hmhn_jax.base.errors import UserError
from hmhn_jax.baselines import extract
from hmhn_jax.baselines.video import read_summary
from hmhn_jax.evaluation.bootstrap import bootstrap
from hmhn_jax.evaluation.metrics import mean_absolute_error, root_mean_squared_error
from hmhn_jax.evaluation.protocols import gain_over
from hmhn_jax.input_pipeline.crops import Crops, read_crops
from hmhn_jax.workdir import versions

ALWAYS_MEAN = "training mean"
# Of the scores' spread: predictions that differ less between videos say nothing about one.
LEAST_SPREAD = 0.05
COLUMN = "baseline_"  # before their names in predictions.csv


def undecoded(config: ConfigDict) -> ConfigDict:
    """Returns `config.data` for crops that are decoded once and not kept."""
    return config_lib.override(config, {"data.cache_gib": 0.0}).data


def predict(
    config: ConfigDict,
    recorded: Mapping[str, Mapping],
    train: Crops,
    crops: Crops,
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Predicts videos by baselines that are fitted to others.

    Args:
      config: names them in `evaluate.baselines` and `evaluate.features`.
      recorded: from `video.read_summary`.
      train: what they are fitted to.
      crops: of the V videos to predict.

    Returns:
      f64[V] by name, and a line for each baseline that lacks what it needs.
    """
    names = [name for name in extract.BASELINES if name in config.evaluate.baselines]
    tables = [
        extract.extract(names, each, recorded, f"features of {what} videos")
        for each, what in ((train, "training"), (crops, "evaluated"))
    ]
    notes = [
        f"{name}: the dataset does not say where faces were found"
        for name in names
        if name not in tables[0] or name not in tables[1]
    ]
    if config.evaluate.features:
        try:
            found = extract.from_file(Path(config.evaluate.features), (train, crops), recorded)
            for table, each in zip(tables, found, strict=True):
                table[extract.FEATURES] = each
        except UserError as error:
            notes.append(f"{extract.FEATURES}: {error}")
    people = train.subjects
    predictions = {}
    for name in (name for name in extract.BASELINES if all(name in each for each in tables)):
        try:
            predictions[name] = extract.predict(
                name, tables[0][name], train.scores, people, tables[1][name], train.scale.ends
            )
        except UserError as error:
            notes.append(f"{name}: {error}")
        if unknown := int(np.isnan(tables[1][name].values).all(axis=1).sum()):
            notes.append(f"{name}: nothing is known of {unknown} of {len(crops.videos)} videos")
    return predictions, notes


def compare(
    baselines: Mapping[str, np.ndarray],
    scores: np.ndarray,
    subjects: np.ndarray,
    predictions: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """Computes errors of baselines, and how much lower those of a network are.

    Args:
      baselines: f[V] by name.
      scores: f[V].
      subjects: [V], whose video each is.
      predictions: f[V] of the network on the same videos; None without one.

    Returns:
      A row a baseline: `name`, `meaning`, `mae`, `rmse`, `mae_low` and `mae_high` (95 % over
      people), and, with predictions, `gain` (by how much their MAE is lower), `gain_low`,
      `gain_high` (of the paired difference) and `sentence`.
    """
    rows = []
    for name, values in baselines.items():
        interval = bootstrap(mean_absolute_error, values, scores, subjects)
        row: dict[str, Any] = {
            "name": name,
            "meaning": extract.BASELINES[name].meaning if name in extract.BASELINES else "",
            "mae": mean_absolute_error(values, scores),
            "mae_low": interval and interval.low,
            "mae_high": interval and interval.high,
            "rmse": root_mean_squared_error(values, scores),
        }
        if predictions is not None:
            gain = gain_over(values)
            between = bootstrap(gain, predictions, scores, subjects)
            row["gain"] = gain(predictions, scores)
            row["gain_low"] = between and between.low
            row["gain_high"] = between and between.high
            row["sentence"] = sentence(name, row["gain"], row["gain_low"], row["gain_high"])
        rows.append(row)
    return rows


def verdicts(clips: Mapping[str, Any], predictions: np.ndarray, scores: np.ndarray) -> list[str]:
    """Says in a line each what is to be read before any other number of an evaluation.

    Args:
      clips: errors over videos, from `protocols.errors`, with the baseline "baseline".
      predictions: f[V].
      scores: f[V].
    """
    gain = [clips[f"baseline_gain{end}"] for end in ("", "_low", "_high")]
    lines = [sentence("always predicting the training mean", *gain)]
    if (spread := predictions.std()) < LEAST_SPREAD * scores.std():
        lines.append(
            f"predictions hardly differ between videos (standard deviation {spread:.2g}, of the "
            f"scores {scores.std():.2g}): the network predicts about the same for everybody, and "
            "its correlations, calibration, maps and audit say nothing"
        )
    return lines


def sentence(name: str, gain: float, low: float | None, high: float | None) -> str:
    """Says which of HMHN and a baseline is better, or that neither is shown to be."""
    if low is None or high is None:
        return f"too few people to compare HMHN with {name}"
    if low > 0:
        return f"HMHN is better than {name} by {gain:.1f} points ({low:.1f} to {high:.1f})"
    if high < 0:
        return f"{name} is better than HMHN by {-gain:.1f} points ({-high:.1f} to {-low:.1f})"
    between = f"{gain:.1f} points ({low:.1f} to {high:.1f})"
    return f"HMHN is not shown to be better than {name}: difference {between}"


def run(config: ConfigDict, workdir: Path, builder: Any) -> list[dict]:
    """Fits and evaluates the baselines alone and writes DIR/baselines/SPLIT/.

    Args:
      config: checked.
      workdir: where to.
      builder: the prepared TFDS builder of `config.data`.

    Returns:
      The rows of `compare`, that of always predicting the training mean first.

    Raises:
      UserError: a split that the dataset does not have, or no baseline can be fitted.
    """
    settings = undecoded(config)
    data, split = builder.info.metadata, config.data.test_split
    train, crops = (
        read_crops(builder, each, settings) for each in (config.data.train_split, split)
    )
    predictions, notes = predict(config, read_summary(builder), train, crops)
    if not predictions:
        raise UserError(f"no baseline could be fitted: {'; '.join(notes) or 'none is named'}")
    predictions = {ALWAYS_MEAN: np.full(len(crops.videos), train.scores.mean())} | predictions
    subjects = crops.subjects
    rows = compare(predictions, crops.scores, subjects)
    folder = Path(workdir) / "baselines" / split
    _write_predictions(folder / "predictions.csv", crops, predictions)
    result = {
        "dataset": config.data.dataset,
        "train_split": config.data.train_split,
        "split": split,
        "synthetic": bool(data.get("synthetic")),
        "fingerprint": data.get("fingerprint"),
        "versions": versions.installed(),
        "num_videos": len(crops.videos),
        "num_subjects": len(np.unique(subjects)),
        "baselines": rows,
        "notes": notes,
    }
    files.write_text(folder / "metrics.json", json.dumps(result, indent=2) + "\n")
    for row in rows:
        between = (
            "" if row["mae_low"] is None else f" ({row['mae_low']:.2f} to {row['mae_high']:.2f})"
        )
        print(f"{split}, {row['name']}: MAE {row['mae']:.2f}{between}, RMSE {row['rmse']:.2f}")
    for note in notes:
        print(f"note: {note}")
    if result["synthetic"]:
        print("synthetic faces, not clinical data: the numbers say nothing about patients")
    print(f"results: {folder}/{{metrics.json,predictions.csv}}", flush=True)
    return rows


def _write_predictions(path, crops, predictions):
    with files.replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["video_id", "subject_id", "task", "score", *predictions])
        columns = zip(*predictions.values(), strict=True)
        for video, values in zip(crops.videos, columns, strict=True):
            labels = [video.video_id, video.subject_id, video.task, video.score]
            writer.writerow([*labels, *(f"{value:.4f}" for value in values)])

"""Tests of videos' scores, for any batch size and number of crops."""

import csv
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hmhn_jax.base import scales
from hmhn_jax.evaluation import output
from hmhn_jax.evaluation.protocols import evaluate_protocols
from hmhn_jax.input_pipeline.augment import standardise
from hmhn_jax.input_pipeline.crops import Crops, Video
from hmhn_jax.models import HMHN
from hmhn_jax.prediction import scoring
from hmhn_jax.prediction.video_means import VideoMeans


@pytest.fixture(scope="module")
def crops():
    """Makes three videos of 4, 1 and 6 crops, 11 in all: no multiple of any batch size used."""
    rng = np.random.default_rng(0)
    videos = [
        Video(f"v{i}", f"s{i}", f"v{i}", "talking", float(score))
        for i, score in enumerate((3, 20, 40))
    ]
    return Crops(
        jpegs=[b""] * 11,
        video_of_crop=np.repeat(np.arange(3, dtype=np.int32), (4, 1, 6)),
        videos=videos,
        image_size=32,
        decoded=rng.integers(0, 256, (11, 32, 32, 3), dtype=np.uint8),
    )


@pytest.fixture(scope="module")
def model_and_variables():
    model = HMHN(width=4, lgfe_expansion=1, score_mean=40.0, score_std=1.0)
    variables = jax.jit(model.init)(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    return model, variables


@pytest.mark.parametrize("batch_size", [1, 4, 16])
def test_every_crop_counts_once_in_any_batch(crops, model_and_variables, batch_size):
    model, variables = model_and_variables
    score_frames, weights = scoring.make_score_frames(model), scoring.fold_weights(model, variables)
    means = scoring.score_videos(score_frames, weights, crops, batch_size)
    frames = jax.jit(model.apply)(variables, standardise(crops.decoded))[0]
    expected = [frames[:4].mean(), frames[4:5].mean(), frames[5:].mean()]
    np.testing.assert_array_equal(means.counts, [4, 1, 6])
    np.testing.assert_allclose(means.compute(scales.default()), expected, rtol=1e-4)


@pytest.mark.parametrize("synthetic", [True, False])
def test_results_are_written_and_labelled(tmp_path, crops, synthetic, capsys):
    means = VideoMeans.empty(3).add(
        np.array([2.0, 80.0, 29.0, 31.0]), np.array([0, 1, 2, 2]), np.ones(4, bool)
    )
    results = {"dataset": "d", "split": "test", "synthetic": synthetic}
    protocols = evaluate_protocols(crops.videos, means.compute(scales.default()), 10.0, {})
    results |= protocols["clips"] | {"protocols": protocols}
    output.write_tables(tmp_path, output.Evaluation(crops, means, results))
    output.announce(results, tmp_path)

    with (tmp_path / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["video_id"] for row in rows] == ["v0", "v1", "v2"]
    assert [float(row["prediction"]) for row in rows] == [2.0, 63.0, 30.0]
    assert list(rows[0]) == [
        "video_id",
        "subject_id",
        "task",
        "score",
        "prediction",
        "num_frames",
        "prediction_std",
        "band",
        "predicted_band",
        "scale",
    ]
    assert [row["prediction_std"] for row in rows] == ["", "", "1.4142"]
    assert [row["band"] for row in rows] == ["none or minimal", "moderate", "severe"]
    assert [row["predicted_band"] for row in rows] == ["none or minimal", "severe", "severe"]
    assert {row["scale"] for row in rows} == {"BDI-II"}
    assert json.loads((tmp_path / "metrics.json").read_text()) == results
    assert (tmp_path / "predictions.png").stat().st_size > 1000
    assert ("synthetic" in capsys.readouterr().out) == synthetic

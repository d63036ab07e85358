"""Nearness of a person's sessions in feature space, against people of the same score."""

import functools
from typing import Any

import jax
import numpy as np
from scipy import stats

from hmhn_jax.evaluation.bootstrap import bootstrap
from hmhn_jax.input_pipeline.augment import standardise
from hmhn_jax.input_pipeline.crops import Video
from hmhn_jax.models.deploy.forward import forward
from hmhn_jax.prediction.ensemble import Trained
from hmhn_jax.runtime import compiler_options


def features(trained: Trained, images: np.ndarray) -> np.ndarray:
    """Computes the trunk's features, averaged over the image: u8[N,S,S,3] -> f32[N,D]."""
    return np.asarray(_features()(trained.model, trained.weights, images), np.float32)


@functools.cache
def _features():
    def compute(model, weights, images):
        return forward(model, weights, standardise(images))[1]["features"].mean(axis=(1, 2))

    return jax.jit(compute, static_argnums=0, compiler_options=compiler_options.for_network())


def nearness(features: np.ndarray, videos: list[Video], tolerance: float) -> dict[str, Any] | None:
    """Compares distances between sessions of a person with those to others of the same score.

    Args:
      features: f[V,D], one row a video.
      videos: the V videos.
      tolerance: scores that differ by no more count as the same.

    Returns:
      `share`: how often another session of the same person is nearer than a session of another
      person whose score is as near; 0.5 is chance. `share_low`, `share_high`: 95 % over people.
      `p`: of a one-sided t test over people. `num_people` with several sessions. None where fewer
      than two people have any.
    """
    scores = np.array([video.score for video in videos])
    people = np.array([video.subject_id for video in videos])
    sessions = np.array([f"{video.subject_id}\n{video.session_id}" for video in videos])
    scaled = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
    shares: dict[str, list[float]] = {}
    for one, person in enumerate(people):
        distances = np.linalg.norm(scaled - scaled[one], axis=1)
        same = np.flatnonzero((people == person) & (sessions != sessions[one]))
        for other in same:
            near = max(tolerance, abs(scores[other] - scores[one]))
            others = distances[(people != person) & (np.abs(scores - scores[one]) <= near)]
            if len(others):
                nearer = (others > distances[other]) + 0.5 * (others == distances[other])
                shares.setdefault(str(person), []).append(float(nearer.mean()))
    if len(shares) < 2:
        return None
    values = np.array([np.mean(each) for each in shares.values()])
    between = bootstrap(_mean, values, values, np.arange(len(values)))
    if np.ptp(values):
        p = float(stats.ttest_1samp(values, 0.5, alternative="greater").pvalue)
    else:
        p = 0.0 if values[0] > 0.5 else 1.0
    return {
        "share": float(values.mean()),
        "share_low": between and between.low,
        "share_high": between and between.high,
        "p": p,
        "num_people": len(values),
    }


def _mean(values, _, weights=None):
    return float(np.mean(values)) if weights is None else weights @ values / weights.sum(-1)

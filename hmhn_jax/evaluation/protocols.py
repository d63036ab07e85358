"""Evaluation protocols: errors per clip, per session, and by seen and unseen subjects."""

import collections
from statistics import fmean
from typing import Any

import numpy as np

from hmhn_jax.evaluation.bootstrap import Statistic, bootstrap
from hmhn_jax.evaluation.metrics import (
    calibration_intercept,
    calibration_slope,
    concordance_correlation,
    determination,
    mean_absolute_error,
    pearson_correlation,
    root_mean_squared_error,
)
from hmhn_jax.input_pipeline.crops import Video

STATISTICS: dict[str, Statistic] = {
    "mae": mean_absolute_error,
    "rmse": root_mean_squared_error,
    "pearson": pearson_correlation,
    "concordance": concordance_correlation,
    "r2": determination,
    "calibration_slope": calibration_slope,
    "calibration_intercept": calibration_intercept,
}


def errors(
    predictions: np.ndarray,
    scores: np.ndarray,
    subjects: np.ndarray,
    baselines: dict[str, np.ndarray],
) -> dict:
    """Computes errors and correlations, and the errors of baselines on the same videos.

    Predictions, scores and each baseline, what somebody without a network would predict, are f[V]
    in points; `subjects` [V] says whose video each is.

    Returns:
      Each of `STATISTICS`, `num_videos`, `num_subjects`, and for each baseline `NAME_mae`,
      `NAME_rmse` and `NAME_gain`, by how much the MAE of the predictions is the lower one. NAME_low
      and NAME_high are 95 % intervals over subjects of the statistics and of the gains. None
      stands for what is not defined.
    """
    statistics = dict(STATISTICS)
    result: dict[str, Any] = {
        "num_videos": len(scores),
        "num_subjects": len(np.unique(subjects)),
    }
    for name, baseline in baselines.items():
        result[f"{name}_mae"] = mean_absolute_error(baseline, scores)
        result[f"{name}_rmse"] = root_mean_squared_error(baseline, scores)
        statistics[f"{name}_gain"] = gain_over(baseline)
    for name, statistic in statistics.items():
        value = statistic(predictions, scores)
        interval = bootstrap(statistic, predictions, scores, subjects)
        result[name] = value if np.isfinite(value) else None
        result[f"{name}_low"] = interval and interval.low
        result[f"{name}_high"] = interval and interval.high
    return result


def gain_over(baseline: np.ndarray) -> Statistic:
    """Returns the statistic of how much lower the MAE is than that of a baseline, f[M]."""

    def gain(predictions, scores, weights=None):
        ours = mean_absolute_error(predictions, scores, weights)
        return mean_absolute_error(baseline, scores, weights) - ours

    return gain


def subject_means(videos: list[Video]) -> dict[str, float]:
    """Averages the scores of each subject's videos."""
    scores = collections.defaultdict(list)
    for video in videos:
        scores[video.subject_id].append(video.score)
    return {subject: fmean(values) for subject, values in scores.items()}


def evaluate_protocols(
    videos: list[Video],
    predictions: np.ndarray,
    training_mean: float | np.ndarray,
    subject_means: dict[str, float],
) -> dict[str, dict]:
    """Computes errors under each protocol.

    Args:
      videos: the V videos that were scored.
      predictions: f[V], in points.
      training_mean: mean score of the training videos, the baseline "baseline"; f[V] where videos
        were scored by networks with different training videos.
      subject_means: mean training score of each subject seen in training. The baseline
        "same_subject" predicts it for them, and the training mean for everybody else.

    Returns:
      `errors` by protocol, with `num_sessions` instead of `num_videos` for sessions:
        clips: every video by itself.
        sessions: the videos of a session averaged, such as AVEC 2014's two tasks; one number
          for each time that somebody answered the questionnaire.
        sessions_seen, sessions_unseen: of people who are, and are not, in the training videos;
          absent when there is none.
    """
    scores = np.array([video.score for video in videos])
    subjects = np.array([video.subject_id for video in videos])
    _, first, session_of_video = np.unique(
        [f"{video.subject_id}\n{video.session_id}" for video in videos],  # "1" of many people
        return_index=True,
        return_inverse=True,
    )
    num_videos = np.bincount(session_of_video)
    session_scores = np.bincount(session_of_video, scores) / num_videos
    session_predictions = np.bincount(session_of_video, predictions) / num_videos
    seen = np.isin(subjects[first], list(subject_means))

    means = np.broadcast_to(training_mean, len(videos))

    def of(predictions, scores, subjects, means):
        pairs = zip(subjects, means.tolist(), strict=True)
        prior = np.array([subject_means.get(subject, mean) for subject, mean in pairs])
        baselines = {"baseline": means, "same_subject": prior}
        return errors(predictions, scores, subjects, baselines)

    result = {"clips": of(predictions, scores, subjects, means)}
    groups = {"sessions": np.ones_like(seen), "sessions_seen": seen, "sessions_unseen": ~seen}
    for name, group in groups.items():
        if group.any():
            result[name] = of(
                session_predictions[group],
                session_scores[group],
                subjects[first][group],
                means[first][group],
            )
            result[name]["num_sessions"] = result[name].pop("num_videos")
    return result

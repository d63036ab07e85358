"""All baselines by name, and their features of the videos of a split."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from hmhn_jax.base.errors import UserError
from hmhn_jax.baselines.conditions import conditions
from hmhn_jax.baselines.features import read_features
from hmhn_jax.baselines.motion import motion
from hmhn_jax.baselines.pixels import pixels
from hmhn_jax.baselines.regression import fit_predict
from hmhn_jax.baselines.texture import texture
from hmhn_jax.baselines.video import VideoData, each_video
from hmhn_jax.input_pipeline.crops import Crops

FEATURES = "features"  # the baseline from a file, which needs no crops


@dataclasses.dataclass(frozen=True)
class Baseline:
    """What a score is predicted from.

    Attributes:
      meaning: a phrase for reports.
      describe: its features of a video, {name: number}; None of `FEATURES`.
      components: whether to regress on principal components.
    """

    meaning: str
    describe: Callable[[VideoData], dict[str, float]] | None = None
    components: bool = False


BASELINES = {
    "conditions": Baseline("length, camera, light and place: not the face", conditions),
    "motion": Baseline("how the head moves", motion),
    "texture": Baseline("local binary patterns, in the manner of AVEC's baselines", texture),
    "pixels": Baseline("the mean crop: who it is, and the light", pixels, components=True),
    FEATURES: Baseline("the given file of features"),
}


@dataclasses.dataclass(frozen=True)
class Table:
    """Features of V videos.

    Attributes:
      names: of the F features.
      values: f64[V,F]; nan where one is not known.
    """

    names: list[str]
    values: np.ndarray


def extract(
    names: Sequence[str], crops: Crops, recorded: Mapping[str, Mapping], description: str
) -> dict[str, Table]:
    """Computes the features of several baselines; each crop is decoded once.

    Args:
      names: of `BASELINES`, but for `FEATURES`.
      crops: of a split.
      recorded: from `video.read_summary`.
      description: of the progress.

    Returns:
      A table by name. None is there of crops whose detections are not known.
    """
    if crops.detections is None or not names:
        return {}
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for video in each_video(crops, recorded, description):
        for name in names:
            describe = BASELINES[name].describe
            assert describe is not None
            rows[name].append(describe(video))
    return {
        name: Table(list(each[0]), np.array([list(row.values()) for row in each], np.float64))
        for name, each in rows.items()
    }


def from_file(path: Path, crops: Sequence[Crops], recorded: Mapping[str, Mapping]) -> list[Table]:
    """Reads the features of `FEATURES` for several splits; nan of videos that it does not know.

    Raises:
      UserError: see `read_features`.
    """
    names, spans = {}, {}
    for each in crops:
        for index, video in enumerate(each.videos):
            names[video.video_id] = recorded.get(video.video_id, {}).get("file", video.video_id)
            times = (
                np.array([0, np.inf])
                if each.detections is None
                else each.detections.time_s[each.video_of_crop == index]
            )
            spans[video.video_id] = (float(times.min()), float(times.max()))
    columns, rows = read_features(path, names, spans)
    unknown = np.full(len(columns), np.nan)
    return [
        Table(columns, np.array([rows.get(video.video_id, unknown) for video in each.videos]))
        for each in crops
    ]


def predict(
    name: str,
    train: Table,
    scores: np.ndarray,
    people: np.ndarray,
    test: Table,
    limits: tuple[float, float],
) -> np.ndarray:
    """Predicts the scores of test videos by one baseline, f64[V]; see `regression.fit_predict`."""
    if train.names != test.names:
        raise UserError(f"{name}: features of training and test videos differ")
    return fit_predict(
        train.values, scores, people, test.values, limits, components=BASELINES[name].components
    )

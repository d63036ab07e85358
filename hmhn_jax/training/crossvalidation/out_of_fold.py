"""Out-of-fold scores: everybody scored by networks that never saw them."""

import csv
import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hmhn_jax.base.errors import UserError
from hmhn_jax.base.scale import Scale
from hmhn_jax.evaluation import baselines
from hmhn_jax.input_pipeline.crops import Video
from hmhn_jax.prediction.video_means import VideoMeans
from hmhn_jax.training import child_runs
from hmhn_jax.training.crossvalidation.plan import repeat_of


@dataclasses.dataclass(frozen=True)
class OutOfFold:
    """Scores of all videos by networks that never saw their people.

    Attributes:
      means: of the V videos once a repeat, [R V], a repeat after the other.
      folds: [R,V], the index of the fold that each was tested in.
      results: metrics.json of each fold.
      scale: of the scores.
      baselines: by name, what each fold predicted without a network, [R V] as `means`; those that
        every fold has.
    """

    means: VideoMeans
    folds: np.ndarray
    results: list[dict]
    scale: Scale
    baselines: dict[str, np.ndarray]

    @property
    def predictions(self) -> np.ndarray:
        """Scores, f64[R,V]."""
        return self.means.compute(self.scale).reshape(self.folds.shape)


def read(workdirs: Mapping[str, Path], videos: Sequence[Video], scale: Scale) -> OutOfFold:
    """Reads what the folds predicted.

    Args:
      workdirs: of all folds, finished, by their names.
      videos: the V videos.
      scale: of their scores.

    Raises:
      UserError: results are missing or damaged.
    """
    place = {video.video_id: index for index, video in enumerate(videos)}
    num_repeats = 1 + max(map(repeat_of, workdirs))
    shape = (num_repeats, len(place))
    sums, counts, squares = np.zeros(shape), np.zeros(shape, np.int64), np.zeros(shape)
    fold_of, results = np.full(shape, -1), []
    found: defaultdict[str, np.ndarray] = defaultdict(lambda: np.full(shape, np.nan))
    for number, (name, workdir) in enumerate(workdirs.items()):
        path = workdir / "evaluation" / "test" / "predictions.csv"
        if (metrics := child_runs.results(workdir, "test")) is None:
            raise UserError(f"{workdir} is not finished; go on with --mode crossvalidate")
        results.append(metrics)
        try:
            with path.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    where = repeat_of(name), place[row["video_id"]]
                    count = int(row["num_frames"])
                    sums[where], counts[where] = float(row["prediction"]) * count, count
                    squares[where] = float(row["prediction_std"] or 0) ** 2 * (count - 1)
                    fold_of[where] = number
                    for column in row:
                        if column.startswith(baselines.COLUMN):
                            found[column.removeprefix(baselines.COLUMN)][where] = row[column]
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"cannot read {path}: {type(error).__name__}: {error}") from error
    if (fold_of < 0).any():
        missing = videos[int(np.argwhere(fold_of < 0)[0, 1])].video_id
        raise UserError(f"{missing} and maybe more videos were tested in no fold")
    means = VideoMeans(sums.ravel(), counts.ravel(), squares.ravel())
    whole = {name: each.ravel() for name, each in found.items() if np.isfinite(each).all()}
    return OutOfFold(means, fold_of, results, scale, whole)

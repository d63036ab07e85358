"""Tables of predictions: one row per file, and one row per frame."""

import contextlib
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from hmhn_jax.base.scale import Scale
from hmhn_jax.prediction.conformal import LEVELS, Residuals
from hmhn_jax.prediction.result import Prediction

FILE_COLUMNS = [
    "file",
    "score",
    "band",
    "score_std",
    "face_found_rate",
    "frames_used",
    "duration_s",
    "warnings",
    "error",
]
# Last in both tables, which are passed on alone.
ORIGIN_COLUMNS = ["scale", "network"]
INTERVAL_COLUMNS = [f"{bound}_{100 * each:g}" for each in LEVELS for bound in ("low", "high")]
INTERVAL_COLUMNS += ["intervals_held"]  # what they are worth, said beside them
FRAME_COLUMNS = ["file", "frame_index", "time_s", "score", "confidence"]


class Tables:
    """predictions.csv and frames.csv of a folder, written row by row; see `open_tables`."""

    def __init__(
        self,
        files: Any,
        frames: Any,
        num_members: int,
        scale: Scale,
        origin: str,
        residuals: Residuals | None = None,
    ):
        self._files = csv.writer(files, lineterminator="\n")
        self._frames = csv.writer(frames, lineterminator="\n")
        self._is_ensemble = num_members > 1
        self._origin = [scale.name, origin]
        self._coverage = residuals and residuals.describe()
        names = ["members_std"] if self._is_ensemble else []
        names += INTERVAL_COLUMNS if residuals else []
        self._files.writerow([*FILE_COLUMNS[:4], *names, *FILE_COLUMNS[4:], *ORIGIN_COLUMNS])
        names = [f"score_{number}" for number in range(1, num_members + 1)]
        names = names if self._is_ensemble else []
        self._frames.writerow([*FRAME_COLUMNS, *names, *ORIGIN_COLUMNS])

    def add(self, made: Prediction) -> Self:
        """Writes the row of a file, and a row for each frame that was scored."""
        members = [_number(made.members_std)] if self._is_ensemble else []
        if self._coverage is not None:
            by_level = {each.level: (each.low, each.high) for each in made.intervals}
            for level in LEVELS:
                members += map(_number, by_level.get(level, (None, None)))
            members.append(self._coverage)
        self._files.writerow(
            [
                made.path,
                _number(made.score),
                made.band or "",
                _number(made.score_std),
                *members,
                _number(made.face_found_rate),
                made.frames_used,
                _number(made.duration_s),
                "; ".join(made.warnings),
                made.error or "",
                *self._origin,
            ]
        )
        for frame in range(made.frames_used):
            crop, scores = made.crops[frame], made.frame_scores[:, frame]
            self._frames.writerow(
                [
                    made.path,
                    crop.frame_index,
                    f"{crop.time_s:.3f}",
                    _number(scores.mean()),
                    _number(crop.confidence),
                    *(map(_number, scores) if self._is_ensemble else []),
                    *self._origin,
                ]
            )
        return self

    def skip(self, path: Path) -> None:
        """Writes the row of a file that is neither video nor picture."""
        self.add(
            Prediction(path, warnings=(f"skipped: no video or picture ends in {path.suffix}",))
        )


@contextlib.contextmanager
def open_tables(
    folder: Path,
    num_members: int,
    scale: Scale,
    origin: str,
    residuals: Residuals | None = None,
) -> Iterator[Tables]:
    """Writes the tables of a new folder.

    Args:
      folder: for both.
      num_members: networks that score.
      scale: of the scores, named in each row.
      origin: what they were trained on, said in each row.
      residuals: of a cross-validation, for columns of intervals.

    Raises:
      OSError: when they cannot be written.
    """
    # Names of files may hold bytes that are no text.
    settings: dict[str, Any] = {"newline": "", "encoding": "utf-8", "errors": "backslashreplace"}
    with (
        (folder / "predictions.csv").open("w", **settings) as files,
        (folder / "frames.csv").open("w", **settings) as frames,
    ):
        yield Tables(files, frames, num_members, scale, origin, residuals)


def _number(value):
    return "" if value is None else f"{value:.4f}"

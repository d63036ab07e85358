"""Features that another tool has written as CSV, such as OpenFace or Py-Feat.

A folder of files, each named as its video (OpenFace), or files with a column that names the video
(Py-Feat's `input`). What they hold of a video becomes the mean and the spread of each column.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hmhn_jax.base.errors import UserError, reason_of
from hmhn_jax.base.progress import track

FILE_COLUMNS = ("video_id", "file", "input", "video", "filename", "file_name", "name")
TIME_COLUMNS = ("timestamp", "time_s", "time", "approx_time")
# They say where in the file a row is, or whether there is a face, not what it does.
BOOKKEEPING = ("frame", "face_id", "success", "index", "Unnamed: 0")
SLACK_S = 1.0  # rows so long before the first and after the last crop belong to the video


def read_features(
    path: Path, names: Mapping[str, str], spans: Mapping[str, tuple[float, float]]
) -> tuple[list[str], dict[str, np.ndarray]]:
    """Reads features of videos.

    Rows that OpenFace marks as without a face, and rows of times before or after the crops of a
    video (which may be a part of its file), are left out.

    Args:
      path: of a CSV file, or of a folder of them.
      names: the file of each video, by the video's id.
      spans: seconds of the first and the last crop, by the video's id.

    Returns:
      The F features' names, and f64[F] of each video that the files know, by its id.

    Raises:
      UserError: in one line, when a file is no such table or knows no video.
    """
    if not path.exists():
        raise UserError(f"expected a CSV file or a folder of them, got {path}, which is not there")
    found = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not found:
        raise UserError(f"expected CSV files in {path}, found none")
    ids = _ids_by_name(names)
    rows: dict[str, pd.Series] = {}
    for file in track(found, "reading features"):
        table = _read(file)
        column = next((each for each in FILE_COLUMNS if each in table), None)
        groups = [(file.stem, table)] if column is None else table.groupby(column, sort=True)
        for name, group in groups:
            for video in ids.get(_key(str(name)), ()):
                if len(rows_of_video := _inside(group, spans[video])):
                    rows[video] = _summarised(rows_of_video, file)
    if not rows:
        wanted = ", ".join(sorted({Path(name).name for name in names.values()})[:3])
        raise UserError(f"{path} names none of the {len(names)} videos, such as {wanted}")
    first = next(iter(rows.values())).index
    common = [name for name in first if all(name in each.index for each in rows.values())]
    if not common:
        raise UserError(f"the files of {path} have no column in common")
    return common, {video: each[common].to_numpy(float) for video, each in rows.items()}


def _ids_by_name(names: Mapping[str, str]) -> dict[str, list[str]]:
    """Returns the videos that a name means: of an id, of a file; several are parts of one file."""
    ids: dict[str, list[str]] = {}
    for video, file in names.items():
        for key in dict.fromkeys((_key(video), _key(file))):
            ids.setdefault(key, []).append(video)
    return ids


def _key(name: str) -> str:
    return Path(name.strip().replace("\\", "/")).stem.lower()


def _read(file: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(file, skipinitialspace=True, low_memory=False)
    except (OSError, ValueError) as error:  # of pandas' parser and of the encoding, too
        raise UserError(f"{file}: expected a CSV table, got none: {reason_of(error)}") from error
    return table.rename(columns=lambda name: str(name).strip())


def _inside(table: pd.DataFrame, span: tuple[float, float]) -> pd.DataFrame:
    """Selects the rows with a face and of a video's time."""
    if "success" in table:
        table = table[pd.to_numeric(table["success"], errors="coerce") != 0]
    column = next((name for name in TIME_COLUMNS if name in table), None)
    if column is None:
        return table
    seconds = _seconds(table[column])
    return table[(seconds.isna()) | seconds.between(span[0] - SLACK_S, span[1] + SLACK_S)]


def _seconds(times: pd.Series) -> pd.Series:
    """Returns seconds of numbers, or of texts such as 01:30 and 00:01:30."""
    numbers = pd.to_numeric(times, errors="coerce")
    if numbers.notna().any():
        return numbers
    parts = times.astype(str).str.split(":", expand=True).apply(pd.to_numeric, errors="coerce")
    factors = 60.0 ** np.arange(parts.shape[1])[::-1]
    return (parts * factors).sum(axis=1, min_count=1)


def _summarised(table: pd.DataFrame, file: Path) -> pd.Series:
    """Returns the mean and the standard deviation of each column of numbers."""
    left_out: Sequence[str] = (*FILE_COLUMNS, *TIME_COLUMNS, *BOOKKEEPING)
    numbers = table.drop(columns=[name for name in left_out if name in table])
    numbers = numbers.apply(pd.to_numeric, errors="coerce").replace([np.inf, -np.inf], np.nan)
    numbers = numbers.dropna(axis="columns", how="all")
    if not len(numbers.columns):
        raise UserError(f"{file}: expected columns of numbers, found none for {len(table)} rows")
    means, spreads = numbers.mean(), numbers.std(ddof=0)
    return pd.concat([means.add_suffix("_mean"), spreads.add_suffix("_sd")])

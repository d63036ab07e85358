"""Tests of other tools' features, in the shapes of their files."""

import csv

import numpy as np
import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.baselines.features import read_features

pytestmark = pytest.mark.pure

NAMES = {"study/p1": "/videos/p1_interview.mp4", "study/p2": "/videos/p2_interview.MP4"}
SPANS = dict.fromkeys(NAMES, (0.0, 10.0))
OPENFACE = [
    *("frame", "face_id", "timestamp", "confidence", "success"),
    *(f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz"),
    *("gaze_angle_x", "gaze_angle_y", "pose_Tx", "pose_Ty", "pose_Tz", "pose_Rx", "pose_Ry"),
    *("pose_Rz", "x_0", "y_0", "X_0", "Y_0", "Z_0", "p_scale", "AU01_r", "AU12_r", "AU45_r"),
    *("AU01_c", "AU12_c", "AU45_c"),
]
PYFEAT = [
    *("frame", "FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"),
    *("x_0", "x_67", "y_0", "y_67", "Pitch", "Roll", "Yaw", "AU01", "AU12", "AU43"),
    *("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
    *("input", "approx_time"),
]


def openface(path, level, rows=20, rate=2, **changed):
    """Writes OpenFace's file of a video: a blank after each comma, one AU12 per row."""
    with path.open("w") as file:
        file.write(", ".join(OPENFACE) + "\n")
        for row in range(rows):
            values = dict.fromkeys(OPENFACE, 0.5) | {
                "frame": row + 1,
                "face_id": 0,
                "timestamp": row / rate,
                "success": 1,
                "AU12_r": level,
            }
            values |= {name: value(row) for name, value in changed.items()}
            file.write(", ".join(str(values[name]) for name in OPENFACE) + "\n")


def pyfeat(path, levels):
    """Writes one Py-Feat file of several videos."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, PYFEAT)
        writer.writeheader()
        for name, level in levels.items():
            for row in range(6):
                values = dict.fromkeys(PYFEAT, 0.25)
                values |= {"frame": row, "input": name, "approx_time": f"00:{row:02}"}
                writer.writerow(values | {"AU12": level + (row % 2)})


def test_openface_files_are_matched_by_their_names(tmp_path):
    openface(tmp_path / "p1_interview.csv", 1.5)
    openface(tmp_path / "p2_interview.csv", 2.5)
    openface(tmp_path / "somebody_else.csv", 9.0)
    columns, rows = read_features(tmp_path, NAMES, SPANS)
    place = columns.index("AU12_r_mean")
    assert {video: row[place] for video, row in rows.items()} == {"study/p1": 1.5, "study/p2": 2.5}
    assert not {"frame_mean", "timestamp_mean", "success_mean", "face_id_mean"} & set(columns)
    assert {"x_0_mean", "X_0_mean", "gaze_angle_x_sd", "AU45_c_mean"} <= set(columns)


def test_rows_without_a_face_and_outside_of_the_part_do_not_count(tmp_path):
    openface(
        tmp_path / "p1_interview.csv",
        0,
        success=lambda row: int(row != 3),
        AU12_r=lambda row: 100.0 if row in (3, 19) else 1.0,  # no face, and 9.5 s
    )
    columns, rows = read_features(tmp_path, NAMES, SPANS | {"study/p1": (0.0, 5.0)})
    assert rows["study/p1"][columns.index("AU12_r_mean")] == 1
    assert rows["study/p1"][columns.index("AU12_r_sd")] == 0


def test_pyfeat_names_videos_in_a_column_and_times_as_minutes(tmp_path):
    path = tmp_path / "all.csv"
    pyfeat(path, {"/elsewhere/p1_interview.mp4": 1.0, "C:\\videos\\p2_interview.mp4": 3.0})
    columns, rows = read_features(path, NAMES, SPANS | {"study/p2": (0.0, 0.5)})
    mean, spread = columns.index("AU12_mean"), columns.index("AU12_sd")
    assert rows["study/p1"][[mean, spread]] == pytest.approx([1.5, 0.5])
    assert rows["study/p2"][mean] == pytest.approx(3.5)  # of its first two seconds
    assert not {"frame_mean", "approx_time_mean"} & set(columns)


def test_parts_of_one_file_have_their_own_rows(tmp_path):
    openface(tmp_path / "long.csv", 0, AU12_r=lambda row: 1.0 if row < 10 else 3.0)
    names = {"a": "long.mp4", "b": "long.mp4"}
    columns, rows = read_features(tmp_path, names, {"a": (0.0, 3.0), "b": (7.0, 9.0)})
    place = columns.index("AU12_r_mean")
    assert (rows["a"][place], rows["b"][place]) == (1, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a CSV table"),
        (b"\xff\xfe\x00\x01" * 9, "expected a CSV table"),
        (b"input,AU12\nother.mp4,1\n", "names none of the 2 videos, such as p1_interview.mp4"),
        (b"input,mood\np1_interview.mp4,sad\n", "expected columns of numbers"),
    ],
)
def test_other_files_end_in_one_line(tmp_path, content, message):
    path = tmp_path / "features.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_features(path, NAMES, SPANS)


def test_missing_files_end_in_one_line(tmp_path):
    with pytest.raises(UserError, match="which is not there"):
        read_features(tmp_path / "none.csv", NAMES, SPANS)
    with pytest.raises(UserError, match="found none"):
        read_features(tmp_path, NAMES, SPANS)


def test_videos_that_no_file_names_are_left_out(tmp_path):
    openface(tmp_path / "p1_interview.csv", 1.0)
    _, rows = read_features(tmp_path, NAMES, SPANS)
    assert list(rows) == ["study/p1"]
    assert np.isfinite(rows["study/p1"]).all()

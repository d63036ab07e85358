"""Tests of the folder of videos: complete, reproducible, and never half written."""

import csv
import dataclasses
import os

import av
import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.recordings.recording import LABEL_COLUMNS
from hmhn_jax.recordings.synthetic import SyntheticSettings, dataset, write_dataset

TINY = SyntheticSettings(num_train=3, num_validation=1, num_test=1, num_frames=2, size=(160, 120))


def write(directory, settings=TINY, num_processes=1):
    return write_dataset(directory, settings, num_processes)


def read_rows(labels):
    with open(labels, newline="") as file:
        return list(csv.DictReader(file))


def contents(directory):
    paths = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths}


def modified(directory):
    return {path: path.stat().st_mtime_ns for path in directory.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """Returns the names and bytes in a finished folder."""
    directory = tmp_path_factory.mktemp("complete")
    write(directory)
    return contents(directory)


@pytest.fixture
def folder(tmp_path, complete):
    """Copies a finished folder that the test may change."""
    for name, content in complete.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def test_labels_name_every_video_once(folder):
    rows = read_rows(folder / "labels.csv")
    assert tuple(rows[0]) == LABEL_COLUMNS
    assert [row["split"] for row in rows] == ["train"] * 3 + ["validation", "test"]
    assert len({row["subject"] for row in rows}) == len(rows)  # disjoint over the splits
    assert {row["file"] for row in rows} == {
        str(path.relative_to(folder)) for path in folder.glob("videos/*")
    }
    for row in rows:
        assert 0 <= int(row["score"]) <= 63
        with av.open(str(folder / row["file"])) as container:
            stream = container.streams.video[0]
            assert (stream.width, stream.height) == TINY.size
            assert sum(1 for _ in container.decode(stream)) == TINY.num_frames


def test_processes_do_not_change_a_byte(tmp_path, complete):
    labels = write(tmp_path, num_processes=2)
    assert labels == tmp_path / "labels.csv"
    assert contents(tmp_path) == complete


def test_second_call_touches_nothing(folder):
    before = modified(folder)
    write(folder)
    assert modified(folder) == before


def test_a_missing_video_is_rendered_again_and_only_that(folder, complete):
    before = modified(folder)
    missing = folder / read_rows(folder / "labels.csv")[1]["file"]
    missing.unlink()
    write(folder)
    assert contents(folder) == complete
    assert {path for path, time in modified(folder).items() if before[path] != time} == {missing}


def test_a_video_that_is_there_stays_even_when_it_is_empty(folder):
    video = folder / read_rows(folder / "labels.csv")[0]["file"]
    video.write_bytes(b"")
    write(folder)
    assert video.read_bytes() == b""


def test_what_a_killed_run_left_is_not_taken_for_a_video(folder, complete):
    video = folder / read_rows(folder / "labels.csv")[0]["file"]
    half = video.with_name(f".{video.name}.123.part")
    half.write_bytes(video.read_bytes()[:100])
    os.utime(half, (0, 0))
    video.unlink()
    (folder / "labels.csv").unlink()
    write(folder)
    assert contents(folder) == complete  # the video is whole, the half file gone


def test_a_failing_run_leaves_no_labels_and_no_half_video(tmp_path, monkeypatch, complete):
    encode = dataset.encode
    encoded = []

    def disk_full_at_third(*arguments):
        if len(encoded) == 2:
            raise OSError(28, "No space left on device")
        encoded.append(encode(*arguments))
        return encoded[-1]

    monkeypatch.setattr(dataset, "encode", disk_full_at_third)
    with pytest.raises(UserError, match="No space left on device") as raised:
        write(tmp_path)
    assert str(tmp_path) in str(raised.value)
    assert "\n" not in str(raised.value)
    names = set(contents(tmp_path))
    assert names < set(complete)
    assert "labels.csv" not in names

    monkeypatch.undo()
    write(tmp_path)
    assert contents(tmp_path) == complete


@pytest.mark.parametrize(
    ("change", "expected"),
    [({"num_frames": 3}, "num_frames 2, expected 3"), ({"seed": 1}, "seed 0, expected 1")],
)
def test_a_folder_of_other_settings_is_refused_and_kept(folder, complete, change, expected):
    with pytest.raises(UserError, match=expected) as raised:
        write(folder, dataclasses.replace(TINY, **change))
    assert str(folder) in str(raised.value)
    assert contents(folder) == complete


def test_a_folder_of_another_renderer_is_refused(folder, monkeypatch):
    monkeypatch.setattr(dataset, "RENDERER_VERSION", dataset.RENDERER_VERSION + 1)
    with pytest.raises(UserError, match="renderer_version"):
        write(folder)


@pytest.mark.parametrize("content", ["{", "[1, 2]"])
def test_an_unreadable_settings_file_is_refused(folder, content):
    (folder / "settings.json").write_text(content)
    with pytest.raises(UserError, match=r"settings\.json is unreadable"):
        write(folder)


def test_foreign_videos_are_refused(tmp_path):
    foreign = tmp_path / "videos" / "interview.mp4"
    foreign.parent.mkdir()
    foreign.write_bytes(b"somebody's own")
    with pytest.raises(UserError, match="holds videos but no settings"):
        write(tmp_path)
    assert contents(tmp_path) == {"videos/interview.mp4": b"somebody's own"}


def test_a_path_that_cannot_be_a_folder_is_refused(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    with pytest.raises(UserError, match="cannot write") as raised:
        write(blocker / "synthetic")
    assert str(blocker) in str(raised.value)


@pytest.mark.parametrize("wrong", [{"size": (641, 480)}, {"num_frames": 0}, {"fps": 0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(UserError, match="expected"):
        dataclasses.replace(TINY, **wrong)

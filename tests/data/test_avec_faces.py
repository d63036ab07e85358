"""Tests of the dataset as users build it: by the `tfds` command, and from Python."""

import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow prints when it is loaded

import tensorflow_datasets as tfds

from hmhn_jax import tfds as avec_faces
from hmhn_jax.base.errors import UserError
from hmhn_jax.recordings.tables.labels import read_labels

ROOT = Path(__file__).parents[2]
SETTINGS = {"num_train": 3, "num_validation": 1, "num_test": 1, "num_frames": 4}


def config(**fields):
    return {"name": "tiny", "videos": SETTINGS, "num_processes": 2, **fields}


TFDS = Path(sys.executable).with_name("tfds")


def flags(data_dir, **fields):
    return ["build", "avec_faces", "--config", json.dumps(config(**fields)), "--data_dir", data_dir]


@pytest.fixture(scope="session")
def start_tfds_build(start):
    """Returns start_tfds_build(data_dir, cwd, ...), which starts the real command."""
    return lambda data_dir, cwd=ROOT, **fields: start(
        *flags(data_dir, **fields), program=TFDS, cwd=cwd
    )


@pytest.fixture(scope="session")
def tfds_build(start_tfds_build):
    """Returns the same, run to its end."""
    return lambda *args, **fields: start_tfds_build(*args, **fields).wait()


def tfds_build_afresh(data_dir, environment=(), **fields):
    """Runs the command as users do, with a Python that has imported nothing."""
    command = [TFDS, *flags(data_dir, **fields)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **dict(environment)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def videos_folder(data_dir):
    (folder,) = (data_dir / "downloads" / "avec_faces").glob("synthetic-*")
    return folder


def build(data_dir, **fields):
    builder = avec_faces.Builder(
        config=avec_faces.FacesConfig(**config(**fields)), data_dir=data_dir
    )
    builder.download_and_prepare()
    return builder


@pytest.fixture(scope="module")
def by_command(tmp_path_factory):
    """Builds by the command: (data_dir, what it printed)."""
    data_dir = tmp_path_factory.mktemp("built")
    finished = tfds_build_afresh(data_dir)
    assert finished.returncode == 0, finished.stderr
    return data_dir, finished


@pytest.fixture(scope="module")
def built(by_command):
    return by_command[0]


def test_the_command_ends_with_crops_misses_and_what_to_run_next(by_command):
    data_dir, finished = by_command
    *_, crops, misses, sheet, following = finished.stderr.splitlines()
    folder = data_dir / "avec_faces" / "tiny" / "1.0.0"
    total = sum(
        split.num_examples for split in tfds.builder_from_directory(folder).info.splits.values()
    )
    assert crops.startswith(f"{total} crops of ")
    assert misses == "a face in every frame that was looked at"
    assert sheet == f"look at the crops: {folder / 'contact_sheet.html'}"
    flags = (
        f"--config default --config.data.dataset=avec_faces/tiny --config.data.data_dir={data_dir}"
    )
    assert following.endswith(f"--workdir runs/tiny {flags}")


@pytest.fixture(scope="module")
def builder(built):
    return tfds.builder_from_directory(built / "avec_faces" / "tiny" / "1.0.0")


@pytest.fixture
def spoiled(built, tmp_path):
    """Renders videos; of the three for training the second is empty, the third faceless."""
    folder = tmp_path / "downloads" / "avec_faces" / videos_folder(built).name
    shutil.copytree(videos_folder(built), folder)
    videos = sorted(folder.glob("videos/*.mp4"))
    videos[1].write_bytes(b"")
    shutil.copy(write_faceless(tmp_path / "faceless.mp4"), videos[2])
    return tmp_path


def examples(builder):
    decoders = {"image": tfds.decode.SkipDecoding()}  # as stored; readers differ in decoding
    return tfds.as_numpy(builder.as_dataset(split="train", decoders=decoders))


def write_faceless(path):
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.zeros((240, 320, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_the_command_writes_every_crop_of_every_video(built, builder):
    labels = {each.video_id: each for each in read_labels(videos_folder(built) / "labels.csv")}
    assert {split: info.num_examples for split, info in builder.info.splits.items()} == {
        "train": 12,
        "validation": 4,
        "test": 4,
    }
    for split in ("train", "validation", "test"):
        frames = collections.defaultdict(list)
        for example in tfds.as_numpy(builder.as_dataset(split=split)):
            recording = labels[example["video_id"].decode()]
            assert recording.split == split
            assert example["score"] == recording.score
            assert example["subject_id"].decode() == recording.subject_id
            assert example["task"].decode() == recording.task
            assert example["time_s"] == pytest.approx(example["frame_index"] / 4)
            frames[recording.video_id].append(int(example["frame_index"]))

            assert example["image"].shape == (224, 224, 3)
            assert example["image"].std() > 10
            left, top, right, bottom = example["box"]
            assert (example["eyes"] > [left, top]).all()
            assert (example["eyes"] < [right, bottom]).all()
            assert example["confidence"] > 0
        assert {video: sorted(indices) for video, indices in frames.items()} == {
            video: [0, 1, 2, 3] for video, each in labels.items() if each.split == split
        }


def test_the_dataset_says_where_it_came_from(built, builder):
    recordings = read_labels(videos_folder(built) / "labels.csv")
    scores = [each.score for each in recordings if each.split == "train"]
    metadata = builder.info.metadata
    assert metadata["synthetic"] is True
    assert metadata["train_score_mean"] == pytest.approx(np.mean(scores))
    assert metadata["train_score_sd"] == pytest.approx(np.std(scores))
    assert metadata["num_videos"] == {"train": 3, "validation": 1, "test": 1}
    assert metadata["num_frames_sampled"] == metadata["num_frames_with_face"] == 20
    assert metadata["failures"] == []
    assert metadata["crops"]["size"] == 224
    assert set(metadata["software"]) == {"av", "dlib", "opencv", "tensorflow_datasets"}


def test_the_crops_can_be_looked_at(built, builder):
    folder = Path(builder.data_path)
    page = (folder / "contact_sheet.html").read_text()
    assert "synthetic faces" in page
    assert page.count("<img") == 5 * 3
    summary = json.loads((folder / "summary.json").read_text())
    labels = read_labels(videos_folder(built) / "labels.csv")
    assert {(each["video_id"], each["split"], each["score"]) for each in summary["videos"]} == {
        (each.video_id, each.split, each.score) for each in labels
    }
    assert {each["frames_with_face"] for each in summary["videos"]} == {4}
    assert {each["found_rate"] for each in summary["videos"]} == {1.0}


def test_a_killed_build_goes_on_and_ends_the_same(tfds_build, start_tfds_build, tmp_path):
    videos = {**SETTINGS, "num_train": 12, "num_frames": 3}
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert tfds_build(whole, videos=videos).returncode == 0
    # The videos are there already: what is killed is the cropping.
    shutil.copytree(
        whole / "downloads", killed / "downloads", ignore=shutil.ignore_patterns("crops")
    )
    crops = killed / "downloads" / "avec_faces" / "crops"
    process = start_tfds_build(killed, videos=videos)
    while len(list(crops.glob("*.crops"))) < 4:
        assert process.is_running(), "ended before it could be killed"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait().returncode == -signal.SIGKILL
    finished = tfds_build(killed, videos=videos)
    assert finished.returncode == 0, finished.stderr
    decoded, cached = re.search(
        r"crops: (\d+) videos decoded, (\d+) from the cache", finished.stderr
    ).groups()
    assert int(cached) >= 4
    assert int(decoded) + int(cached) == 14
    first, second = (
        tfds.builder_from_directory(data_dir / "avec_faces" / "tiny" / "1.0.0")
        for data_dir in (whole, killed)
    )
    assert first.info.metadata["fingerprint"] == second.info.metadata["fingerprint"]
    for one, other in zip(examples(first), examples(second), strict=True):
        assert all(np.array_equal(one[field], other[field]) for field in one)


def test_the_same_videos_give_the_same_dataset_and_fingerprint(built, builder, tmp_path):
    without_crops = shutil.ignore_patterns("crops")  # they are to be made again
    shutil.copytree(built / "downloads", tmp_path / "downloads", ignore=without_crops)
    again = build(tmp_path, num_processes=1)
    assert again.info.metadata["fingerprint"] == builder.info.metadata["fingerprint"]
    for first, second in zip(examples(builder), examples(again), strict=True):
        assert first.keys() == second.keys()
        assert all(np.array_equal(first[field], second[field]) for field in first)

    other_crops = build(tmp_path, name="half", crops={"size": 112})
    assert other_crops.info.metadata["fingerprint"] != builder.info.metadata["fingerprint"]
    (example,) = other_crops.as_dataset(split="test").take(1)
    assert example["image"].shape == (112, 112, 3)


def test_one_video_too_many_ends_the_command_with_one_line(tfds_build, spoiled):
    finished = tfds_build(spoiled, cwd=ROOT / "data")
    assert finished.returncode == 1
    *_, line = finished.stderr.strip().splitlines()
    assert line.startswith("error: 2 of 5 videos gave no crops, allowed are 0 ")
    assert "synthetic_0001.mp4: the file is empty (0 bytes); " in line
    assert "synthetic_0002.mp4: no face found in any of 3 sampled frames" in line
    assert "Traceback" not in finished.stderr + finished.stdout
    assert not list(spoiled.glob("avec_faces/tiny/*"))  # nothing that looks like a dataset


def test_from_python_too_many_failures_raise_an_error(spoiled):
    with pytest.raises(UserError, match="2 of 5 videos gave no crops, allowed are 1 "):
        build(spoiled, max_failed_share=0.3)
    assert not list(spoiled.glob("avec_faces/tiny/*"))


def test_failures_within_the_limit_are_recorded(spoiled):
    metadata = build(spoiled, max_failed_share=0.4).info.metadata
    empty, faceless = metadata["failures"]
    assert empty["file"] == "synthetic_0001.mp4"
    assert empty["reason"] == "the file is empty (0 bytes)"
    assert faceless["file"] == "synthetic_0002.mp4"
    assert faceless["split"] == "train"
    assert metadata["num_videos"] == {"train": 1, "validation": 1, "test": 1}
    assert metadata["train_score_sd"] == 0


def test_a_split_without_any_crop_fails_whatever_the_limit(spoiled):
    for video in sorted(videos_folder(spoiled).glob("videos/*.mp4"))[:4]:
        video.write_bytes(b"")
    with pytest.raises(UserError, match=r"4 of 5 videos gave no crops.*0000\.mp4: .* \(4 files\)$"):
        build(spoiled, max_failed_share=1.0)
    assert not list(spoiled.glob("avec_faces/tiny/*"))


PYAV_OF_ANOTHER_VERSION = """
import os, av
def open(file, mode="r", *args, **kwargs):
    if mode != "r":
        return real(file, mode, *args, **kwargs)
    with __builtins__["open"](os.environ["OPENED"], "a") as log:
        log.write(f"{file}\\n")
    raise TypeError("open() got an unexpected keyword argument")
real, av.open = av.open, open
"""


def test_a_library_that_changed_ends_the_build_at_once_as_a_fault(tmp_path):
    folder = tmp_path / "downloads" / "manual" / "folder"
    folder.mkdir(parents=True)
    rows = ["file,subject,score"]
    for number in range(40):
        (folder / f"{number}.mp4").write_bytes(bytes([number]))
        rows.append(f"{number}.mp4,p{number},{number}")
    (folder / "people.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "sitecustomize.py").write_text(PYAV_OF_ANOTHER_VERSION)
    opened = tmp_path / "opened"
    finished = tfds_build_afresh(
        tmp_path,
        videos={"source": "folder"},
        environment={"PYTHONPATH": f"{tmp_path}:{ROOT}", "OPENED": str(opened)},
    )
    assert finished.returncode == 70
    *_, line = finished.stderr.strip().splitlines()
    assert line.startswith("error: fault of the software: TypeError: open() got an unexpected ")
    assert re.search(r"\(sitecustomize\.py:\d+\): not the videos but .* 3 of 40 files met ", line)
    assert "Please report this line" in line
    assert "Traceback" not in finished.stderr + finished.stdout
    assert 3 <= len(opened.read_text().splitlines()) < 20
    assert not list(tmp_path.glob("avec_faces/tiny/*"))


def test_crops_are_kept_and_a_damaged_one_is_made_again(built, builder, tfds_build, tmp_path):
    shutil.copytree(built / "downloads", tmp_path / "downloads")
    entry, *others = (tmp_path / "downloads" / "avec_faces" / "crops").glob("*.crops")
    assert len(others) == 4
    entry.write_bytes(entry.read_bytes()[:-1])
    finished = tfds_build(tmp_path)
    assert "crops: 1 videos decoded, 4 from the cache" in finished.stderr
    again = tfds.builder_from_directory(tmp_path / "avec_faces" / "tiny" / "1.0.0")
    for first, second in zip(examples(builder), examples(again), strict=True):
        assert all(np.array_equal(first[field], second[field]) for field in first)

"""Tests of real recordings' folders, built by the `tfds` command, and of training on them."""

import json
import shutil
import sys
from collections import defaultdict
from pathlib import Path

import avec_trees
import pytest
import tensorflow_datasets as tfds

from hmhn_jax import tfds as avec_faces
from hmhn_jax.base.errors import UserError
from hmhn_jax.faces.crop import CropSettings

ROOT = Path(__file__).parents[2]
TRAPS = {
    "name": "traps",
    "videos": {"source": "folder", "path": "traps"},
    "max_failed_share": 0.4,
}


@pytest.fixture(scope="module")
def builds(tmp_path_factory, manual_dir, videos, start, tiny_dataset):
    """Builds every folder by the command, two at a time: {name: (data_dir, finished process)}."""
    data_dirs = {name: tmp_path_factory.mktemp(name) for name in ("all", "b", "c", "traps", "none")}
    # The synthetic set would take minutes; the command takes one that is there for its own.
    shutil.copytree(
        tiny_dataset / "avec_faces" / "tiny", data_dirs["all"] / "avec_faces" / "synthetic"
    )
    (data_dirs["all"] / "downloads").mkdir()
    (data_dirs["all"] / "downloads" / "manual").symlink_to(manual_dir)
    for name, layout in (("b", avec_trees.layout_b), ("c", avec_trees.layout_c)):
        layout(data_dirs[name] / "tree", videos)
    flags = {
        "all": [],
        "traps": ["--config", json.dumps(TRAPS), "--manual_dir", manual_dir],
        "b": ["--config", "avec2014", "--manual_dir", data_dirs["b"] / "tree"],
        "c": ["--config", "avec2014", "--manual_dir", data_dirs["c"] / "tree"],
        "none": ["--config", "avec2014"],
    }
    processes = {}
    finished = {}
    for name, more in flags.items():
        command = ["build", "avec_faces", "--data_dir", data_dirs[name], *more]
        if len(processes) - len(finished) == 2:
            first = next(other for other in processes if other not in finished)
            finished[first] = processes[first].wait()
        processes[name] = start(*command, program=Path(sys.executable).with_name("tfds"))
    for name, process in processes.items():
        if name not in finished:
            finished[name] = process.wait()
    return {name: (data_dirs[name], finished[name]) for name in flags}


def open_built(builds, name, config):
    data_dir, finished = builds[name]
    assert finished.returncode == 0, finished.stderr
    return tfds.builder_from_directory(data_dir / "avec_faces" / config / "1.0.0")


def videos_of(builder):
    """Reads {video_id: (split, score, task, subject, [frame indices])}."""
    read = defaultdict(lambda: (*[None] * 4, []))
    for split in builder.info.splits:
        for example in tfds.as_numpy(builder.as_dataset(split)):
            key = example["video_id"].decode()
            facts = (split, float(example["score"]))
            facts += (example["task"].decode(), example["subject_id"].decode())
            indices = [*read[key][-1], int(example["frame_index"])]
            assert read[key][:-1] in ((None,) * 4, facts)  # the same in every frame
            read[key] = (*facts, sorted(indices))
    return dict(read)


def expected_videos(tasks, scores=None, missing=()):
    return {
        f"{session}_{task}": (
            split,
            float((scores or {}).get(session, score)),
            task,
            session.split("_")[0],
            avec_trees.CROPPED_FRAMES,
        )
        for session, (split, score) in avec_trees.SESSIONS.items()
        for task in tasks
        if f"{session}_{task}" not in missing
    }


@pytest.mark.parametrize(
    ("name", "missing"), [("all", ["206_1_northwind"]), ("b", []), ("c", [])], ids="ABC"
)
def test_avec2014_holds_exactly_what_the_folders_say(builds, name, missing):
    builder = open_built(builds, name, "avec2014")
    expected = expected_videos(("freeform", "northwind"), missing=missing)
    assert videos_of(builder) == expected
    metadata = builder.info.metadata
    assert metadata["synthetic"] is False
    assert sum(metadata["num_videos"].values()) == len(expected)
    assert metadata["videos"]["203_2_freeform"] == {"session": "203_2"}
    assert metadata["facts"] == [
        *(f"session {each[:5]}: no northwind video" for each in missing),
        "subjects in more than one split (1): 203 (train, test)",
    ]


def test_avec2013_holds_exactly_what_the_folders_say(builds):
    builder = open_built(builds, "all", "avec2013")
    assert videos_of(builder) == expected_videos(("combined",), {"205_1": 20, "206_1": 45})


def test_without_a_config_those_with_data_are_built(builds):
    data_dir, finished = builds["all"]
    assert finished.returncode == 0
    assert {path.parent.name for path in data_dir.glob("avec_faces/*/1.0.0")} == {
        "synthetic",
        "avec2013",
        "avec2014",
    }
    (line,) = [line for line in finished.stderr.splitlines() if line.startswith("not built")]
    assert "avec_faces/folder: no data for folder: expected your videos and one table" in line
    assert "Traceback" not in finished.stderr + finished.stdout


def test_a_config_without_data_ends_with_one_line(builds):
    data_dir, finished = builds["none"]
    assert finished.returncode == 1
    *_, line = finished.stderr.strip().splitlines()
    assert line.startswith("error: no data for avec2014: expected the release's folders in ")
    assert "docs/data/avec2014.md" in line
    assert "Traceback" not in finished.stderr + finished.stdout
    assert not list(data_dir.glob("avec_faces/avec2014/*"))


def test_awkward_videos_are_cropped_or_reported(builds):
    builder = open_built(builds, "traps", "traps")
    videos, metadata = videos_of(builder), builder.info.metadata
    for name in ("plain", "far/PLAIN2", "odd_width", "silent", "two_faces"):
        assert videos[name][-1] == avec_trees.CROPPED_FRAMES
    # Times 0, 0.1, 0.2, 0.3, 0.9, 1.1, ..., 1.9, 2.5, 2.9: the first at or after 0, 1 and 2 s.
    assert videos["variable_rate"][-1] == [0, 5, 10]

    failures = {each["file"]: each["reason"] for each in metadata["failures"]}
    assert failures.pop("rotated.mp4", "") or videos.pop("rotated")
    assert failures["no_face.mp4"].startswith("no face found in any of 3 sampled frames")
    assert failures["corrupt.mp4"].startswith("not a readable video")
    assert failures["empty.mp4"] == "the file is empty (0 bytes)"
    assert set(failures) == {"no_face.mp4", "corrupt.mp4", "empty.mp4", "no_frames.mp4"}
    _, fact = metadata["facts"]
    assert "unlisted.mp4: not listed in people.csv" in fact


def test_further_columns_come_along(builds):
    metadata = open_built(builds, "traps", "traps").info.metadata
    assert metadata["videos"]["plain"] == {"age": "30", "sex": "f"}
    assert metadata["videos"]["far/PLAIN2"] == {"age": "31", "sex": "m"}
    assert "empty" not in metadata["videos"]  # no crops of it


def test_real_videos_are_sampled_and_capped_and_rendered_ones_are_not():
    configs = {config.name: config for config in avec_faces.Builder.BUILDER_CONFIGS}
    assert list(configs) == ["synthetic", "avec2013", "avec2014", "folder"]
    for name, config in configs.items():
        real = name != "synthetic"
        assert config.is_synthetic is not real
        assert config.max_failed_share == (0.1 if real else 0)
        assert (config.crops == CropSettings()) is real


def test_wrong_fields_of_a_source_are_one_line():
    with pytest.raises(UserError, match=r"source out of synthetic, .* got \"dvd\""):
        avec_faces.FacesConfig(name="x", videos={"source": "dvd"})
    with pytest.raises(UserError, match=r"crops: .*rate"):
        avec_faces.FacesConfig(name="x", crops={"rate": 1})


def test_trains_and_evaluates_on_avec2014(builds, run, tmp_path):
    data_dir, _ = builds["all"]
    fields = {
        "data.data_dir": data_dir,
        "data.image_size": 32,
        "model.width": 4,
        "model.lgfe_expansion": 1,
        "model.use_gwa": False,
        "model.use_dff": False,
        "model.use_mab": False,
        "train.batch_size": 8,
        "train.num_epochs": 2,
        "evaluate.batch_size": 8,
    }
    flags = [f"--config.{field}={value}" for field, value in fields.items()]
    workdir = tmp_path / "run"
    finished = run("--workdir", workdir, "--config", ROOT / "configs" / "avec2014.py", *flags)
    assert finished.returncode == 0, finished.stderr
    metrics = json.loads((workdir / "evaluation" / "test" / "metrics.json").read_text())
    assert metrics["num_videos"] == 4  # two sessions, both tasks
    assert metrics["synthetic"] is False
    # Over the videos of train and development.
    assert metrics["trained"]["score_mean"] == pytest.approx((2 * 3 + 20 + 2 * 11 + 2 * 31) / 7)


def test_run_says_where_missing_data_go(run, tmp_path):
    config = ROOT / "configs" / "avec2013.py"
    flags = [f"--config.data.data_dir={tmp_path}", f"--config.data.manual_dir={tmp_path / 'here'}"]
    finished = run("--workdir", tmp_path / "run", "--config", config, *flags)
    assert finished.returncode == 1
    *_, line = finished.stderr.strip().splitlines()
    assert line.startswith(
        f"error: no data for avec2013: expected the release's folders in {tmp_path / 'here'}"
    )

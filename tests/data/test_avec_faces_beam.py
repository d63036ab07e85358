"""Tests that a dataset built by Beam's workers equals the one built by local processes."""

import shutil
from pathlib import Path

import pytest
import tensorflow_datasets as tfds
from apache_beam.options.pipeline_options import PipelineOptions

from hmhn_jax import tfds as avec_faces
from hmhn_jax.base.errors import SoftwareFault, UserError
from hmhn_jax.faces import beam
from hmhn_jax.faces.report import CropReport
from hmhn_jax.recordings.recording import Recording
from hmhn_jax.recordings.synthetic import SyntheticSettings, write_dataset
from hmhn_jax.tfds.provenance import refuse_failures

# Beam's "DirectRunner" would first try to fetch another runner from the network.
IN_MEMORY = {"runner": "FnApiRunner"}
CONFIG = {
    "name": "mine",
    "videos": {"source": "folder"},
    "crops": {"rate_hz": None},
    "max_failed_share": 0.4,
    "num_processes": 1,
}


@pytest.fixture(scope="module")
def manual_dir(tmp_path_factory):
    """Makes four people in a folder of their own; the second one's video is corrupt."""
    manual_dir = tmp_path_factory.mktemp("manual")
    settings = SyntheticSettings(num_train=3, num_validation=0, num_test=1, num_frames=3)
    write_dataset(manual_dir / "folder", settings, num_processes=1)
    spoil(manual_dir, 1)
    return manual_dir


def spoil(manual_dir, number):
    path = sorted(manual_dir.glob("folder/videos/*.mp4"))[number]
    path.write_bytes(path.read_bytes()[:-500])


def build(data_dir, manual_dir, **flags):
    options = PipelineOptions.from_dictionary(flags) if flags else None
    builder = avec_faces.Builder(config=avec_faces.FacesConfig(**CONFIG), data_dir=data_dir)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=manual_dir, beam_options=options)
    )
    return builder


def examples(builder):
    """Reads {split: its examples in order, pictures as their JPEG bytes}."""
    as_stored = {"image": tfds.decode.SkipDecoding()}
    return {
        split: [
            {
                field: value.tolist() if hasattr(value, "tolist") else value
                for field, value in example.items()
            }
            for example in tfds.as_numpy(builder.as_dataset(split, decoders=as_stored))
        ]
        for split in builder.info.splits
    }


@pytest.fixture(scope="module")
def local(tmp_path_factory, manual_dir):
    return build(tmp_path_factory.mktemp("local"), manual_dir)


@pytest.fixture(scope="module")
def expected(local):
    return examples(local)


@pytest.fixture(scope="module")
def in_memory(tmp_path_factory, manual_dir):
    return build(tmp_path_factory.mktemp("in_memory"), manual_dir, **IN_MEMORY)


@pytest.fixture(scope="module")
def in_processes(tmp_path_factory, manual_dir, environment):
    data_dir = tmp_path_factory.mktemp("in_processes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", environment["PYTHONPATH"])  # the worker starts from nothing
        return build(data_dir, manual_dir, direct_running_mode="multi_processing", **IN_MEMORY)


@pytest.mark.parametrize("workers", ["in_memory", "in_processes"])
def test_the_same_dataset_comes_out(local, expected, workers, request):
    other = request.getfixturevalue(workers)
    assert {split: len(each) for split, each in expected.items()} == {"train": 6, "test": 3}
    assert examples(other) == expected
    assert other.info.metadata == local.info.metadata  # the fingerprint, for one
    (failure,) = other.info.metadata["failures"]
    assert failure["reason"].startswith("not a readable video")
    for name in ("contact_sheet.html", "summary.json"):
        assert (other.data_path / name).read_text() == (local.data_path / name).read_text()
    assert {path.name for path in other.data_path.iterdir()} == {
        path.name for path in local.data_path.iterdir()
    }


def test_the_cache_is_used_and_the_config_may_ask_for_beam(in_memory, expected, manual_dir, capfd):
    config = avec_faces.FacesConfig(**{**CONFIG, "name": "again", "beam_options": IN_MEMORY})
    builder = avec_faces.Builder(config=config, data_dir=in_memory.data_path.parents[2])
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=manual_dir)
    )
    # What cannot be read is tried again.
    output = capfd.readouterr().err
    assert "4 videos with Apache Beam" in output
    assert "crops: 1 videos decoded, 3 from the cache" in output
    assert examples(builder) == expected


@pytest.fixture
def spoiled(manual_dir, tmp_path):
    """Makes the folder with its only test video corrupt, too."""
    shutil.copytree(manual_dir, tmp_path / "spoiled")
    spoil(tmp_path / "spoiled", 3)
    return tmp_path / "spoiled"


def test_workers_may_read_a_copy_under_another_name(local, expected, manual_dir, spoiled, tmp_path):
    elsewhere = build(tmp_path, spoiled, videos_url=f"{manual_dir}/", **IN_MEMORY)
    assert elsewhere.info.metadata["fingerprint"] == local.info.metadata["fingerprint"]
    assert examples(elsewhere) == expected


def test_a_split_without_any_crop_names_all_failures(spoiled, tmp_path):
    with pytest.raises(UserError, match=r"^2 of 4 videos gave no crops.*_0001.* \(2 files\)$"):
        build(tmp_path, spoiled, **IN_MEMORY)
    assert not list(tmp_path.glob("avec_faces/mine/*"))


@pytest.mark.parametrize(
    ("raised", "error", "line"),
    [
        ("UserError: cannot write /data/x: disk full", UserError, "Apache Beam: cannot write /"),
        ("SoftwareFault: fault of the software: x", SoftwareFault, "fault of the software: x"),
    ],
)
def test_what_stops_a_worker_is_one_line_of_its_kind(raised, error, line):
    traceback = (
        "Traceback (most recent call last):\n  File 'worker.py', line 1, in process\n"
        f"hmhn_jax.base.errors.{raised} [while running 'Crop']\n"
    )
    made = beam.one_line(RuntimeError(traceback))
    assert type(made) is error
    assert str(made).startswith(line)
    assert "while running" not in str(made)


@pytest.mark.parametrize(("faults", "error"), [(0, UserError), (1, UserError), (2, SoftwareFault)])
def test_who_is_to_blame_for_too_many_failures(faults, error):
    person = Recording(Path("a.mp4"), "a", "someone", "talking", "train", 5.0)
    failed = [CropReport(person, None, failure="x", is_fault=n < faults) for n in range(3)]
    with pytest.raises(error, match=r"^3 of 10 videos gave no crops, allowed are 1 "):
        refuse_failures([*failed, *[CropReport(person, None)] * 7], max_failed_share=0.1)


def test_an_unknown_runner_is_one_line(manual_dir, tmp_path):
    with pytest.raises(UserError, match=r"^Apache Beam: Unexpected pipeline runner: Nobody\."):
        build(tmp_path, manual_dir, runner="Nobody")

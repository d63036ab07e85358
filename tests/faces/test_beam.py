"""Tests of Beam's workers: their reports and software; test_avec_faces_beam compares the crops."""

import dataclasses
import json
import platform

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from etils import epath

from hmhn_jax.base.errors import UserError
from hmhn_jax.faces import beam as crop_pipeline
from hmhn_jax.faces.crop import CropSettings
from hmhn_jax.faces.jobs import crop_videos
from hmhn_jax.faces.report import report

EVERY_FRAME = CropSettings(rate_hz=None)


def run(recordings, records_dir):
    crop = crop_pipeline.CropVideo(len(recordings), EVERY_FRAME, records_dir)
    with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])) as pipeline:
        pipeline | crop_pipeline.crop_split(recordings, crop, records_dir, None)


@pytest.fixture
def records_dir(tmp_path):
    folder = epath.Path(tmp_path / "records")
    folder.mkdir()
    return folder


def test_a_report_of_each_video_comes_back_and_one_detector_finds_all(
    recordings, records_dir, monkeypatch
):
    loaded = []
    load_detector = crop_pipeline.load_detector
    monkeypatch.setattr(
        crop_pipeline, "load_detector", lambda: loaded.append(None) or load_detector()
    )
    run(recordings, records_dir)
    expected = [report(*pair) for pair in crop_videos(recordings, EVERY_FRAME, 1)]
    assert crop_pipeline.read_reports(recordings, records_dir) == expected
    assert len(recordings) > len(loaded) == 1

    # What a worker that was ended, and one that tried a video again, leave behind.
    by_video = {json.loads(file.read_text())["video_id"]: file for file in records_dir.glob("*")}
    first, second, *_ = [by_video[each.video_id] for each in recordings]
    (records_dir / "again.json").write_text(first.read_text())
    (records_dir / "half.json").write_text(second.read_text()[:50])
    assert crop_pipeline.read_reports(recordings, records_dir) == expected
    second.unlink()
    reports = crop_pipeline.read_reports(recordings, records_dir)
    assert reports == [expected[0], *expected[2:]]


def test_a_video_that_only_workers_miss_is_a_failure_that_says_so(recordings, records_dir):
    moved = dataclasses.replace(recordings[0], path=recordings[0].path.with_name("moved.mp4"))
    worker = crop_pipeline.CropVideo(1, EVERY_FRAME, records_dir)
    worker.setup()
    urls = [None, f"{records_dir}/moved.mp4"]
    for url, where in zip(urls, ("its path", urls[1]), strict=True):
        assert list(worker.process((moved, url))) == []
        (each,) = crop_pipeline.read_reports([moved], records_dir)
        assert each.failure == f"no such file at {where} for the worker {platform.node()}"
        next(records_dir.glob("*")).unlink()


def test_a_worker_with_other_software_does_not_start(recordings, records_dir, monkeypatch):
    versions = {**crop_pipeline.VERSIONS, "dlib": "1.0"}
    monkeypatch.setattr(crop_pipeline, "VERSIONS", versions)
    worker = crop_pipeline.CropVideo(1, EVERY_FRAME, records_dir)
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"'dlib': '[^1].* other crops than .*'dlib': '1\.0'} here"):
        worker.setup()

"""Most of any recording is looked at, or it is said how much is not."""

import re

import avec_trees
import numpy as np
import pytest
import workdirs

from benchmarks import timeline_files, timelines
from hmhn_jax.faces.contact_sheet import write_contact_sheet
from hmhn_jax.faces.crop import CropSettings
from hmhn_jax.faces.jobs import crop_videos
from hmhn_jax.faces.media.container import VideoError
from hmhn_jax.faces.media.video import sampled_frames
from hmhn_jax.faces.report import report
from hmhn_jax.prediction import ensemble, predict
from hmhn_jax.recordings.recording import Recording


@pytest.mark.parametrize("number", range(40))
def test_generated_recordings_are_covered(tmp_path, number):
    rng = np.random.default_rng([1, number])
    made = timeline_files.make(rng, tmp_path, number)
    try:
        assert timelines.judged(made, rng) is None, made.about
    except VideoError:
        assert {"cut", "damage"} & {*made.faults}, made.about


def test_what_is_not_covered_is_noticed(tmp_path, monkeypatch):
    made = timeline_files.Made(tmp_path / "a.mkv", 200, 10, ("",), "")
    timeline_files.encode(made.path, "mkv", np.arange(200) / 10, 0, 10, False, False, (), False)
    assert timelines.covered(made, 1, 120) == (1, ())

    def first_half(*arguments):
        return sampled_frames(*arguments, end_s=10)

    monkeypatch.setattr(timelines, "sampled_frames", first_half)
    share, _ = timelines.covered(made, 1, 120)
    assert share < 0.7
    assert "covered" in timelines.judged(made, np.random.default_rng(0))


def test_a_damaged_stretch_is_said_and_the_rest_read(tmp_path):
    path = tmp_path / "a.mp4"
    timeline_files.encode(path, "mp4", np.arange(300) / 10, 0, 10, True, False, (), False)
    data = bytearray(path.read_bytes())
    start, end = data.index(b"mdat") + 4, data.index(b"moov")
    first, last = (start + int((end - start) * share) for share in (0.3, 0.6))
    data[first:last] = bytes(last - first)
    path.write_bytes(data)
    frames = sampled_frames(path, 1, 120)
    times = [frame.time_s for frame in frames]
    assert times[-1] > 28
    (note,) = frames.notes
    missed, whole = map(float, re.match(r"([\d.]+) of ([\d.]+) s could not be", note).groups())
    assert whole == pytest.approx(30, abs=0.3)
    assert missed == pytest.approx(30 - len(times), abs=3)


@pytest.fixture
def damaged(tmp_path):
    """A rendered face of twelve seconds, of which some in the middle cannot be decoded."""
    path = avec_trees.write(tmp_path / "damaged.mp4", avec_trees.frames(0) * 4)
    data = bytearray(path.read_bytes())
    start, end = data.index(b"mdat") + 4, data.index(b"moov")
    first, last = (start + int((end - start) * share) for share in (0.4, 0.7))
    data[first:last] = bytes(last - first)
    path.write_bytes(data)
    return path


def test_predict_says_what_was_not_read(damaged, tmp_path):
    config = workdirs.tiny_config()
    members = ensemble.restore(config, [workdirs.make(tmp_path / "run", config)])
    (made,) = predict.predict_files(members, [damaged], 8, num_processes=1)
    assert made.score is not None
    assert made.duration_s == pytest.approx(12, abs=0.3)
    assert any("s could not be decoded: damaged?" in warning for warning in made.warnings)


def test_a_build_says_what_was_not_read(damaged, tmp_path):
    recording = Recording(damaged, "damaged", "1", "any", "train", 5)
    settings = CropSettings()
    for cached in (False, True):
        ((_, crops),) = crop_videos([recording], settings, 1, tmp_path / "cache")
        assert crops.from_cache == cached
        made = report(recording, crops)
        (note,) = made.summary()["warnings"]
        assert "s could not be decoded: damaged?" in note
    write_contact_sheet(tmp_path / "sheet.html", "title", [made])
    assert note in (tmp_path / "sheet.html").read_text()

import dataclasses
import hashlib
import os
import shutil
import subprocess
import sys
import time

import pytest

from hmhn_jax.base.errors import SoftwareFault, UserError
from hmhn_jax.faces import crop as crops
from hmhn_jax.faces.crop import CropFailure, CropSettings, VideoCrops
from hmhn_jax.faces.jobs import crop_videos
from hmhn_jax.recordings.recording import Recording

EVERY_FRAME = CropSettings(rate_hz=None)


def recording_of(path):
    return Recording(path, path.stem, "someone", "talking", "train", 5.0)


def plain(result):
    """Converts a result so that == compares it, arrays included."""
    if isinstance(result, CropFailure):
        return result
    return [
        (*dataclasses.astuple(dataclasses.replace(crop, eyes=None)), crop.eyes.tolist())
        for crop in result.crops
    ]


def test_bad_videos_are_reported_and_the_others_kept(recordings, faceless_video, tmp_path):
    empty = tmp_path / "empty.mp4"
    empty.touch()
    missing = tmp_path / "missing.mp4"
    videos = [
        recordings[0],
        recording_of(empty),
        recordings[1],
        recording_of(faceless_video),
        recording_of(missing),
        recordings[2],
    ]
    outcomes = list(crop_videos(videos, EVERY_FRAME, num_processes=2))

    assert [recording for recording, _ in outcomes] == videos
    results = [result for _, result in outcomes]
    for good in (0, 2, 5):
        assert isinstance(results[good], VideoCrops)
        assert len(results[good].crops) == 6
    assert results[1] == CropFailure("the file is empty (0 bytes)", hashlib.sha256().hexdigest())
    assert results[3].reason == "no face found in any of 3 sampled frames"
    assert results[3].sha256 == hashlib.sha256(faceless_video.read_bytes()).hexdigest()
    assert results[4] == CropFailure("no such file", None)


def test_parts_of_one_file_are_videos_of_their_own(recordings, tmp_path):
    whole = recordings[0]  # frames at 0, 0.25, ..., 1.25 s
    parts = [(0.0, None), (0.0, 0.5), (0.5, 60.0), (9.0, None)]
    videos = [dataclasses.replace(whole, start_s=start, end_s=end) for start, end in parts]
    for from_cache in (False, True):
        results = [each for _, each in crop_videos(videos, EVERY_FRAME, 1, tmp_path)]
        indices = [[crop.frame_index for crop in each.crops] for each in results[:3]]
        assert indices == [[0, 1, 2, 3, 4, 5], [0, 1], [2, 3, 4, 5]]
        assert [crop.time_s for crop in results[2].crops] == [0.5, 0.75, 1.0, 1.25]
        assert "ends at 60 s, the video at 1.5 s" in " ".join(results[2].notes)
        assert results[1].notes == ()
        assert "no frames from 9 s on" in results[3].reason
        assert all(each.from_cache is from_cache for each in results[:3])


def test_any_number_of_processes_gives_the_same(recordings):
    one, two = [
        [plain(result) for _, result in crop_videos(recordings, EVERY_FRAME, number)]
        for number in (1, 2)
    ]
    assert one == two


@pytest.fixture
def trips_over(monkeypatch):
    """Makes decoding of these paths raise what no video can cause; returns the paths tried."""

    def install(paths):
        real, tried = crops.sampled_frames, []

        def trip(path, *args):
            tried.append(path)
            if path in paths:
                raise KeyError(f"surprise {len(tried)}")
            return real(path, *args)

        monkeypatch.setattr(crops, "sampled_frames", trip)
        return tried

    return install


def test_a_strange_error_costs_its_own_video_only(recordings, trips_over):
    trips_over([recordings[0].path, recordings[2].path])
    outcomes = crop_videos(recordings[:4], EVERY_FRAME, num_processes=1)
    first, second, third, fourth = (result for _, result in outcomes)
    assert first.is_fault
    assert first.reason.startswith("fault of the software: KeyError: 'surprise 1' (test_jobs.py")
    assert third.is_fault
    assert isinstance(second, VideoCrops)
    assert isinstance(fourth, VideoCrops)


def copies_of(path, folder, count):
    """Makes recordings with the same pictures: a byte after an mp4's end is ignored."""
    made = []
    for number in range(count):
        copy = folder / f"{number}.mp4"
        copy.write_bytes(path.read_bytes() + b"\0\0\0\x09free" + bytes([number]))
        made.append(recording_of(copy))
    return made


@pytest.mark.parametrize(("count", "tried_at_most"), [(1, 1), (2, 2), (8, 3)])
def test_a_fault_on_all_of_the_first_videos_ends_the_work(
    recordings, tmp_path, trips_over, count, tried_at_most
):
    videos = copies_of(recordings[0].path, tmp_path, count)
    tried = trips_over([each.path for each in videos])
    line = rf"^fault of the software: KeyError: 'surprise 1' .*; {tried_at_most} of {count} files "
    with pytest.raises(SoftwareFault, match=line) as caught:
        list(crop_videos(videos, EVERY_FRAME, num_processes=1))
    assert len(tried) == tried_at_most
    assert str(videos[0].path) in str(caught.value)
    assert f"av {crops.SOFTWARE['av']}" in str(caught.value)


def test_what_was_cropped_by_an_earlier_run_does_not_hide_a_fault(recordings, tmp_path, trips_over):
    (tmp_path / "videos").mkdir()
    videos = copies_of(recordings[0].path, tmp_path / "videos", 6)
    list(crop_videos(videos[:2], EVERY_FRAME, 1, tmp_path / "cache"))
    trips_over([each.path for each in videos])
    with pytest.raises(SoftwareFault, match="3 of 6 files met a fault"):
        list(crop_videos(videos, EVERY_FRAME, 1, tmp_path / "cache"))


def test_unreadable_videos_are_no_fault_however_many(tmp_path):
    videos = []
    for number in range(6):
        path = tmp_path / f"{number}.mp4"
        path.write_text("no video")
        videos.append(recording_of(path))
    results = [result for _, result in crop_videos(videos, EVERY_FRAME, num_processes=1)]
    assert not any(result.is_fault for result in results)


def summary(pairs):
    """Returns (whether it came from the cache, its kind) of each result."""
    return [(result.from_cache, plain(result)) for _, result in pairs]


def test_a_second_run_decodes_nothing(recordings, faceless_video, tmp_path, monkeypatch):
    videos = [*recordings, recording_of(faceless_video)]
    first = summary(crop_videos(videos, EVERY_FRAME, 1, tmp_path / "cache"))
    assert not any(from_cache for from_cache, _ in first)

    def refuse(*args):
        raise AssertionError("decoded")

    monkeypatch.setattr(crops, "sampled_frames", refuse)
    second = summary(crop_videos(videos, EVERY_FRAME, 1, tmp_path / "cache"))
    assert all(from_cache for from_cache, _ in second)
    assert [result for _, result in second] == [result for _, result in first]
    assert second[-1][1].reason == "no face found in any of 3 sampled frames"


def test_other_settings_or_content_decode_again(recordings, tmp_path):
    def from_cache(recording, settings=EVERY_FRAME):
        ((_, result),) = crop_videos([recording], settings, 1, tmp_path / "cache")
        return result.from_cache

    assert not from_cache(recordings[0])
    assert from_cache(recordings[0])
    assert not from_cache(recordings[0], CropSettings(rate_hz=None, size=112))
    moved = tmp_path / "moved.mp4"
    shutil.copy(recordings[0].path, moved)
    assert from_cache(recording_of(moved))  # only the content counts
    shutil.copy(recordings[1].path, moved)
    assert not from_cache(recording_of(moved))


def test_a_damaged_entry_is_made_again(recordings, tmp_path):
    def run():
        return summary(crop_videos(recordings[:2], EVERY_FRAME, 1, tmp_path))

    first = run()
    damaged, _ = sorted(tmp_path.glob("*.crops"))
    sound = damaged.read_bytes()
    damaged.write_bytes(sound[:-100])
    second = run()
    assert sorted(from_cache for from_cache, _ in second) == [False, True]
    assert [result for _, result in second] == [result for _, result in first]
    assert damaged.read_bytes() == sound


def test_an_unreadable_video_is_tried_again(recordings, tmp_path):
    # The disk may have been to blame.
    path = tmp_path / "a.mp4"
    path.write_bytes(recordings[0].path.read_bytes()[:-500])
    for _ in range(2):
        ((_, result),) = crop_videos([recording_of(path)], EVERY_FRAME, 1, tmp_path / "cache")
        assert result.reason.startswith("not a readable video")
        assert not result.from_cache


def test_a_cache_that_cannot_be_written_ends_in_one_line(recordings, tmp_path):
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(UserError, match=r"cannot write .*cache"):
        list(crop_videos(recordings[:1], EVERY_FRAME, 1, tmp_path / "cache"))


@pytest.mark.parametrize("num_processes", [1, 2])
def test_goes_on_after_being_killed(recordings, tmp_path, num_processes):
    cache = tmp_path / "cache"
    videos = copies_of(recordings[0].path, tmp_path, 12)
    whole = summary(crop_videos(videos, EVERY_FRAME, 2))

    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nfrom pathlib import Path\n"
        "from hmhn_jax.faces.jobs import crop_videos\n"
        "from hmhn_jax.faces.crop import CropSettings\n"
        "from hmhn_jax.recordings.recording import Recording\n"
        "folder = Path(sys.argv[1])\n"
        "videos = [Recording(folder / f'{n}.mp4', '', '', '', 'train', 0) for n in range(12)]\n"
        "settings = CropSettings(rate_hz=None)\n"
        "for pair in crop_videos(videos, settings, int(sys.argv[2]), folder / 'cache'):\n"
        "    pass\n"
    )
    process = subprocess.Popen(
        [sys.executable, program, tmp_path, str(num_processes)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    while len(list(cache.glob("[!.]*.crops"))) < 3:
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.wait()
    time.sleep(1)  # its processes end on their own
    num_finished = len(list(cache.glob("[!.]*.crops")))
    assert 3 <= num_finished < 12

    again = summary(crop_videos(videos, EVERY_FRAME, num_processes, cache))
    assert [from_cache for from_cache, _ in again].count(True) == num_finished
    assert [result for _, result in again] == [result for _, result in whole]

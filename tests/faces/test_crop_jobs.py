import dataclasses
import hashlib

from hmhn_jax.faces import crops
from hmhn_jax.faces.crop_jobs import crop_videos
from hmhn_jax.faces.crops import CropFailure, CropSettings, VideoCrops
from hmhn_jax.faces.recordings import Recording

EVERY_FRAME = CropSettings(rate_hz=None)


def recording_of(path):
    return Recording(path, path.stem, "someone", "talking", "train", 5.0)


def plain(result):
    """A result that == compares, arrays and all."""
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


def test_any_number_of_processes_gives_the_same(recordings):
    one, two = [
        [plain(result) for _, result in crop_videos(recordings, EVERY_FRAME, number)]
        for number in (1, 2)
    ]
    assert one == two


def test_an_unforeseen_error_is_a_failure_that_says_where(recordings, monkeypatch):
    def trip(*args):
        raise KeyError("surprise")

    monkeypatch.setattr(crops, "sampled_frames", trip)
    ((_, result),) = crop_videos(recordings[:1], EVERY_FRAME, num_processes=1)
    assert result.reason.startswith("KeyError: 'surprise' (test_crop_jobs.py:")

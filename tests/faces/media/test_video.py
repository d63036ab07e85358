import tracemalloc

import av
import numpy as np
import pytest

from hmhn_jax.faces.media import video
from hmhn_jax.faces.media.video import VideoError, sampled_frames

GRAY_STEP = 4  # gray values between one flat frame and the next, so that encoding cannot mix them


def flat_frames(count, height=48, width=64):
    """Makes frames of one gray each; `numbers` reads their number from the gray."""
    return [np.full((height, width, 3), 20 + GRAY_STEP * i, np.uint8) for i in range(count)]


def numbers(frames):
    return [round((float(frame.rgb.mean()) - 20) / GRAY_STEP) for frame in frames]


def test_gives_every_frame_without_a_rate(write_video):
    path = write_video("a.mp4", flat_frames(5), [0, 0.1, 0.2, 0.3, 0.4])
    frames = list(sampled_frames(path))
    assert numbers(frames) == [0, 1, 2, 3, 4]
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert all(frame.rgb.dtype == np.uint8 for frame in frames)


def test_samples_a_constant_rate(write_video):
    path = write_video("a.mp4", flat_frames(30), np.arange(30) / 30)
    assert numbers(sampled_frames(path, rate_hz=10)) == list(range(0, 30, 3))


@pytest.mark.parametrize("fps", [30, 29.97, 24])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_sampling_at_the_frame_rate_gives_every_frame(write_video, name, fps):
    # Matroska rounds times to milliseconds.
    path = write_video(name, flat_frames(50), np.arange(50) / fps)
    assert numbers(sampled_frames(path, rate_hz=fps)) == list(range(50))


def test_samples_a_variable_rate_by_time(write_video):
    rng = np.random.default_rng(0)
    times = np.round(np.cumsum(rng.uniform(0.01, 0.15, 50)), 3)
    times -= times[0]
    path = write_video("a.mp4", flat_frames(50), times)

    expected = []
    for due in np.arange(0, times[-1], 0.25):
        first_after = int(np.argmax(times >= due - 1e-3))
        if first_after not in expected:
            expected.append(first_after)
    frames = list(sampled_frames(path, rate_hz=4))
    assert numbers(frames) == expected
    assert [frame.index for frame in frames] == expected
    assert [frame.time_s for frame in frames] == pytest.approx(times[expected], abs=1e-3)


def test_time_starts_at_the_first_frame(write_video):
    path = write_video("a.mkv", flat_frames(3), [7.0, 7.5, 8.0])
    assert [frame.time_s for frame in sampled_frames(path)] == pytest.approx([0, 0.5, 1.0])


def test_limited_frames_spread_over_the_whole_video(write_video):
    path = write_video("a.mp4", flat_frames(40), np.arange(40) / 10)
    assert numbers(sampled_frames(path, rate_hz=10, max_frames=4)) == [0, 10, 20, 30]
    assert numbers(sampled_frames(path, max_frames=4)) == [0, 10, 20, 30]
    assert numbers(sampled_frames(path, rate_hz=0.5, max_frames=4)) == [0, 20]


@pytest.mark.parametrize(
    ("part", "rate_hz", "max_frames", "expected"),
    [
        ((1, 3), None, None, range(10, 30)),
        ((1, 3), 5, None, range(10, 30, 2)),
        ((1, 3), 10, 4, [10, 15, 20, 25]),
        ((1.25, 3), 2, None, [13, 18, 23, 28]),
        ((3, None), 10, 5, [30, 32, 34, 36, 38]),
        ((3, 60), 10, 5, [30, 32, 34, 36, 38]),
        ((0, 0.35), None, None, range(4)),
    ],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_samples_a_part(write_video, name, part, rate_hz, max_frames, expected):
    path = write_video(name, flat_frames(40), 5 + np.arange(40) / 10)
    start_s, end_s = part
    frames = list(sampled_frames(path, rate_hz, max_frames, start_s=start_s, end_s=end_s))
    assert numbers(frames) == [*expected]
    assert [frame.index for frame in frames] == [*expected]
    assert [frame.time_s for frame in frames] == pytest.approx(np.array(expected) / 10, abs=2e-3)


def test_refuses_a_part_after_the_end(write_video):
    path = write_video("a.mp4", flat_frames(40), np.arange(40) / 10)
    with pytest.raises(VideoError, match=r"no frames from 10 to 20 s; its last is at 3\.9 s"):
        list(sampled_frames(path, 1, 5, start_s=10, end_s=20))
    with pytest.raises(VideoError, match=r"no frames from 10 s on; its last is at 3\.9 s"):
        list(sampled_frames(path, start_s=10))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
@pytest.mark.parametrize("rate_hz", [3, 7.5, 29])
def test_what_is_not_decoded_changes_nothing(write_video, name, rate_hz):
    rng = np.random.default_rng(0)
    frames = list(rng.integers(0, 256, (60, 48, 64, 3), dtype=np.uint8))
    path = write_video(name, frames, np.arange(60) / 30)
    every = {frame.index: frame for frame in sampled_frames(path)}
    assert len(every) == 60
    sampled = list(sampled_frames(path, rate_hz))
    assert len(sampled) == pytest.approx(2 * rate_hz, abs=1)
    for frame in sampled:
        assert frame.time_s == every[frame.index].time_s
        assert np.array_equal(frame.rgb, every[frame.index].rgb)


def test_passes_over_frames_that_no_other_needs(write_video, monkeypatch):
    path = write_video("a.mp4", flat_frames(50), np.arange(50) / 30)
    decoded = []

    def spied(self, frames=video._Decoder.frames):
        for each in frames(self):
            decoded.append(each)
            yield each

    monkeypatch.setattr(video._Decoder, "frames", spied)
    assert len(list(sampled_frames(path, rate_hz=2))) == 4
    assert len(decoded) < 35


def test_reads_odd_sizes(write_video):
    frames = flat_frames(2, height=479, width=641)
    path = write_video("a.mp4", frames, [0, 0.1], pix_fmt="yuv444p")
    for frame in sampled_frames(path):
        assert frame.rgb.shape == (479, 641, 3)
        assert frame.rgb.flags.c_contiguous


def test_turns_a_phone_video_upright(write_video, flag_as_turned):
    frame = np.zeros((48, 64, 3), np.uint8)
    frame[:24] = 255  # white above
    path = write_video("a.mp4", [frame], [0])
    flag_as_turned(path, (0, 1, -1, 0, 0, 0))

    (turned,) = sampled_frames(path)
    assert turned.rgb.shape == (64, 48, 3)
    assert turned.rgb[:, 24:].mean() > 240  # turned clockwise, what was above is on the right
    assert turned.rgb[:, :24].mean() < 15
    assert turned.rgb.flags.c_contiguous


def test_holds_one_frame_at_a_time(write_video):
    path = write_video("a.mp4", flat_frames(50, 240, 320), np.arange(50) / 30)
    tracemalloc.start()
    for _ in sampled_frames(path):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * 240 * 320 * 3


def test_gives_the_start_of_a_file_that_ends_too_early(write_video):
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(60)]
    path = write_video("a.mkv", frames, np.arange(60) / 30)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    indices = [frame.index for frame in sampled_frames(path)]
    assert 10 < len(indices) < 60
    assert indices == list(range(len(indices)))


def test_skips_corrupt_frames(write_video):
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(60)]
    path = write_video("a.mp4", frames, np.arange(60) / 30)
    content = bytearray(path.read_bytes())
    for place in rng.integers(len(content) // 4, len(content) * 3 // 4, 20):
        content[place] ^= 0x5A
    path.write_bytes(content)
    decoded = list(sampled_frames(path))
    assert 10 < len(decoded) < 60
    assert decoded[-1].time_s > 1.5  # goes on after what is damaged
    assert all(frame.rgb.shape == (48, 64, 3) for frame in decoded)


def truncated(path):
    """Writes an mp4 without its end, where the index is."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for frame in flat_frames(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    path.write_bytes(path.read_bytes()[:-500])


def audio_only(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        sound = av.AudioFrame.from_ndarray(
            np.zeros((1, 16_000), np.float32), format="fltp", layout="mono"
        )
        sound.sample_rate = 16_000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "no such file"),
        (lambda path: path.touch(), "the file is empty (0 bytes)"),
        (lambda path: path.write_text("not a video\n" * 500), "not a readable video"),
        (lambda path: path.write_bytes(bytes(5000)), "not a readable video"),
        (truncated, "not a readable video"),
        (audio_only, "has no video stream"),
    ],
)
def test_says_in_one_line_why_a_video_is_unreadable(tmp_path, capfd, make, reason):
    path = tmp_path / "bad.mp4"
    make(path)
    with pytest.raises(VideoError) as caught:
        list(sampled_frames(path))
    assert str(caught.value).startswith(f"{path}: {reason}")
    assert caught.value.reason.startswith(reason)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""  # FFmpeg keeps quiet

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.faces import crop as crops
from hmhn_jax.faces.crop import CropSettings, crop_video
from hmhn_jax.faces.detection.align import turn
from hmhn_jax.faces.media.video import VideoError

EVERY_FRAME = CropSettings(rate_hz=None)


def test_crops_each_sampled_frame(recordings, detector):
    path = recordings[0].path
    result = crop_video(path, EVERY_FRAME, detector)
    assert [crop.frame_index for crop in result.crops] == list(range(6))
    assert [crop.time_s for crop in result.crops] == pytest.approx(np.arange(6) / 4)
    assert result.num_sampled == 6
    assert result.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    for crop in result.crops:
        image = cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (224, 224, 3)


def test_follows_its_settings(recordings, detector):
    settings = CropSettings(size=64, rate_hz=2, max_frames_per_video=2)
    result = crop_video(recordings[0].path, settings, detector)
    assert [crop.frame_index for crop in result.crops] == [0, 3]
    image = cv2.imdecode(np.frombuffer(result.crops[0].jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (64, 64, 3)


def test_jpeg_keeps_red_red():
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 255
    bgr = cv2.imdecode(np.frombuffer(crops._encode_jpeg(red, 95), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_allclose(bgr[16, 16], [0, 0, 255], atol=3)


def test_a_video_without_a_face_fails(faceless_video, detector):
    with pytest.raises(VideoError, match="no face found in any of 3 sampled frames"):
        crop_video(faceless_video, EVERY_FRAME, detector)


@pytest.mark.parametrize(
    ("quarter_turns", "matrix"),
    [(1, (0, 1, -1, 0, 0, 0)), (3, (0, -1, 1, 0, 0, 0))],
)
def test_a_video_flagged_as_turned_gives_upright_crops(
    people, detector, write_video, flag_as_turned, quarter_turns, matrix
):
    times = np.arange(4) / 4
    upright = write_video("upright.mp4", people[0][:4], times)
    lying = [turn(frame, quarter_turns) for frame in people[0][:4]]
    flagged = write_video("flagged.mp4", lying, times)
    flag_as_turned(flagged, matrix)
    expected = crop_video(upright, EVERY_FRAME, detector).crops
    found = crop_video(flagged, EVERY_FRAME, detector).crops
    assert [crop.frame_index for crop in found] == [0, 1, 2, 3]  # none is missed at first
    for crop, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(crop.eyes, other.eyes, atol=3)


def looped(path, clip, times):
    """Writes the clip's packets again and again, without encoding them again."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.pts is not None]
        length = sum(packet.duration for packet in packets)
        stamps = [(packet.pts, packet.dts) for packet in packets]
        for turn_number in range(times):
            for packet, (pts, dts) in zip(packets, stamps, strict=True):
                packet.pts, packet.dts = pts + turn_number * length, dts + turn_number * length
                packet.stream = stream
                container.mux(packet)
    return path


def peak_memory(video):
    """Returns the peak memory, in megabytes, of a program that crops this video."""
    program = (
        "import re, sys; from pathlib import Path\n"
        "from hmhn_jax.faces import crop\n"
        "from hmhn_jax.faces.detection import detector\n"
        "result = crop.crop_video(\n"
        "    Path(sys.argv[1]), crop.CropSettings(), detector.load_detector())\n"
        # Not getrusage: its maximum starts with the memory of the process that started this one.
        "status = Path('/proc/self/status').read_text()\n"
        "peak = int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) / 1024\n"
        "print(len(result.crops), result.crops[-1].time_s, peak)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, video],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(number) for number in finished.stdout.split()]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="read from Linux's /proc")
def test_memory_does_not_grow_with_the_length_of_a_video(people, write_video, tmp_path):
    small = [cv2.resize(frame, (384, 288), interpolation=cv2.INTER_AREA) for frame in people[0]]
    frames = (small + small[::-1]) * 10
    clip = write_video("clip.mp4", frames[:100], np.arange(100) / 5)  # 20 s
    num_crops, end, short = peak_memory(clip)
    assert (num_crops, end) == (20, 19)
    num_crops, end, long = peak_memory(looped(tmp_path / "long.mp4", clip, 30))  # 600 s
    assert num_crops == 120
    assert end == pytest.approx(595, abs=10)
    assert long < 1.25 * short


@pytest.mark.parametrize(
    ("field", "value"),
    [("rate_hz", 0), ("rate_hz", "2"), ("size", 0), ("max_frames_per_video", 0), ("padding", None)],
)
def test_impossible_settings_are_refused(field, value):
    with pytest.raises(UserError, match=f"crops: {field} must be a number"):
        CropSettings(**{field: value})

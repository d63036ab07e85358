"""Tests of timelines: every part of a recording is sampled, whatever its times are."""

import struct

import av
import numpy as np
import pytest

from hmhn_jax.faces.media.probe import probe
from hmhn_jax.faces.media.timeline import read_timeline
from hmhn_jax.faces.media.video import sampled_frames
from tests.faces.media.test_video import flat_frames, numbers


@pytest.fixture
def joined(write_video):
    """Joins two transport streams in one file, the second longer: frames 0 to 19 and 20 to 49."""
    first = write_video("a.ts", flat_frames(20), np.arange(20) / 10)
    second = write_video("b.ts", flat_frames(50)[20:], np.arange(30) / 10)
    first.write_bytes(first.read_bytes() + second.read_bytes())
    return first


def test_joined_recordings_follow_each_other(joined):
    frames = list(sampled_frames(joined))
    found = numbers(frames)
    assert found == sorted(found)
    assert len({*range(50)} - {*found}) <= 2  # the decoder may lose some where they meet
    times = np.array([frame.time_s for frame in frames])
    assert (np.diff(times) > 0).all()
    assert times[-1] == pytest.approx(4.9, abs=0.2)
    assert "go back or jump once" in read_timeline(joined).notes[0]


def test_a_limit_of_frames_spreads_over_all_parts(joined):
    found = numbers(sampled_frames(joined, rate_hz=10, max_frames=10))
    assert len(found) >= 9
    assert np.diff(found).max() <= 7
    assert found[-1] >= 43


@pytest.mark.parametrize("claimed_s", [1.0, 60.0, None])
def test_a_wrong_length_or_none_is_found_out(write_video, claimed_s):
    path = write_video("a.mkv", flat_frames(50), np.arange(50) / 10)
    true = probe(path).duration_s
    content = path.read_bytes()
    at = content.index(b"\x44\x89\x88")  # Duration, a double, in milliseconds
    changed = b"\xec\x89" + bytes(9)  # an element of nothing
    if claimed_s is not None:
        changed = content[at : at + 3] + struct.pack(">d", 1000 * claimed_s)
    path.write_bytes(content[:at] + changed + content[at + 11 :])

    header = probe(path)
    assert header.duration_s == pytest.approx(true, abs=0.15)
    said = [] if claimed_s is None else [f"the file claims {claimed_s:.0f} s, its frames last 5 s"]
    assert list(header.notes) == said
    found = numbers(sampled_frames(path, max_frames=10))
    assert found == list(range(0, 50, 5))


def test_times_that_stand_still(write_video):
    path = write_video("a.mp4", flat_frames(50), np.arange(50) / 10, bf="0")
    still = path.with_suffix(".mkv")
    with av.open(str(path)) as source, av.open(str(still), "w") as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.pts = packet.dts = 0
                packet.stream = stream
                copy.mux(packet)
    path = still
    assert "stand still" in read_timeline(path).notes[0]
    found = numbers(sampled_frames(path, max_frames=10))
    assert len(found) >= 9
    assert found[-1] >= 40


def test_a_jump_far_ahead_is_closed(write_video):
    times = np.concatenate([np.arange(25) / 10, 90_000 + np.arange(25) / 10])
    path = write_video("a.mkv", flat_frames(50), times)
    frames = list(sampled_frames(path, rate_hz=10))
    assert numbers(frames) == list(range(50))
    assert frames[-1].time_s == pytest.approx(4.9, abs=0.01)
    assert numbers(sampled_frames(path, max_frames=10)) == list(range(0, 50, 5))


def test_a_pause_of_a_minute_is_a_pause(write_video):
    times = np.concatenate([np.arange(20) / 10, 50 + np.arange(20) / 10])
    path = write_video("a.mkv", flat_frames(40), times)
    (note,) = read_timeline(path).notes
    assert note == "for 48 of 52 s it has no frames: damaged?"
    assert list(sampled_frames(path))[-1].time_s == pytest.approx(51.9, abs=0.01)


def test_the_first_decoding_times_may_be_missing(write_video):
    """Matroska has none; they are guessed from the third packet on."""
    path = write_video("a.mkv", flat_frames(50), np.arange(50) / 2, bf="3")
    with av.open(str(path)) as container:
        assert next(container.demux(video=0)).dts is None
    timeline = read_timeline(path)
    assert timeline.notes == ()
    assert not timeline.is_moved
    assert not timeline.counted.any()

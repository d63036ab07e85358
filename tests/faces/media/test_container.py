"""Tests of opening videos: no other file is opened, and memory is bounded."""

import io
import os
import resource
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from av.stream import Disposition

from hmhn_jax.faces.media.container import VideoError, open_video
from hmhn_jax.faces.media.probe import probe
from hmhn_jax.faces.media.video import sampled_frames

PLAYLISTS = {
    "ffconcat": "ffconcat version 1.0\nfile real.mp4\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nreal.mp4\n#EXT-X-ENDLIST\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
}


@pytest.fixture
def real(write_video):
    return write_video("real.mp4", [np.full((48, 64, 3), 99, np.uint8)] * 3, [0, 0.1, 0.2])


def encoded(codec, pix_fmt, container_format="avi", metadata=None):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container_format) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 64, 48, pix_fmt
        for gray in (50, 90):
            image = np.full((48, 64, 3), gray, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


@pytest.mark.parametrize("name", PLAYLISTS)
@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".m3u8"])
def test_a_playlist_is_no_video(real, name, suffix):
    path = real.with_name(f"list{suffix}")
    path.write_text(PLAYLISTS[name])
    with pytest.raises(VideoError, match=rf"list{suffix}: not a readable video"):
        list(sampled_frames(path))


def test_ffmpeg_alone_would_follow_a_list(real):
    # What the test above is about; when this fails, FFmpeg has become more careful.
    path = real.with_name("list.mp4")
    path.write_text(PLAYLISTS["ffconcat"])
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) == 3


def test_a_relative_name_is_no_protocol(real, monkeypatch):
    monkeypatch.chdir(real.parent)
    os.link("real.mp4", "concat:real.mp4|real.mp4")
    with open_video("concat:real.mp4|real.mp4") as (container, _):
        assert container.name == str(real.parent / "concat:real.mp4|real.mp4")


@pytest.mark.parametrize("side", [10_000, 60_000])
@pytest.mark.parametrize(("codec", "pix_fmt"), [("rawvideo", "bgr24"), ("mjpeg", "yuvj420p")])
def test_huge_claimed_frames_are_refused(tmp_path, codec, pix_fmt, side):
    content = bytearray(encoded(codec, pix_fmt))
    path = tmp_path / "bomb.avi"
    path.write_bytes(content)
    assert probe(path).width == 64  # sound before

    at = content.index(b"strf") + 12
    width, height = struct.unpack("<ii", content[at : at + 8])
    assert (width, abs(height)) == (64, 48)  # negative where the first row is at the top
    content[at : at + 8] = struct.pack("<ii", side, side)
    at = 0
    while (at := content.find(b"\xff\xc0", at)) >= 0:  # in each picture of the second one, too
        content[at + 5 : at + 9] = struct.pack(">HH", side, side)
        at += 2
    path.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(VideoError, match=r"bomb.avi: none of .*: they claim no size, or too large"):
        probe(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def test_titles_may_be_in_any_encoding(tmp_path):
    content = encoded("mpeg4", "yuv420p", metadata={"title": "Zoe"})
    path = tmp_path / "a.avi"
    path.write_bytes(content.replace(b"Zoe", b"Zo\xeb"))
    assert len(list(sampled_frames(path))) == 2
    assert probe(path).height == 48


def test_a_name_that_no_file_can_have():
    with pytest.raises(VideoError, match="no such file"):
        probe("a\0b.mp4")


def write_tracks(path, grays, default):
    """Writes several video tracks, each of one gray; only the number `default` is a default one."""
    with av.open(str(path), "w") as container:
        streams = []
        for number in range(len(grays)):
            stream = container.add_stream("mpeg4", rate=Fraction(4))
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.disposition = Disposition.default if number == default else 0
            streams.append(stream)
        for _ in range(3):
            for stream, gray in zip(streams, grays, strict=True):
                image = np.full((48, 64, 3), gray, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        for stream in streams:
            container.mux(stream.encode())


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("default", [0, 1, 2])
def test_of_several_tracks_the_default_one_is_taken_and_that_is_said(tmp_path, suffix, default):
    path = tmp_path / f"a{suffix}"
    write_tracks(path, [40, 120, 200], default)
    frames = sampled_frames(path)
    first, _, _ = frames
    assert np.abs(first.rgb.astype(int) - [40, 120, 200][default]).max() < 9
    note = f"has 3 video tracks: only number {default + 1}, which players show, was taken"
    assert probe(path).notes == frames.notes == (note,)


def test_one_track_is_not_spoken_of(real):
    assert probe(real).notes == ()

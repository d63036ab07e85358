import numpy as np
import pytest

from hmhn_jax.faces.media.probe import probe
from hmhn_jax.faces.media.video import VideoError


def test_says_what_the_file_says(write_video):
    frames = [np.zeros((48, 65, 3), np.uint8)] * 30
    header = probe(write_video("a.mp4", frames, np.arange(30) / 10, pix_fmt="yuv444p"))
    assert header.duration_s == pytest.approx(3, abs=0.2)
    assert header.fps == pytest.approx(10, rel=0.1)
    assert (header.width, header.height, header.codec) == (65, 48, "h264")


def test_refuses_what_is_no_video(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no video")
    with pytest.raises(VideoError, match="not a readable video"):
        probe(path)

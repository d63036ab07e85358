"""Test videos: rendered talking faces, and flat frames that can be told apart."""

import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from hmhn_jax.faces.detection.detector import Detector, load_detector
from hmhn_jax.faces.media.video import sampled_frames
from hmhn_jax.recordings.recording import Recording
from hmhn_jax.recordings.synthetic import SyntheticSettings, write_dataset
from hmhn_jax.recordings.tables.labels import read_labels


@pytest.fixture(scope="session")
def recordings(tmp_path_factory) -> list[Recording]:
    """Renders four subjects, six frames each at 4 frames a second."""
    settings = SyntheticSettings(num_train=2, num_validation=1, num_test=1, num_frames=6, fps=4)
    return read_labels(write_dataset(tmp_path_factory.mktemp("faces"), settings, num_processes=2))


@pytest.fixture(scope="session")
def detector() -> Detector:
    return load_detector()


@pytest.fixture
def write_video(tmp_path) -> Callable[..., Path]:
    """Returns a function that encodes frames shown at given times."""

    def write(
        name: str,
        frames: Sequence[np.ndarray],
        times_s: Sequence[float],
        pix_fmt: str = "yuv420p",
        **options: str,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=30, options={"crf": "10"} | options)
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = pix_fmt
            stream.codec_context.time_base = Fraction(1, 90_000)
            for rgb, time_s in zip(frames, times_s, strict=True):
                frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
                frame.time_base = Fraction(1, 90_000)
                frame.pts = round(time_s * 90_000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture
def faceless_video(write_video) -> Path:
    """Writes three frames of noise."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (3, 240, 320, 3), dtype=np.uint8)
    return write_video("faceless.mp4", frames, [0.0, 0.25, 0.5])


@pytest.fixture
def flag_as_turned() -> Callable[[Path, Sequence[int]], None]:
    """Returns a function that flags an mp4 file as rotated.

    Its argument is the matrix (a, b, c, d, x, y) of the container: a player shows the pixel (p, q)
    at (a p + c q + x, b p + d q + y).
    """

    def packed(a, b, c, d, x, y):
        one = 1 << 16
        return struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, x, y, 1 << 30)

    def flag(path: Path, matrix: Sequence[int]) -> None:
        content = path.read_bytes()
        upright = packed(1, 0, 0, 1, 0, 0)
        at = content.index(upright, content.index(b"tkhd"))
        path.write_bytes(content[:at] + packed(*matrix) + content[at + len(upright) :])

    return flag


@pytest.fixture(scope="session")
def people(recordings) -> list[list[np.ndarray]]:
    """Decodes the six frames of each subject."""
    return [[frame.rgb for frame in sampled_frames(each.path)] for each in recordings]

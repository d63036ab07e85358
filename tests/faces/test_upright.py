"""Frames come out as players show them, however they lie in the file."""

import itertools
import struct
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from hmhn_jax.faces.probe import probe
from hmhn_jax.faces.upright import oriented
from hmhn_jax.faces.video import sampled_frames

TURNED = [(0, b, c, 0) for b, c in itertools.product((1, -1), repeat=2)]
ORIENTATIONS = [(a, 0, 0, d) for a, d in itertools.product((1, -1), repeat=2)] + TURNED


@pytest.fixture(scope="module")
def picture():
    """A smooth picture, u8[192, 256, 3], that no turn or mirror leaves as it is."""
    small = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
    return cv2.resize(small, (256, 192), interpolation=cv2.INTER_CUBIC)


def stored(shown, matrix):
    """The picture that a display matrix turns into `shown`, pixel by pixel."""
    a, b, c, d = matrix
    height, width = shown.shape[:2] if a else shown.shape[1::-1]
    rows, columns = np.mgrid[:height, :width]
    x, y = a * columns + c * rows, b * columns + d * rows
    return shown[y - y.min(), x - x.min()]


@pytest.mark.parametrize("matrix", ORIENTATIONS)
def test_all_eight_orientations(picture, matrix):
    scaled = tuple(value * 65536 for value in matrix)
    np.testing.assert_array_equal(oriented(stored(picture, matrix), scaled), picture)


def write(path, image, matrix, ratio):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=4, options={"crf": "5"})
        stream.height, stream.width = image.shape[:2]
        stream.pix_fmt = "yuv444p"
        stream.codec_context.sample_aspect_ratio = ratio
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 4)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    content = path.read_bytes()
    plain = struct.pack(">5i", 1 << 16, 0, 0, 0, 1 << 16)
    a, b, c, d = (value << 16 for value in matrix)
    at = content.index(plain, content.index(b"tkhd"))
    turned = struct.pack(">5i", a, b, 0, c, d)
    path.write_bytes(content[:at] + turned + content[at + len(plain) :])


@pytest.mark.parametrize("ratio", [Fraction(1), Fraction(16, 11), Fraction(8, 9)])
@pytest.mark.parametrize("matrix", ORIENTATIONS)
def test_a_file_shows_the_upright_picture(tmp_path, picture, matrix, ratio):
    lying = stored(picture, matrix)
    height, width = lying.shape[:2]
    # Pixels that are wide or tall, of which there are fewer.
    size = (round(width / ratio), height) if ratio > 1 else (width, round(height * ratio))
    write(tmp_path / "a.mp4", cv2.resize(lying, size, interpolation=cv2.INTER_AREA), matrix, ratio)
    frames = [frame.rgb for frame in sampled_frames(tmp_path / "a.mp4")]
    assert len(frames) == 3
    for rgb in frames:
        assert rgb.flags["C_CONTIGUOUS"]
        assert np.abs(np.subtract(rgb.shape[:2], picture.shape[:2])).max() <= 1
        again = cv2.resize(rgb, picture.shape[1::-1])
        assert np.abs(again.astype(int) - picture).mean() < 4
    header = probe(tmp_path / "a.mp4")
    assert (header.height, header.width) == frames[0].shape[:2]


def test_pixels_of_a_shape_that_no_camera_has_count_as_square(tmp_path, picture):
    write(tmp_path / "a.mp4", picture, (1, 0, 0, 1), Fraction(40))
    assert next(iter(sampled_frames(tmp_path / "a.mp4"))).rgb.shape == picture.shape

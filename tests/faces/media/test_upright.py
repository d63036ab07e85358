"""Tests of display orientation, for every orientation in a file."""

import struct

import cv2
import numpy as np
import pytest

from benchmarks.geometry import ORIENTATIONS, RATIOS, crop_differences, stored, write_video
from hmhn_jax.faces.media.probe import probe
from hmhn_jax.faces.media.upright import oriented
from hmhn_jax.faces.media.video import sampled_frames


@pytest.fixture(scope="module")
def picture():
    """Makes a smooth picture, u8[192, 256, 3], that no rotation or mirroring leaves as it is."""
    small = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
    return cv2.resize(small, (256, 192), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("matrix", ORIENTATIONS)
def test_all_eight_orientations(picture, matrix):
    scaled = tuple(value * 65536 for value in matrix)
    np.testing.assert_array_equal(oriented(stored(picture, matrix), scaled), picture)


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("matrix", ORIENTATIONS)
def test_a_file_shows_the_upright_picture(tmp_path, picture, matrix, ratio):
    write_video(tmp_path / "a.mp4", [picture] * 3, matrix, ratio, crf=5, pix_fmt="yuv444p")
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
    path = tmp_path / "a.mp4"
    write_video(path, [picture])
    content = path.read_bytes()
    path.write_bytes(
        content.replace(struct.pack(">4sII", b"pasp", 1, 1), struct.pack(">4sII", b"pasp", 40, 1))
    )
    assert next(iter(sampled_frames(tmp_path / "a.mp4"))).rgb.shape == picture.shape


def test_crops_are_the_same_however_a_face_lies_in_its_file(people, detector, tmp_path):
    rows = crop_differences([people[0][:3]], detector, tmp_path)
    (noise,) = rows.pop("codec noise").values()
    assert len(rows) == 8
    for row in rows.values():
        assert [len(differences) for differences in row.values()] == [3, 3, 3]
        assert max(differences.mean() for differences in row.values()) < 1.5 * noise.mean()

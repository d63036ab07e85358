"""Tests of reading pictures: upright, or an error of one line."""

import io
import resource
import struct
import zlib

import numpy as np
import pytest
import skimage.data
from PIL import Image

from hmhn_jax.faces.crop import CropSettings, NoFaceError
from hmhn_jax.faces.media.images import crop_image, read_image
from hmhn_jax.faces.media.jpeg import decode_crops
from hmhn_jax.faces.media.video import VideoError

UPSIDE_DOWN = 3  # EXIF: show it turned by 180 degrees


@pytest.fixture(scope="module")
def astronaut():
    return skimage.data.astronaut()


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tif", ".webp"])
def test_pixels_are_those_of_the_file(tmp_path, astronaut, ending):
    path = tmp_path / f"a{ending}"
    Image.fromarray(astronaut).save(path, lossless=True)
    np.testing.assert_array_equal(read_image(path), astronaut)


def test_the_flag_of_a_camera_is_followed(tmp_path, astronaut):
    path = tmp_path / "phone.jpg"
    exif = Image.Exif()
    exif[0x0112] = UPSIDE_DOWN
    Image.fromarray(astronaut[::-1, ::-1]).save(path, exif=exif, quality=95)
    assert np.abs(read_image(path).astype(int) - astronaut).mean() < 4


def test_a_photograph_has_one_crop_with_level_eyes(tmp_path, astronaut, detector):
    path = tmp_path / "a.png"
    Image.fromarray(astronaut).save(path)
    result = crop_image(path, CropSettings(), detector)
    (crop,) = result.crops
    assert (result.num_sampled, crop.frame_index, crop.time_s) == (1, 0, 0.0)
    (left, left_y), (right, right_y) = crop.eyes
    assert 195 < left < 215  # where they are in the photograph
    assert 235 < right < 255
    assert 95 < left_y < 112
    assert 95 < right_y < 112


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_picture_that_lies_is_turned(tmp_path, people, detector, quarter_turns):
    for number, frames in enumerate(people):
        crops = []
        for turns in (0, quarter_turns):
            path = tmp_path / f"{number}-{turns}.png"
            Image.fromarray(np.rot90(frames[0], turns)).save(path)
            (crop,) = crop_image(path, CropSettings(), detector).crops
            crops.append(decode_crops([crop.jpeg], 224))
        assert np.corrcoef(crops[0].ravel(), crops[1].ravel())[0, 1] > 0.98


@pytest.mark.parametrize("ending", [".webp", ".png", ".tif"])
def test_of_several_pictures_the_first_is_taken_and_that_is_said(
    tmp_path, astronaut, detector, ending
):
    images = [Image.fromarray(astronaut), Image.fromarray(astronaut[:, ::-1])]
    for others in ([], images[1:]):
        path = tmp_path / f"{len(others)}{ending}"
        images[0].save(path, save_all=True, append_images=others)
        result = crop_image(path, CropSettings(), detector)
        assert result.is_picture
        assert any("only the first of its pictures" in note for note in result.notes) == bool(
            others
        )


def test_other_faces_are_counted(tmp_path, astronaut, detector):
    for copies in (1, 2):
        path = tmp_path / "a.png"
        Image.fromarray(np.hstack([astronaut] * copies)).save(path)
        assert crop_image(path, CropSettings(), detector).num_crowded == copies - 1


def test_no_face(tmp_path, detector):
    path = tmp_path / "wall.png"
    Image.fromarray(np.full((240, 320, 3), 128, np.uint8)).save(path)
    with pytest.raises(NoFaceError, match=r"wall\.png: no face found") as caught:
        crop_image(path, CropSettings(), detector)
    assert caught.value.num_sampled == 1


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n cut off"])
def test_what_is_no_picture_is_one_line(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=r"a\.png: not a readable picture"):
        read_image(path)
    with pytest.raises(VideoError, match="cannot be read"):
        read_image(tmp_path / "none.png")


def png(width, height):
    """Encodes a few bytes that claim to be a large picture."""
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", body), (b"IDAT", zlib.compress(bytes(999))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def jpeg(width, height):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    content = bytearray(buffer.getvalue())
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(content)


@pytest.mark.parametrize("make", [png, jpeg])
@pytest.mark.parametrize("side", [12_000, 60_000])
@pytest.mark.filterwarnings("error")
def test_huge_claimed_pictures_are_refused(tmp_path, make, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(make(side, side))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(VideoError, match=r"bomb\.png: .* expected at most 134 million"):
        read_image(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def test_only_the_formats_of_the_endings_are_decoded(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"P6 2 2 255\n" + bytes(12))  # OpenCV reads these, and rarer ones, too
    with pytest.raises(VideoError, match="not a readable picture"):
        read_image(path)

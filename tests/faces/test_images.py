"""Pictures: upright, or one line why not."""

import numpy as np
import pytest
import skimage.data
from PIL import Image

from hmhn_jax.faces.crops import CropSettings, NoFaceError
from hmhn_jax.faces.images import crop_image, is_image, read_image
from hmhn_jax.faces.video import VideoError

UPSIDE_DOWN = 3  # EXIF: show it turned by 180 degrees


@pytest.fixture(scope="module")
def astronaut():
    return skimage.data.astronaut()


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tif"])
def test_pixels_are_those_of_the_file(tmp_path, astronaut, ending):
    path = tmp_path / f"a{ending}"
    Image.fromarray(astronaut).save(path)
    np.testing.assert_array_equal(read_image(path), astronaut)
    assert is_image(path)


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

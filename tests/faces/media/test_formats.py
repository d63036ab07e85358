"""Tests of what is a picture and what a video, whatever it is called."""

import shutil

import numpy as np
import pytest
from PIL import Image

from hmhn_jax.base.formats import PICTURE_SUFFIXES, VIDEO_SUFFIXES, is_picture
from hmhn_jax.faces.crop import CropFailure, CropSettings
from hmhn_jax.faces.jobs import crop_file
from hmhn_jax.faces.media.probe import probe


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("name", ["a.png", "a.mp4", "a"])
def test_a_picture_is_one_under_any_name(tmp_path, people, detector, kind, name):
    Image.fromarray(people[0][0]).save(tmp_path / name, kind)
    assert is_picture(tmp_path / name)
    result = crop_file(tmp_path / name, lambda: detector, CropSettings())
    assert result.is_picture
    assert (len(result.crops), result.num_sampled) == (1, 1)
    assert (probe(tmp_path / name).width, probe(tmp_path / name).duration_s) == (640, None)


@pytest.mark.parametrize("name", ["a.jpg", "a.gif", "a"])
def test_a_video_is_one_under_any_name(tmp_path, recordings, detector, name):
    shutil.copy(recordings[0].path, tmp_path / name)
    assert not is_picture(tmp_path / name)
    result = crop_file(tmp_path / name, lambda: detector, CropSettings(rate_hz=None))
    assert not result.is_picture
    assert result.num_sampled == 6


def test_a_gif_that_moves_is_a_video(tmp_path, people, detector):
    first, *others = map(Image.fromarray, people[0])
    first.save(tmp_path / "a.gif", save_all=True, append_images=others, duration=250)
    assert not is_picture(tmp_path / "a.gif")
    result = crop_file(tmp_path / "a.gif", lambda: detector, CropSettings(rate_hz=None))
    assert result.num_sampled == 6


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"text", "not a readable video or picture"), (b"", "the file is empty")],
)
@pytest.mark.parametrize("name", ["a.png", "a.mp4"])
def test_what_is_neither_is_one_line(tmp_path, content, reason, name, detector):
    (tmp_path / name).write_bytes(content)
    result = crop_file(tmp_path / name, lambda: detector, CropSettings())
    assert isinstance(result, CropFailure)
    assert result.reason.startswith(reason)


def test_a_picture_of_a_phone_is_not_a_video_of_its_tiles(tmp_path, write_video, detector):
    path = write_video("a.mov", [np.zeros((48, 64, 3), np.uint8)] * 3, [0, 0.1, 0.2])
    content = path.read_bytes()
    at = content.index(b"ftyp") + 4
    path.write_bytes(content[:at] + b"heic" + content[at + 4 :])
    result = crop_file(path, lambda: detector, CropSettings())
    assert "a picture in HEIF or AVIF" in result.reason


def test_no_ending_is_of_both():
    assert not {*VIDEO_SUFFIXES} & {*PICTURE_SUFFIXES}

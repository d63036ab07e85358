"""Colours come out as on a screen that knows them."""

from fractions import Fraction

import av
import numpy as np
import pytest
import skimage.data

from hmhn_jax.faces.media import upright
from hmhn_jax.faces.media.video import sampled_frames

WEIGHTS = {
    1: (0.2126, 0.0722),
    5: (0.299, 0.114),
    9: (0.2627, 0.0593),
}  # of red and blue, by matrix
BT709_TO_2020 = np.array(
    [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
)
BT709, BT2020, PQ, HLG, BT2020_10 = 1, 9, 16, 18, 14  # as H.273 numbers them


@pytest.fixture(scope="module")
def picture():
    return skimage.data.astronaut()[:256, 128:384]


def light_of_screen(rgb):
    """Returns what a screen shows of usual video, BT.1886; 1 is white."""
    return (rgb / 255) ** 2.4


def light_of_scene(rgb):
    """Undoes the curve of BT.709."""
    value = rgb / 255
    return np.where(value < 0.081, value / 4.5, ((value + 0.099) / 1.099) ** (1 / 0.45))


def pq(linear):
    power = (linear * 203 / 10_000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def hlg(linear):
    # A screen of 1000 cd/m2 shows scene light to the power of 1.2, by luminance.
    shown = linear * 0.203
    luminance = shown @ [0.2627, 0.6780, 0.0593]
    scene = shown * np.maximum(luminance, 1e-9)[..., None] ** (1 / 1.2 - 1)
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


def bt709(linear):
    return np.where(linear < 0.018, 4.5 * linear, 1.099 * np.maximum(linear, 0) ** 0.45 - 0.099)


def write(path, rgb, matrix, tags=(), full_range=False):
    """Encodes three frames of R'G'B', f[height, width, 3] in 0..1, without loss, in 10 bits."""
    red, blue = WEIGHTS[matrix]
    y = rgb @ [red, 1 - red - blue, blue]
    u, v = (rgb[..., 2] - y) / (2 - 2 * blue), (rgb[..., 0] - y) / (2 - 2 * red)
    low, luma, chroma = (0, 1023, 1023) if full_range else (64, 876, 896)
    planes = np.stack([low + luma * y, 512 + chroma * u, 512 + chroma * v]).round().clip(0, 1023)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=4)
        stream.height, stream.width = rgb.shape[:2]
        stream.pix_fmt = "yuv444p10le"
        context = stream.codec_context
        if tags:
            context.colorspace, context.color_trc, context.color_primaries = tags
            context.color_range = 2 if full_range else 1
        for number in range(3):
            frame = av.VideoFrame(stream.width, stream.height, "yuv444p10le")
            for plane, values in zip(frame.planes, planes, strict=True):
                lines = np.zeros((plane.height, plane.line_size // 2), np.uint16)
                lines[:, : values.shape[1]] = values
                plane.update(lines.tobytes())
            frame.pts, frame.time_base = number, Fraction(1, 4)
            if tags:
                frame.colorspace, frame.color_range = tags[0], context.color_range
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def error(path, expected):
    frames = sampled_frames(path)
    *_, last = rgbs = [frame.rgb for frame in frames]
    assert len(rgbs) == 3
    return np.abs(last.astype(int) - expected).mean(), frames.notes


@pytest.mark.parametrize(
    ("number", "light", "curve", "least"),
    [
        (HLG, light_of_screen, hlg, 20),
        (PQ, light_of_screen, pq, 20),
        (BT2020_10, light_of_scene, bt709, 2),
    ],
)
def test_wide_colours_are_converted(tmp_path, picture, number, light, curve, least):
    wide = curve(light(picture) @ BT709_TO_2020.T).clip(0, 1)
    write(tmp_path / "wide.mkv", wide, BT2020, (BT2020, number, BT2020))
    assert error(tmp_path / "wide.mkv", picture) == (pytest.approx(0, abs=1.5), ())
    write(tmp_path / "untold.mkv", wide, BT2020, (BT2020, BT709, BT709))
    assert error(tmp_path / "untold.mkv", picture)[0] > least


def test_what_cannot_be_converted_is_said(tmp_path, picture, monkeypatch):
    def refuse(*_, **__):
        raise ValueError("no such option")

    monkeypatch.setattr(upright, "to_bt709", refuse)
    write(tmp_path / "a.mkv", picture / 255, BT2020, (BT2020, PQ, BT2020))
    _, notes = error(tmp_path / "a.mkv", picture)
    assert notes == ("its colours (PQ) are not converted: faces are paler than they were",)


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", WEIGHTS)
def test_the_matrix_and_range_that_a_file_names_are_followed(tmp_path, picture, matrix, full_range):
    write(tmp_path / "a.mkv", picture / 255, matrix, (matrix, BT709, BT709), full_range)
    assert error(tmp_path / "a.mkv", picture) == (pytest.approx(0, abs=1), ())


def test_where_a_file_names_none_it_is_bt601(tmp_path, picture):
    write(tmp_path / "a.mkv", picture / 255, 5)
    assert error(tmp_path / "a.mkv", picture) == (pytest.approx(0, abs=1), ())

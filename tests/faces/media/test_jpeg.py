"""Tests of decoding crops: the requested size, or a clear error."""

import io

import numpy as np
import pytest
from PIL import Image

from hmhn_jax.base.errors import UserError
from hmhn_jax.faces.media.jpeg import decode_crops


def jpeg(gray, side):
    buffer = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), gray, np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def test_crops_of_any_size_become_one_size():
    images = decode_crops([jpeg(10, 8), jpeg(90, 16), jpeg(200, 4)], 8)
    assert (images.shape, images.dtype) == ((3, 8, 8, 3), np.uint8)
    assert np.abs(images.mean(axis=(1, 2, 3)) - [10, 90, 200]).max() < 2


@pytest.mark.parametrize("content", [b"", b"no picture", jpeg(10, 8)[:20]])
def test_what_is_no_picture_is_one_line(content):
    with pytest.raises(UserError, match=f"expected a crop as JPEG, got {len(content)} bytes"):
        decode_crops([jpeg(10, 8), content], 8)

"""Tests of uploads whose declared length is wrong."""

import asyncio
from types import SimpleNamespace

import pytest

from hmhn_jax.serve.uploads import RefusedError, receive

pytestmark = pytest.mark.pure


def received(tmp_path, length, chunks):
    async def stream():
        for chunk in chunks:
            yield chunk

    path = tmp_path / "upload.mp4"
    path.unlink(missing_ok=True)
    request = SimpleNamespace(headers={"content-length": length}, stream=stream)
    asyncio.run(receive(request, path, max_bytes=10, stall_s=5.0))
    return path.read_bytes()


@pytest.mark.parametrize("length", ["", "5", "1", "\u00b2", "-1", "five", "0x5"])
def test_received_bytes_count_whatever_length_is_declared(tmp_path, length):
    assert received(tmp_path, length, [b"abc", b"de"]) == b"abcde"
    with pytest.raises(RefusedError, match="too large"):
        received(tmp_path, length, [b"abcdef"] * 2)


@pytest.mark.parametrize("length", ["11", "9" * 5000])
def test_a_length_that_is_too_large_is_refused_at_once(tmp_path, length):
    with pytest.raises(RefusedError, match="too large"):
        received(tmp_path, length, [])

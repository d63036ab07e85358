"""Tests of untrusted weight files: damage is detected, and memory is bounded."""

import io
import struct
import zipfile

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: see the extra 'parity'")

import torch

from hmhn_jax.base.errors import UserError
from hmhn_jax.interop import torch_files

VALUES = torch.arange(64, dtype=torch.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.pth"


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def test_no_flipped_byte_changes_a_number_unseen(path):
    content = saved({"a": VALUES})
    start = content.index(VALUES.numpy().tobytes())
    noticed = 0
    for place in [*range(0, len(content), 5), *range(start, start + 256, 3)]:
        path.write_bytes(content[:place] + bytes([content[place] ^ 64]) + content[place + 1 :])
        try:
            state = torch_files.state_dict(torch_files.read(path)[0], str(path))
        except UserError:
            noticed += 1
        else:
            np.testing.assert_array_equal(state["a"], VALUES.numpy())
    assert noticed > 100


def test_damage_is_named(path):
    content = bytearray(saved({"a": VALUES}))
    content[content.index(VALUES.numpy().tobytes()) + 9] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"weights\.pth: the file is damaged \(Bad CRC-32 for"):
        torch_files.read(path)


def test_files_without_checksums_are_read(path):
    torch.serialization.set_crc32_options(False)
    try:
        path.write_bytes(saved({"a": VALUES}))
    finally:
        torch.serialization.set_crc32_options(True)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip()  # they look damaged
    assert torch.equal(torch_files.read(path)[0]["a"], VALUES)


def test_tensors_larger_than_their_storage_are_refused(path):
    path.write_bytes(saved({"a": torch.zeros(1).expand(10**6, 10**6)}))
    content, _ = torch_files.read(path)
    with pytest.raises(UserError, match=r"got expanded torch\.float32 under 'a'"):
        torch_files.state_dict(content, str(path))


def test_a_zip_that_unpacks_to_more_is_refused(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10**7))
    with pytest.raises(UserError, match=r"bytes claim to unpack to more"):
        torch_files.read(path)


def test_a_false_size_in_the_zip_is_refused(path):
    content = bytearray(saved({"a": VALUES}))
    at = content.index(b"PK\x01\x02")  # the first entry of the archive's list
    content[at + 24 : at + 28] = struct.pack("<I", 2**31)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"bytes claim to unpack to more"):
        torch_files.read(path)


def test_views_of_one_storage_are_weights(path):
    path.write_bytes(saved({"a": VALUES[:32], "b": VALUES.reshape(8, 8).t()}))
    state = torch_files.state_dict(torch_files.read(path)[0], str(path))
    np.testing.assert_array_equal(state["b"], VALUES.numpy().reshape(8, 8).T)

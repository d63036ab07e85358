import dataclasses
import hashlib
import os
import time

import numpy as np
import pytest

from hmhn_jax.faces import cache
from hmhn_jax.faces.crop import Crop, CropFailure, CropSettings, Footage, VideoCrops
from hmhn_jax.faces.media.video import VideoError


@pytest.fixture
def crops():
    return VideoCrops(
        crops=tuple(
            Crop(
                jpeg=bytes([number, 10, 255]) * (100 + number),
                frame_index=30 * number,
                time_s=number / 3,
                box=(1, -2, 30, 40),
                eyes=np.array([[0.1, 2], [3, 1 / 3]], np.float32),
                confidence=0.123456789,
            )
            for number in range(3)
        ),
        num_sampled=5,
        sha256="ab" * 32,
        num_crowded=2,
        footage=Footage(640, 480, 29.97, 1.5e6),
    )


def assert_same(one, other):
    plain, other_plain = (
        [dataclasses.replace(crop, eyes=crop.eyes.tobytes()) for crop in result.crops]
        for result in (one, other)
    )
    assert plain == other_plain
    kept = [
        (each.num_sampled, each.sha256, each.num_crowded, each.footage) for each in (one, other)
    ]
    assert kept[0] == kept[1]


def test_reads_what_was_written(crops, tmp_path):
    path = tmp_path / "new" / "a.crops"
    cache.write(path, crops)
    read = cache.read(path)
    assert_same(read, crops)
    assert read.from_cache
    assert [each.name for each in path.parent.iterdir()] == ["a.crops"]


def test_keeps_failures(tmp_path):
    failure = CropFailure("no face found in any of 3 sampled frames", "cd" * 32)
    cache.write(tmp_path / "a.crops", failure)
    assert cache.read(tmp_path / "a.crops") == failure
    assert cache.read(tmp_path / "a.crops").from_cache


def test_there_is_none_at_first(tmp_path):
    assert cache.read(tmp_path / "a.crops") is None


def test_notices_every_truncation_and_flipped_bit(crops, tmp_path):
    path = tmp_path / "a.crops"
    cache.write(path, crops)
    content = path.read_bytes()
    for length in [0, 1, 64, 65, 66, 200, len(content) // 2, len(content) - 1]:
        path.write_bytes(content[:length])
        assert cache.read(path) is None
    for place in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 4
        path.write_bytes(damaged)
        assert cache.read(path) is None
    path.write_bytes(content + b"\0")
    assert cache.read(path) is None


def test_anything_that_changes_crops_changes_the_file(tmp_path, monkeypatch):
    def path(video="ab", part=(0.0, None), **settings):
        return cache.entry_path(tmp_path, video, CropSettings(**settings), part)

    assert path() == path(part=(0, None)) == cache.entry_path(tmp_path, "ab", CropSettings())
    others = [
        path(part=(1, None)),
        path(part=(0, 1.0)),
        path("cd"),
        path(size=112),
        path(rate_hz=2.0),
        path(max_frames_per_video=None),
    ]
    monkeypatch.setattr(cache, "ENGINE_VERSION", 999)
    others.append(path())
    assert len({path(), *others}) == len(others)
    monkeypatch.undo()
    assert len({path(), *others}) == len(others) + 1


@pytest.mark.parametrize(
    "header",
    [
        b"{}",
        b"[]",
        b"{",
        b"[" * 10**5,
        b'{"crops": [], "num_sampled": 1, "sha256": ""}',
        b'{"crops": [{"num_bytes": 9}], "num_sampled": 1, "sha256": ""}',
        b'{"crops": 3, "num_sampled": 1, "sha256": ""}',
        b"no line",
    ],
)
def test_nonsense_with_the_right_checksum_is_no_entry(tmp_path, header):
    content = header + (b"" if header == b"no line" else b"\n")
    path = tmp_path / "a.crops"
    path.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    assert cache.read(path) is None


def test_an_unchanged_video_is_not_read_again_and_a_changed_one_is(tmp_path, monkeypatch):
    video, folder = tmp_path / "a.mp4", tmp_path / "crops"
    video.write_bytes(b"first")
    first = cache.content_hash(folder, video)
    assert first == hashlib.sha256(b"first").hexdigest()
    with monkeypatch.context() as unread:
        unread.setattr(cache, "sha256_of", pytest.fail)
        assert cache.content_hash(folder, video) == first
    time_ns = video.stat().st_mtime_ns
    time.sleep(0.02)  # what clocks of file systems tell apart
    video.write_bytes(b"other")
    os.utime(video, ns=(time_ns, time_ns))
    assert cache.known_hash(folder, video) is None
    assert cache.content_hash(folder, video) == hashlib.sha256(b"other").hexdigest()


def test_a_damaged_hash_or_a_folder_that_cannot_be_written_costs_time_only(tmp_path):
    video, folder = tmp_path / "a.mp4", tmp_path / "crops"
    video.write_bytes(b"first")
    expected = cache.content_hash(folder, video)
    (kept,) = (folder / cache.HASHES).iterdir()
    kept.write_bytes(b"\xff" + expected.encode())
    assert cache.content_hash(folder, video) == expected
    assert cache.known_hash(folder, video) == expected
    assert cache.content_hash(video, video) == expected  # a file where a folder should be
    with pytest.raises(VideoError, match="cannot be read"):
        cache.content_hash(folder, tmp_path / "none.mp4")

"""Valid and damaged videos, pictures and weights."""

import functools
import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from hmhn_jax.recordings.synthetic.clips import Clip

FPS, NUM_FRAMES = 25, 8
# In the larger one there is a face to be found. Of smaller ones x264 does not always make the
# same video.
SIZES = ((128, 96), (320, 240))
CONTAINERS = {
    ".mp4": "libx264",
    ".avi": "mpeg4",
    ".mkv": "libx264",
    ".mov": "mpeg4",
    ".wmv": "wmv2",
}
PICTURES = (".png", ".jpg", ".webp", ".bmp", ".tif")
# What lengths, sizes and times are not; both byte orders occur.
EXTREMES = (0, 1, 0x7FFF, 0xFFFF, 60_000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
HEADER_BYTES = 1024
# Where other formats keep theirs.
MARKS = (b"moov", b"tkhd", b"stsd", b"stts", b"stsz", b"trak", b"avih", b"strf", b"idx1", b"mdat")


@functools.cache
def _images(size: tuple[int, int]) -> list[np.ndarray]:
    return list(Clip(0, 0, NUM_FRAMES, FPS, size).frames())


def sound_videos() -> dict[str, bytes]:
    """Encodes small videos, {name: content}, one of each container and size."""
    videos = {}
    for size in SIZES:
        for suffix, codec in CONTAINERS.items():
            videos[f"{size[0]}{suffix}"] = _encoded(suffix, codec, size)
    return videos


def _encoded(suffix, codec, size):
    buffer = io.BytesIO()
    names = {".mkv": "matroska", ".wmv": "asf"}
    options = {"fflags": "+bitexact"}  # or some containers would hold random numbers
    with av.open(
        buffer, "w", format=names.get(suffix, suffix[1:]), container_options=options
    ) as container:
        stream = container.add_stream(codec, rate=Fraction(FPS))
        stream.width, stream.height = size
        stream.pix_fmt, stream.thread_count = "yuv420p", 1
        for image in _images(size):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def sound_pictures() -> dict[str, bytes]:
    """Encodes a picture of each format, {name: content}."""
    bgr = cv2.cvtColor(_images(SIZES[1])[0], cv2.COLOR_RGB2BGR)
    return {f"face{suffix}": cv2.imencode(suffix, bgr)[1].tobytes() for suffix in PICTURES}


def sound_weights() -> dict[str, bytes]:
    """Encodes a small state dict in today's and in the older format; none without PyTorch."""
    try:
        import torch
    except ImportError:
        return {}
    state = {"conv.weight": torch.arange(32.0).reshape(2, 16), "conv.bias": torch.ones(2)}
    files = {}
    for name, is_zip in (("new.pth", True), ("old.pth", False)):
        buffer = io.BytesIO()
        torch.save(state, buffer, _use_new_zipfile_serialization=is_zip)
        files[name] = buffer.getvalue()
    return files


def damaged(sound: dict[str, bytes], number: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yields (name, content) of `number` files, each a sound one, damaged one to four times.

    The same arguments give the same files.
    """
    random = np.random.default_rng(seed)
    names = list(sound)
    for index in range(number):
        name = names[index % len(names)]
        content = sound[name]
        for _ in range(random.choice([1, 1, 1, 2, 4])):
            content = _DAMAGES[random.integers(len(_DAMAGES))](content, random)
        suffix = Path(names[random.integers(len(names))] if random.random() < 0.05 else name).suffix
        yield f"{index}{suffix}", content


def _place(content: bytes, random: np.random.Generator) -> int:
    """Draws a position, half of the time one in a header."""
    marked = [content.find(mark) for mark in MARKS if mark in content]
    start = random.choice([0, *marked]) if random.random() < 0.5 else None
    if start is None:
        return int(random.integers(len(content) + 1))
    return min(len(content), int(start + random.integers(HEADER_BYTES if not start else 96)))


def _flip(content, random):
    changed = bytearray(content)
    for _ in range(int(random.choice([1, 2, 4, 16]))):
        if (place := _place(content, random)) < len(changed):
            changed[place] ^= 1 << int(random.integers(8))
    return bytes(changed)


def _truncate(content, random):
    return content[: random.integers(len(content) + 1)]


def _insert(content, random):
    place = _place(content, random)
    return content[:place] + random.bytes(int(random.integers(1, 64))) + content[place:]


def _remove(content, random):
    place = _place(content, random)
    return content[:place] + content[place + int(random.integers(1, 64)) :]


def _repeat(content, random):
    place = _place(content, random)
    end = place + int(random.integers(1, 4096))
    return content[:end] + content[place:]


def _exaggerate(content, random):
    place, length = _place(content, random), int(random.choice([2, 4, 8]))
    value = EXTREMES[random.integers(len(EXTREMES))] % 2 ** (8 * length)
    order = "big" if random.random() < 0.5 else "little"
    return content[:place] + value.to_bytes(length, order) + content[place + length :]


_DAMAGES = (*[_flip] * 2, *[_exaggerate] * 3, _truncate, _insert, _remove, _repeat)


def write_all(folder: Path, files: Iterable[tuple[str, bytes]]) -> dict[str, Path]:
    """Writes files into a folder; returns the path of each by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, content in files:
        paths[name] = folder / name
        paths[name].write_bytes(content)
    return paths

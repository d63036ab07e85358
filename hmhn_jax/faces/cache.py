"""Crops cached on disk, so that no video is decoded twice: one file per video and settings.

Content hashes of videos are kept, too, so that an unchanged video is not read again. A file of
crops is three parts, one after the other: the SHA-256 of the rest (64 hexadecimal digits and a line
feed), a line of JSON, and the crops' JPEG images end to end. Reading one runs no code of it.
"""

import contextlib
import dataclasses
import hashlib
import json
import re
from pathlib import Path

import numpy as np

from hmhn_jax.base import files
from hmhn_jax.base.errors import UserError
from hmhn_jax.faces.crop import (
    ENGINE_VERSION,
    SOFTWARE,
    Crop,
    CropFailure,
    CropSettings,
    Footage,
    VideoCrops,
    sha256_of,
)
from hmhn_jax.recordings.recording import WHOLE

FORMAT_VERSION = 1
SUFFIX = ".crops"
HASHES = "hashes"  # the folder of content hashes, in that of the crops


def entry_path(
    folder: Path,
    video_sha256: str,
    settings: CropSettings,
    part: tuple[float, float | None] = WHOLE,
) -> Path:
    """The file for a part of a video's content, crop settings and the software that crops.

    Where the video lies and what it is called does not matter; other versions of the libraries
    that decode and find faces may give other crops, so they do.
    """
    key = {
        "format": FORMAT_VERSION,
        "engine": ENGINE_VERSION,
        "software": list(SOFTWARE.values()),
        "settings": dataclasses.asdict(settings),
        "video": video_sha256,
    }
    if part != WHOLE:
        key["part"] = part
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return folder / (digest[:32] + SUFFIX)


def content_hash(folder: Path, video: Path) -> str:
    """Returns a video's SHA-256, which is kept; raises VideoError if the video cannot be read."""
    if (known := known_hash(folder, video)) is not None:
        return known
    entry = _hash_path(folder, video)  # before it is read, for one that changes meanwhile
    sha256 = sha256_of(video)
    if entry is not None:
        with contextlib.suppress(UserError):  # as on a read-only disk: it is read again next time
            files.write_text(entry, sha256)
    return sha256


def known_hash(folder: Path, video: Path) -> str | None:
    """Returns the SHA-256 kept of a video; None if its size or times are not those of then."""
    entry = _hash_path(folder, video)
    try:
        kept = entry.read_text("ascii") if entry else ""
    except (OSError, ValueError):
        return None
    return kept if re.fullmatch("[0-9a-f]{64}", kept) else None


def _hash_path(folder, video):
    """Returns where a file's hash is kept; None if there is no such file.

    The time of the last change of the file itself (ctime) tells a video that was replaced by one
    of the same size and with the same date.
    """
    try:
        stat = video.stat()
    except (OSError, ValueError):
        return None
    key = str(video.absolute()), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
    return folder / HASHES / hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]


def write(path: Path, result: VideoCrops | CropFailure) -> None:
    """Writes an entry whole or, raising UserError as on a full disk, not at all."""
    header = dataclasses.asdict(result)
    del header["from_cache"]
    images = [crop.pop("jpeg") for crop in header.get("crops", ())]
    for crop, image in zip(header.get("crops", ()), images, strict=True):
        crop["num_bytes"] = len(image)
    content = b"".join([json.dumps(header, default=np.ndarray.tolist).encode(), b"\n", *images])
    checksum = hashlib.sha256(content).hexdigest().encode()
    files.write_bytes(path, checksum + b"\n" + content)


def read(path: Path) -> VideoCrops | CropFailure | None:
    """Reads what `write` was given; None if there is no entry, or a damaged one.

    A damaged entry stays until it is written again. So does one that was made by hand: its checksum
    can be right and what it says nonsense.
    """
    try:
        checksum, content = path.read_bytes().split(b"\n", 1)
    except (OSError, ValueError):
        return None
    if checksum != hashlib.sha256(content).hexdigest().encode():
        return None
    try:
        return _parsed(content)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _parsed(content: bytes) -> VideoCrops | CropFailure:
    line, rest = content.split(b"\n", 1)
    header, images = json.loads(line), memoryview(rest)
    if "reason" in header:
        return CropFailure(**header, from_cache=True)
    crops = []
    for fields in header.pop("crops"):
        num_bytes = fields.pop("num_bytes")
        fields["box"] = tuple(map(int, fields["box"]))
        fields["eyes"] = np.array(fields["eyes"], np.float32).reshape(2, 2)
        crops.append(Crop(jpeg=bytes(images[:num_bytes]), **fields))
        images = images[num_bytes:]
    if not crops or images:
        raise ValueError("crops and images do not match")
    header["notes"] = tuple(header["notes"])
    header["footage"] = Footage(**header["footage"])
    return VideoCrops(tuple(crops), **header, from_cache=True)

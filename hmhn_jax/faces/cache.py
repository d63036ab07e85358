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
from typing import Any

import numpy as np

from hmhn_jax.base import files
from hmhn_jax.base.errors import UserError
from hmhn_jax.faces.crop import (
    ENGINE_VERSION,
    SOFTWARE,
    Crop,
    CropFailure,
    CropSettings,
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
    """Writes an entry whole or not at all.

    Raises:
      UserError: it cannot be written, such as on a full disk.
    """
    header: dict[str, Any] = {"sha256": result.sha256}
    images = []
    if isinstance(result, CropFailure):
        header["failure"] = result.reason
        header["num_sampled"] = result.num_sampled
    else:
        header["num_sampled"] = result.num_sampled
        header["num_crowded"] = result.num_crowded
        header["notes"] = list(result.notes)
        header["num_cuts"] = result.num_cuts
        header["is_picture"] = result.is_picture
        header["duration_s"] = result.duration_s
        header["crops"] = [_described(crop) for crop in result.crops]
        images = [crop.jpeg for crop in result.crops]
    content = b"".join([json.dumps(header).encode(), b"\n", *images])
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
    line, images = content.split(b"\n", 1)
    header = json.loads(line)
    if "failure" in header:
        return CropFailure(
            header["failure"], header["sha256"], header["num_sampled"], from_cache=True
        )
    crops = []
    start = 0
    for fields in header["crops"]:
        end = start + fields.pop("num_bytes")
        fields["box"] = tuple(map(int, fields["box"]))
        fields["eyes"] = np.array(fields["eyes"], np.float32).reshape(2, 2)
        fields["confidence"] = float(fields["confidence"])
        fields["time_s"] = float(fields["time_s"])
        crops.append(Crop(jpeg=images[start:end], **fields))
        start = end
    if not crops or start != len(images):
        raise ValueError("crops and images do not match")
    return VideoCrops(
        tuple(crops),
        header["num_sampled"],
        header["sha256"],
        from_cache=True,
        num_crowded=header["num_crowded"],
        notes=tuple(header["notes"]),
        num_cuts=header["num_cuts"],
        is_picture=header["is_picture"],
        duration_s=header["duration_s"],
    )


def _described(crop: Crop) -> dict:
    return {
        "num_bytes": len(crop.jpeg),
        "frame_index": crop.frame_index,
        "time_s": crop.time_s,
        "box": list(crop.box),
        "eyes": crop.eyes.tolist(),
        "confidence": crop.confidence,
    }

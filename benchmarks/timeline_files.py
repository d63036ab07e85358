"""Small videos whose times are wrong in a known way; each frame shows its number."""

import dataclasses
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CELL = 16  # pixels of a bit; sixteen bits make a picture
TICKS = 1000  # a second
FIRST_CLUSTER_MS = 20_000_000  # so that the time of each Matroska cluster takes four bytes
KINDS = ("mp4", "fragmented.mp4", "mkv", "webm", "ts", "avi")
FAULTS = {
    "mp4": ("", "gap", "jump", "still", "header", "edit", "cut", "damage"),
    "fragmented.mp4": ("", "gap", "jump", "damage"),
    "mkv": ("", "gap", "jump", "reset", "back", "bad cluster", "still", "no header", "header",
            "cut", "damage"),
    "webm": ("", "gap", "jump", "reset", "back", "bad cluster", "no header", "header", "damage"),
    "ts": ("", "gap", "jump", "reset", "back", "bad cluster", "damage"),
    "avi": ("", "cut", "damage"),
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Made:
    """A file, how many frames were recorded, and what is wrong with it."""

    path: Path
    num_frames: int
    fps: float
    faults: tuple[str, ...]
    about: str


def make(rng: np.random.Generator, folder: Path, number: int) -> Made:
    """Writes a file of a random kind with one fault, two, or none."""
    kind = str(rng.choice(KINDS))
    faults = tuple(sorted({str(each) for each in rng.choice(FAULTS[kind], rng.integers(1, 3))}))
    fps = int(rng.choice([5, 10, 25]))
    count = int(rng.integers(20, 60)) * fps // 2
    reordered = kind != "webm" and bool(rng.integers(2))
    sound = kind not in ("avi", "webm") and not rng.integers(4)
    times = np.arange(count) / fps
    if kind != "avi" and rng.integers(2):  # a variable rate
        times = np.cumsum(rng.choice([0.5, 1, 1.5, 2], count)) / fps
    start = rng.choice([0, 0, 7.25, -3.5, 5000])
    times = times - times[0] + (0 if kind in ("avi", "webm", "mkv") else max(0, start))
    path = folder / f"{number}_{kind}"
    about = f"{kind} {'+'.join(faults)} {fps} fps {count} frames start {times[0]:g}"
    about += " B" * reordered + " sound" * sound
    parts = _clocks(rng, times, faults, fps) if kind == "ts" else [times]
    _write(path, kind, parts, fps, reordered, sound and times, faults, rng)
    shown = _break(rng, path, kind, faults, count, times)
    return Made(path, shown, fps, faults, about)


def picture(number: int) -> np.ndarray:
    """Draws a number, u8[64, 64, 3]; `number_in` reads it."""
    bits = (number >> np.arange(16) & 1).reshape(4, 4).astype(np.uint8)
    return np.repeat(np.kron(40 + 160 * bits, np.ones((CELL, CELL), np.uint8))[..., None], 3, 2)


def number_in(rgb: np.ndarray) -> int:
    """Reads the number that a picture shows, u8[64, 64, 3]."""
    bits = rgb[..., 1].reshape(4, CELL, 4, CELL).mean((1, 3)) > 120
    return int((bits.ravel() << np.arange(16)).sum())


def _clocks(rng, times, faults, fps):
    """Splits times into parts of a clock each, for files that are joined."""
    parts = [times]
    for fault in {"reset", "back", "bad cluster"} & {*faults}:
        *before, last = parts
        at = int(len(last) * rng.uniform(0.2, 0.8))
        if fault == "reset":
            parts = [*before, last[:at], last[at:] - last[at]]
        elif fault == "back":
            parts = [*before, last[:at], last[at:] - min(last[at], rng.uniform(1, 5))]
        else:
            until = at + 2 * fps
            far = rng.uniform(40, 40_000)
            parts = [*before, last[:at], last[at:until] + far, last[until:]]
    return [part for part in parts if len(part) > 1]


def _write(path, kind, parts, fps, reordered, sound_times, faults, rng):
    joined, number = b"", 0
    for times in parts:
        times = times.copy()
        at = int(len(times) * rng.uniform(0.2, 0.8))
        times[at:] += rng.uniform(3, 30) if "gap" in faults else 0
        times[at:] += rng.uniform(1000, 80_000) if "jump" in faults else 0
        still = "still" in faults and kind == "mkv"
        encode(path, kind, times, number, fps, reordered and not still, sound_times, faults, still)
        number += len(times)
        joined += path.read_bytes()
    path.write_bytes(joined)


def encode(path, kind, times, number, fps, reordered, sound_times, faults, still):
    """Writes frames from `number` on at given times, undamaged but for times that stand still."""
    muxer = {"fragmented.mp4": {"movflags": "frag_keyframe+empty_moov"}}.get(kind, {})
    if kind in ("mkv", "webm"):
        muxer = {"cluster_time_limit": "1000"}
        if "no header" in faults:
            muxer["live"] = "1"
        times = times + FIRST_CLUSTER_MS / 1000
    container_format = {"mkv": "matroska", "ts": "mpegts", "fragmented.mp4": "mp4"}.get(kind, kind)
    with av.open(str(path), "w", format=container_format, options=muxer) as file:
        codec = "libvpx" if kind == "webm" else "libx264"
        options = {"bf": "3" if reordered else "0", "g": str(2 * fps), "preset": "veryfast"}
        if kind == "webm":
            options = {"deadline": "realtime", "cpu-used": "8", "g": str(2 * fps)}
        stream = file.add_stream(codec, rate=fps, options=options)
        stream.width = stream.height = 4 * CELL
        stream.pix_fmt = "yuv420p"
        base = Fraction(1, fps) if kind == "avi" else Fraction(1, TICKS)
        stream.codec_context.time_base = base
        audio = sound_times is not False and file.add_stream("aac", rate=16_000, layout="mono")
        packets = []
        for each, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(number + each), format="rgb24")
            frame.time_base, frame.pts = base, round(float(time) / base)
            packets += stream.encode(frame)
        packets += stream.encode()
        if still:
            half = packets[len(packets) // 3 :]
            for packet in half:
                packet.pts = packet.dts = half[0].pts
        file.mux(packets)
        if audio:
            silence = np.zeros((1, 1024), np.float32)
            start, length = float(times[0]), float(times[len(times) // 2] - times[0]) * 3
            for step in range(int(min(length, 100) * 16_000 / 1024)):
                heard = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
                heard.sample_rate, heard.time_base = 16_000, Fraction(1, 16_000)
                heard.pts = round(start * 16_000) + 1024 * step
                file.mux(audio.encode(heard))
            file.mux(audio.encode())


def _break(rng, path, kind, faults, count, times):
    """Edits a file's bytes as its faults say; returns how many frames are to be shown."""
    data = bytearray(path.read_bytes())
    if kind in ("mkv", "webm"):
        _set_cluster_times(rng, data, faults)
    claimed = float(rng.choice([0.2, 0.5, 3, 50])) * (times[-1] - times[0])
    if "header" in faults and "no header" not in faults and kind in ("mkv", "webm"):
        at = data.index(b"\x44\x89\x88") + 3
        data[at : at + 8] = struct.pack(">d", 1000 * claimed)
    if kind == "mp4":
        count = _edit_boxes(data, faults, claimed, count, times)
    media = data.find(b"mdat") if "mp4" in kind else len(data) // 10
    end = data.find(b"moov", media) if kind == "mp4" else len(data)
    end = len(data) if end < 0 else end
    if "damage" in faults:
        first = media + int((end - media) * rng.uniform(0.1, 0.5))
        last = first + int((end - media) * rng.uniform(0.05, 0.4))
        data[first:last] = rng.bytes(last - first)
    if "cut" in faults and kind == "mp4":  # its index comes first, as in files to be streamed
        moov = data.find(b"moov") - 4
        kept = int((moov - media) * rng.uniform(0.3, 0.9))
        data[media + 4 + kept : moov] = b""
        struct.pack_into(">I", data, media - 4, 8 + kept)
    elif "cut" in faults:
        del data[int(len(data) * rng.uniform(0.3, 0.9)) :]
    path.write_bytes(data)
    return count


def _set_cluster_times(rng, data, faults):
    places = []
    at = data.find(b"\x1f\x43\xb6\x75")
    while at >= 0:
        time = data.index(b"\xe7\x84", at) + 2
        places.append(time)
        at = data.find(b"\x1f\x43\xb6\x75", time)
    values = np.array([struct.unpack_from(">I", data, place)[0] for place in places]) / 1000
    for fault in {"reset", "back", "bad cluster"} & {*faults}:
        at = int(len(values) * rng.uniform(0.2, 0.8))
        if fault == "reset":
            values[at:] -= values[at] - values[0]
        elif fault == "back":
            values[at:] -= rng.uniform(1, 5)
        else:
            values[at : at + 2] += rng.uniform(40, 40_000)
    for place, value in zip(places, values, strict=True):
        struct.pack_into(">I", data, place, round(value * 1000))


def _edit_boxes(data, faults, claimed, count, times):
    for kind, start in [*_boxes(data, 0, len(data))]:
        if kind == b"mvhd":
            (movie_ticks,) = struct.unpack_from(">I", data, start + 12)
        if kind in (b"mvhd", b"mdhd") and "header" in faults:
            (scale,) = struct.unpack_from(">I", data, start + 12)
            struct.pack_into(">I", data, start + 16, round(claimed * scale) % 2**32)
        if kind == b"stts" and "still" in faults:
            (entries,) = struct.unpack_from(">I", data, start + 4)
            for entry in range(entries):
                struct.pack_into(">I", data, start + 12 + 8 * entry, 0)
        is_video = count == len(times)  # the first track, of which half is shown
        if kind == b"elst" and is_video and "edit" in faults and {*faults} <= {"", "edit"}:
            (entries,) = struct.unpack_from(">I", data, start + 4)
            length = start + 8 + 12 * (entries - 1)
            (ticks,) = struct.unpack_from(">I", data, length)
            struct.pack_into(">I", data, length, ticks // 2)
            count = int(np.searchsorted(times - times[0], ticks / 2 / movie_ticks))
    return count


def _boxes(data, start, end):
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        yield bytes(kind), start + 8
        if kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"):
            yield from _boxes(data, start + 8, start + size)
        start += size or end

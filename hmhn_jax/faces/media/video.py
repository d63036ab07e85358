"""Frames of a video file, sampled by time."""

import dataclasses
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from hmhn_jax.faces.media.container import VideoError, track_notes
from hmhn_jax.faces.media.timeline import open_with_timeline
from hmhn_jax.faces.media.upright import upright_rgb

# Containers round timestamps (Matroska to whole milliseconds), so that a frame due at 1/30 s may
# claim to be at 0.033 s. Without this slack it would count as too early, and the next be taken.
TIMESTAMP_SLACK = Fraction(1, 1000)  # seconds


@dataclasses.dataclass(frozen=True)
class Frame:
    """One decoded frame.

    Attributes:
      index: its place among the video's sound frames, from 0.
      time_s: seconds since the video's first frame.
      rgb: uint8[height, width, 3], contiguous, as players show it (turned, mirrored, scaled).
    """

    index: int
    time_s: float
    rgb: np.ndarray


def sampled_frames(
    path: Path,
    rate_hz: float | None = None,
    max_frames: int | None = None,
    start_s: float = 0,
    end_s: float | None = None,
) -> "SampledFrames":
    """Decodes a video once, in order, and gives the frames closest after each sampling time.

    Sampling follows the frames' timestamps, so it is right for a variable frame rate too: for each
    multiple of 1 / rate_hz from `start_s` on the first frame at or after it, and no frame twice;
    frame indices and times count from the video's first frame all the same. One frame is held at
    a time, however long the video. Corrupt frames are skipped; a file that ends too early gives the
    frames before its end.

    Args:
      path: a file in any of the formats of `container.FORMATS`, whatever its name.
      rate_hz: samples per second of video; every frame when None.
      max_frames: gives no more than this. The rate is lowered so that they spread over the whole
        part, for which the packets tell the video's length where the header is wrong.
      start_s, end_s: the part to sample, in seconds since the video's first frame: frames at
        `start_s` or later and before `end_s`; to the video's end when None.

    Returns:
      The frames to iterate over.
    """
    end = None if end_s is None else Fraction(end_s)
    return SampledFrames(path, rate_hz, max_frames, Fraction(start_s), end)


@dataclasses.dataclass
class SampledFrames:
    """Frames of a video in the order of time, at least one; arguments as of `sampled_frames`.

    Iterating decodes. It raises VideoError: see `open_video`; or no frame of the part can be
    decoded.

    Attributes:
      duration_s: see `Timeline`; there when the first frame is.
      notes: a line for each thing that is wrong with the file; when all frames are there, also how
        much could not be decoded.
      fps: average frames a second, as the file claims; there when the first frame is.
    """

    path: Path
    rate_hz: float | None
    max_frames: int | None
    start: Fraction
    end: Fraction | None
    duration_s: Fraction | None = None
    notes: tuple[str, ...] = ()
    fps: float | None = None

    def __iter__(self) -> Iterator[Frame]:
        """Opens the file and yields its frames."""
        start, end = self.start, self.end
        with open_with_timeline(self.path) as (stream, timeline, packets):
            self.duration_s = timeline.duration_s
            self.fps = float(stream.average_rate) if stream.average_rate else None
            self.notes = (*timeline.notes, *track_notes(stream.container, stream))
            until = min((each for each in (timeline.duration_s, end) if each), default=None)
            rate = _rate_to_fit(self.rate_hz, self.max_frames, until and until - start)
            decoder = _Decoder(packets, stream, timeline)
            decoder.wait_until(start)
            converter = VideoReformatter()
            times = []
            for index, ticks, frame in decoder.frames():
                if ticks < decoder.due:
                    continue
                time = ticks * timeline.base
                if end is not None and time >= end - TIMESTAMP_SLACK:
                    break
                if rate is not None:
                    next_sample = math.floor((time + TIMESTAMP_SLACK - start) * rate) + 1
                    decoder.wait_until(start + next_sample / rate)
                times.append((decoder.start + ticks) * timeline.base)
                rgb, notes = upright_rgb(frame, stream, converter)
                self.notes += tuple(note for note in notes if note not in self.notes)
                yield Frame(index, float(time), rgb)
                if len(times) == self.max_frames:
                    break
            if not times:
                raise VideoError(self.path, _why_nothing(stream, decoder, start, end))
            start_s = decoder.start * timeline.base
            first = start + start_s if start else timeline.start_s
            last = None if end is None else end + start_s
            self.notes += timeline.unread(times, 1 / rate if rate else Fraction(0), first, last)


def _why_nothing(stream, decoder, start, end):
    if decoder.num_decoded:
        part = f"from {float(start):g} s on"
        if end is not None:
            part = f"from {float(start):g} to {float(end):g} s"
        last_s = float((decoder.last - decoder.start) * decoder.base)
        return f"has no frames {part}; its last is at {last_s:.1f} s"
    size = stream.codec_context.width * stream.codec_context.height
    why = "" if size else ": they claim no size, or too large a one"
    return f"none of its frames can be decoded{why}"


def _rate_to_fit(
    rate_hz: float | None, max_frames: int | None, duration: Fraction | None
) -> Fraction | None:
    rate = None if rate_hz is None else Fraction(rate_hz)
    if max_frames is None or not duration or duration < 0:
        return rate
    rate_that_fills = max_frames / duration
    return rate_that_fills if rate is None else min(rate, rate_that_fills)


class _Decoder:
    """Decoder that decodes only the frames needed of a stream.

    It counts in ticks of the stream: fractions of a second for every frame would take time.

    Attributes:
      base: seconds a tick.
      due: ticks since the first frame; frames before it are not wanted, see `wait_until`.
      start, last: of the first sound frame (0 before it) and the latest frame.
      num_decoded: sound frames so far.
    """

    def __init__(self, packets, stream, timeline):
        self.base, self.due = timeline.base, Fraction(0)
        self.start = self.num_decoded = 0
        self._packets, self._stream = packets, stream
        self._frame = timeline.frame_s / timeline.base
        self.last = timeline.start_s / timeline.base - self._frame

    def wait_until(self, time_s: Fraction) -> None:
        """Wants no frames before a time in seconds since the first, which is only ever raised."""
        self.due = max(Fraction(0), (time_s - TIMESTAMP_SLACK) / self.base)

    def frames(self) -> Iterator[tuple[int, int | Fraction, av.VideoFrame]]:
        """Yields sound frames (index, ticks since the first, frame); some before `due` lack."""
        skipped = set()  # times of packets that gave no frame, or not yet
        for packet in self._packets:
            is_early = self._is_early(packet)
            self._stream.codec_context.skip_frame = "NONREF" if is_early else "DEFAULT"
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                continue  # a damaged packet; the decoder goes on with the next
            if is_early:
                skipped.add(packet.pts)
            for frame in frames:
                ticks = self.last + self._frame if frame.pts is None else frame.pts
                self.last = ticks
                skipped.discard(frame.pts)
                if frame.is_corrupt:
                    continue
                self.start = self.start if self.num_decoded else ticks
                # At the first frame at or after `due` all that were skipped lie before it.
                yield self.num_decoded + len(skipped), ticks - self.start, frame
                self.num_decoded += 1

    def _is_early(self, packet: av.Packet) -> bool:
        """Returns whether the packet's frame will not be wanted.

        If no other frame refers to it, as to every second one in common videos, the decoder can
        pass it over. That halves the time of most videos, and changes no other frame.
        """
        if not self.num_decoded or packet.pts is None:
            return False
        return packet.pts - self.start < self.due

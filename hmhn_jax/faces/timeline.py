"""Timeline of a video: packet times corrected to advance.

Recordings that were joined begin again at 0, a damaged part may claim to lie days ahead, some
files give every frame the same time, and headers claim any length. One pass over the packets,
without decoding, tells what is there.
"""

import array
import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from hmhn_jax.faces.container import open_video, packets_of

# Times that go back by more than this are of another recording. Where packets have no decoding
# times, those of showing a frame count, which go back a little where frames are reordered.
BACK_S, BACK_WITHOUT_DECODING_TIMES_S = 0.5, 5.0
# A pause longer than this, and than all the rest of the file, is a fault of its clock: a jump.
LONG_PAUSE_S = 60
HEADER_TOLERANCE = 0.02  # of the length; within it the header is believed
FALLBACK_FPS, MOST_FPS = 25, 240  # a stream without timestamps may claim no rate, or any
NO_TIME = np.iinfo(np.int64).min


@dataclasses.dataclass(frozen=True)
class Part:
    """Packets that share one clock.

    Attributes:
      first: the number of its first packet in the file.
      offset: ticks of the stream to add to its times; None if they do not advance, so that frames
        follow each other by the frame rate.
      jumps: (time, ticks) of each jump ahead: so much is taken off the times from there on.
    """

    first: int
    offset: int | None
    jumps: tuple[tuple[int, int], ...] = ()

    def moved(self, time: int | None) -> int | None:
        """Returns the position of a time on the timeline, in ticks."""
        if time is None or self.offset is None:
            return None
        return time + self.offset - sum(ticks for at, ticks in self.jumps if time >= at)


@dataclasses.dataclass(frozen=True)
class Timeline:
    """Times of a video, as all its packets give them.

    Attributes:
      parts: at least one.
      duration_s: the header's length where the frames agree with it, else that of the frames; None
        if nothing says.
      frame_s: seconds from one frame to the next, for frames without a time.
      notes: a line for each thing that the file has wrong.
    """

    parts: tuple[Part, ...]
    duration_s: Fraction | None
    frame_s: Fraction
    notes: tuple[str, ...]

    def applied(self, packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
        """Yields all packets of the stream, with times that advance from part to part."""
        number, coming = 0, list(reversed(self.parts))
        for packet in packets:
            if packet.size:
                if coming and number == coming[-1].first:
                    part = coming.pop()
                if part.offset != 0 or part.jumps:
                    packet.pts, packet.dts = part.moved(packet.pts), part.moved(packet.dts)
                number += 1
            yield packet


def read_timeline(path: Path) -> Timeline:
    """Reads all packets of a video's stream, which takes a hundredth of decoding them.

    Raises:
      VideoError: see `open_video`.
    """
    shown, decoded = array.array("q"), array.array("q")
    with open_video(path) as (container, stream):
        for packet in packets_of(container, stream):
            if packet.size:
                shown.append(NO_TIME if packet.pts is None else packet.pts)
                decoded.append(NO_TIME if packet.dts is None else packet.dts)
        base = stream.time_base or Fraction(1, 90_000)
        claimed = stream.duration and stream.duration * base
        claimed = claimed or Fraction(container.duration or 0, av.time_base)
        rates = (stream.average_rate, claimed and len(shown) / claimed, FALLBACK_FPS)
    frame_s = 1 / Fraction(next(rate for rate in rates if rate and rate <= MOST_FPS))
    frame_ticks = max(1, round(frame_s / base))
    parts, ticks, notes = arranged(np.array(shown), np.array(decoded), float(base), frame_ticks)
    span = ticks * base
    if not span or abs(claimed - span) <= max(HEADER_TOLERANCE * span, 2 * frame_ticks * base):
        return Timeline(parts, claimed or span or None, frame_s, notes)
    if claimed:
        notes += (f"the file claims {float(claimed):.0f} s, its frames last {float(span):.0f} s",)
    return Timeline(parts, span, frame_s, notes)


def arranged(
    shown: np.ndarray, decoded: np.ndarray, base: float, frame_ticks: int
) -> tuple[tuple[Part, ...], int, tuple[str, ...]]:
    """Arranges the packets; returns the parts, their length in ticks, and notes.

    Args:
      shown, decoded: i64[packets], when each is to be shown and decoded.
      base: seconds a tick.
      frame_ticks: from one frame to the next, by the frame rate.
    """
    bounds = [0, *_breaks(shown, decoded, base), len(shown)]
    known = [_known(shown[first:last]) for first, last in itertools.pairwise(bounds)]
    steps = np.concatenate([np.diff(times) for times in known])
    step = int(np.median(steps)) if len(steps) else frame_ticks
    longest = max(LONG_PAUSE_S / base, steps[steps <= LONG_PAUSE_S / base].sum())
    parts, end, start = [], 0, 0
    for first, last, times in zip(bounds, bounds[1:], known, strict=False):
        if len(times) == 1 and last - first > 2:
            parts.append(Part(first, None))
            end += (last - first) * frame_ticks
        elif not len(times):
            parts.append(Part(first, 0))
            end += (last - first) * frame_ticks
        else:
            start = start if parts else int(times[0])
            pauses = np.diff(times)
            jumps = [
                (int(times[i + 1]), int(pauses[i]) - step) for i in np.flatnonzero(pauses > longest)
            ]
            parts.append(Part(first, start + end - int(times[0]), tuple(jumps)))
            end += int(times[-1] - times[0]) + step - sum(ticks for _, ticks in jumps)
    wrong = len(parts) - 1 + sum(len(part.jumps) for part in parts)
    notes = ()
    if wrong:
        notes += (f"its times go back or jump {wrong} times: joined or damaged?",)
    if any(part.offset is None for part in parts):
        notes += ("its times stand still: frames were taken by their number",)
    return tuple(parts), end, notes


def _known(times):
    """Returns the times that are not missing, each once, in order."""
    return np.unique(times[times != NO_TIME])


def _breaks(shown, decoded, base):
    """Returns the numbers of the packets at which times jump to another clock."""
    clock, back_s = decoded, BACK_S
    if (decoded == NO_TIME).all():
        clock, back_s = shown, BACK_WITHOUT_DECODING_TIMES_S
    numbers = np.flatnonzero(clock != NO_TIME)
    return (numbers[1:][np.diff(clock[numbers].astype(float)) < -back_s / base]).tolist()

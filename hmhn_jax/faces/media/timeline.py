"""The times of a video's packets, made to advance where its file has them wrong.

Recordings that were joined begin again at 0, a damaged part may claim to lie days ahead, some
files give many frames the same time, and headers claim any length. One pass over the packets,
without decoding, tells what is there.
"""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from hmhn_jax.faces.media.clock import NO_TIME, arranged
from hmhn_jax.faces.media.container import open_video, packets_of

NOTED_PAUSE_S = 2  # longer than any camera waits for its next frame
HEADER_TOLERANCE = 0.02  # of the length; within it the header is believed
MOST_LEFT = 0.1  # of a file of unknown length, after its last frame
LEAST_UNREAD_S = 0.25  # shorter stretches are not spoken of
FALLBACK_FPS, MOST_FPS = 25, 240  # a stream without timestamps may claim no rate, or any
# Packets of short videos are kept from the pass until they are decoded: opening and reading a file
# again may take longer than to decode one of its frames. Counted with what each packet needs.
MOST_BYTES_KEPT, BYTES_A_PACKET = 16 << 20, 1 << 9


@dataclasses.dataclass(frozen=True, eq=False)
class Timeline:
    """Times of a video, as all its packets tell them.

    Attributes:
      times: i64[packets], when each packet's frame is shown, in ticks of the stream; of packets
        whose frames an edit list leaves out, there are none.
      is_moved: whether any packet's own time differs from `times`.
      counted: bool[packets], frames whose own time is wrong or missing: they follow the frame
        before them by `frame_s`.
      base: seconds a tick.
      duration_s: the header's length where the frames agree with it, else that of the frames; None
        if nothing says.
      frame_s: seconds from one frame to the next, for frames without a time.
      notes: a line for each thing that the file has wrong.
    """

    times: np.ndarray
    is_moved: bool
    counted: np.ndarray
    base: Fraction
    duration_s: Fraction | None
    frame_s: Fraction
    notes: tuple[str, ...]

    @property
    def start_s(self) -> Fraction:
        """Returns when the first frame is shown, by the stream's clock."""
        return int(self.times.min()) * self.base if len(self.times) else Fraction(0)

    def unread(
        self,
        sampled_s: Sequence[Fraction],
        interval_s: Fraction,
        first_s: Fraction,
        last_s: Fraction | None,
    ) -> tuple[str, ...]:
        """Returns a line if there are packets of times for which no frame was had.

        Args:
          sampled_s: when the frames that were had are shown, by the stream's clock.
          interval_s: one was wanted this long after the other at the latest; each one if 0.
          first_s, last_s: of the part that was wanted; last_s is None for the video's end.
        """
        times = np.sort(self.times) * float(self.base)
        least = max(LEAST_UNREAD_S, 4 * self.frame_s)  # a few may come in another order
        end = times[-1] + float(self.frame_s) if last_s is None else float(last_s)
        times = times[(times >= float(first_s)) & (times < end)]
        sampled = np.sort(np.array(sampled_s, float))
        wanted = np.append(times, end)
        due = np.concatenate([[float(first_s)], sampled + float(interval_s) + float(self.base)])
        missed_from = wanted[np.searchsorted(times, due)]
        missed = np.append(sampled, end) - missed_from
        missed_s = missed[missed > least].sum()
        if not missed_s:
            return ()
        return (f"{missed_s:.1f} of {end - float(first_s):.1f} s could not be decoded: damaged?",)

    def applied(self, packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
        """Yields all packets of the stream, with times that advance."""
        if not self.is_moved:
            yield from packets
            return
        number = 0
        for packet in packets:
            # The file may have grown since.
            if _is_shown(packet) and number < len(self.times):
                if self.counted[number] or packet.pts is None:
                    packet.pts = packet.dts = None
                elif moved := int(self.times[number]) - packet.pts:
                    packet.pts += moved
                    packet.dts = None if packet.dts is None else packet.dts + moved
                number += 1
            yield packet


@contextlib.contextmanager
def open_with_timeline(path: Path) -> Iterator[tuple[VideoStream, Timeline, Iterator[av.Packet]]]:
    """Opens a file and gives its video, the timeline, and all packets with times that advance.

    All packets are read once before, which takes a hundredth of decoding them. Raises as
    `open_video`.
    """
    kept, size = [], 0
    shown, decoded, last = [], [], None
    with contextlib.ExitStack() as opened:
        container, stream = opened.enter_context(open_video(path))
        for packet in packets_of(container, stream):
            if _is_shown(packet):
                shown.append(NO_TIME if packet.pts is None else packet.pts)
                decoded.append(NO_TIME if packet.dts is None else packet.dts)
                last = packet
            size += packet.size + BYTES_A_PACKET
            if size <= MOST_BYTES_KEPT:
                kept.append(packet)
            else:
                kept.clear()
        end = (last.pos or 0) + last.size if last else 0
        timeline = _timeline(container, stream, np.array(shown, int), np.array(decoded, int), end)
        packets: Iterable[av.Packet] = kept
        if size > MOST_BYTES_KEPT:
            opened.close()
            container, stream = opened.enter_context(open_video(path))
            packets = packets_of(container, stream)
        yield stream, timeline, timeline.applied(packets)


def read_timeline(path: Path) -> Timeline:
    """Reads the times of all packets of a video's stream; raises as `open_video`."""
    with open_with_timeline(path) as (_, timeline, _):
        return timeline


def _is_shown(packet):
    return packet.size and not packet.is_discard


def _timeline(container, stream, shown, decoded, end):
    """Makes a timeline of packets' times, i64[packets], the last of which ends at byte `end`."""
    base = stream.time_base or Fraction(1, 90_000)
    claimed = stream.duration and stream.duration * base
    claimed = claimed or Fraction(container.duration or 0, av.time_base)
    rates = (stream.average_rate, claimed and len(shown) / claimed, FALLBACK_FPS)
    frame_s = 1 / Fraction(next(rate for rate in rates if rate and rate <= MOST_FPS))
    frame_ticks = max(1, round(frame_s / base))
    if not len(shown):
        return Timeline(shown, False, shown == 0, base, claimed or None, frame_s, ())
    times, counted, step, notes = arranged(shown, decoded, float(base), frame_ticks)
    first = int(times.min()) * base
    span = int(times.max() + step) * base - first
    # Average rates of damaged files may be any: a frame takes no longer than a few usual ones.
    tolerance = max(HEADER_TOLERANCE * span, 2 * min(frame_ticks, 4 * step) * base)
    duration = claimed if abs(claimed - span) <= tolerance else span
    if claimed and min(abs(claimed - span), abs(claimed - first - span)) > tolerance:
        notes += (f"the file claims {float(claimed):.0f} s, its frames last {float(span):.0f} s",)
    elif "avi" in container.format.name and stream.frames > (1 + HEADER_TOLERANCE) * len(shown) + 2:
        notes += (f"the file claims {stream.frames} frames, it has {len(shown)}",)
    pauses = np.diff(np.sort(times))
    paused = int(pauses[pauses > max(NOTED_PAUSE_S / base, 10 * step)].sum()) * base
    if paused:
        notes += (f"for {float(paused):.0f} of {float(span):.0f} s it has no frames: damaged?",)
    fragmented = "mp4" in container.format.name and not stream.frames  # claims what it read first
    left = 1 - end / container.size if container.size else 0
    if left > MOST_LEFT and (fragmented or not claimed):
        notes += (f"its last {left:.0%} hold no frame that could be found: damaged?",)
    is_moved = counted.any() or (times != shown).any()
    return Timeline(times, bool(is_moved), counted, base, duration, frame_s, notes)

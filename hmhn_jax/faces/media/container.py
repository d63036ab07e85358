"""Safe opening of video files: no other file is opened, and memory is bounded.

FFmpeg looks at a file's content, not at its name. What is called a video may be a playlist, which
makes it open other files; it may also claim frames of any size. Both are refused here.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.container import Container, InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from hmhn_jax.base.errors import UserError, one_line

# FFmpeg's names of the formats that videos come in; playlists and lists of pictures are not among
# them.
FORMATS = ("mov", "matroska", "avi", "asf", "flv", "mpeg", "mpegts", "mpegvideo", "ogg", "gif")
# Brands of the pictures that phones take, which FFmpeg opens as a video of their tiles.
STILL_BRANDS = ("heic", "heix", "mif1", "avif")
MOST_PIXELS = 8192 * 4320  # of a frame: the most of level 6.2, the highest, of H.264 and HEVC
MOST_FAILURES = 100  # packets one after the other that cannot be read

# Titles and the like may be in any encoding. Before PyAV 19, `av.open` refused what is not UTF-8.
_OLD_PYAV = int(av.__version__.split(".")[0]) < 19
ANY_METADATA: dict[str, Any] = {"metadata_errors": "ignore"} if _OLD_PYAV else {}


class VideoError(UserError):
    """An unusable video. `reason` says why, without the file's name."""

    def __init__(self, path: Path, reason: str):
        super().__init__(f"{path}: {reason}")
        self.reason = one_line(reason)


@contextlib.contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Opens a file and finds its video: the track that players show, never a cover picture.

    Raises VideoError when the file is missing or empty, is no video, or its frames are too large;
    so whatever FFmpeg raises in the block becomes one.
    """
    path = Path(path)
    _refuse_missing_or_empty(path)
    limits = {"max_pixels": str(MOST_PIXELS)}
    restrictions = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file"}
    try:
        # Absolute, as "concat:a.mp4" would be taken for a protocol.
        with av.open(
            str(path.absolute()), options=limits | restrictions, **ANY_METADATA
        ) as container:
            stream = _video_stream(container, path)
            # Holds also for a size that is claimed in the middle of the video.
            stream.codec_context.options = limits
            # Videos are decoded in parallel, a process each; threads within would compete.
            stream.codec_context.thread_count = 1
            yield container, stream
    except av.FFmpegError as error:
        raise VideoError(path, f"not a readable video or picture ({error.strerror})") from error


def packets_of(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet]:
    """Yields the packets of a stream in the file's order; a file that is cut off ends early.

    What is damaged within is passed over where the format lets the next packet be found.
    """
    failures = 0
    while failures < MOST_FAILURES:
        try:
            for packet in container.demux(stream):
                failures = 0
                yield packet
            return
        except av.EOFError:
            return
        except av.InvalidDataError:
            failures += 1


def _refuse_missing_or_empty(path: Path) -> None:
    try:
        is_file, size = path.is_file(), path.stat().st_size
    except (OSError, ValueError):  # a name that no file can have
        is_file, size = False, 0
    if not is_file:
        raise VideoError(path, "no such file")
    if size == 0:
        raise VideoError(path, "the file is empty (0 bytes)")


def track_notes(container: Container, stream: VideoStream) -> tuple[str, ...]:
    """Returns a line that says which of several video tracks was taken; nothing of a single one."""
    tracks = _tracks(container)
    if len(tracks) < 2:
        return ()
    number = [each.index for each in tracks].index(stream.index) + 1
    return (f"has {len(tracks)} video tracks: only number {number}, which players show, was taken",)


def _tracks(container):
    """Returns the video streams but the covers of music and the thumbnails of chapters."""
    stills = Disposition.attached_pic | Disposition.timed_thumbnails
    return [each for each in container.streams.video if not each.disposition & stills]


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    if container.metadata.get("major_brand") in STILL_BRANDS:
        raise VideoError(path, "a picture in HEIF or AVIF; expected a video, or save it as JPEG")
    tracks = _tracks(container)
    if not tracks:
        raise VideoError(path, "has no video stream")
    tracks = [each for each in tracks if each.disposition & Disposition.default] or tracks
    best = container.streams.best("video")
    stream = next((each for each in tracks if best and each.index == best.index), tracks[0])
    if stream.codec_context is None:
        raise VideoError(path, "not a readable video (in an unknown format, or cut off)")
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MOST_PIXELS:
        raise VideoError(
            path,
            f"frames of {width} x {height} pixels; expected at most {MOST_PIXELS / 1e6:.0f} "
            "million a frame",
        )
    return stream

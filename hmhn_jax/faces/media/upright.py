"""Decoded frames as players show them: turned, mirrored, with square pixels and usual colours."""

from fractions import Fraction

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from hmhn_jax.faces.media.colour import to_bt709, wide_colours

# Pixels this far from square are none that a camera has: the file is wrong about them.
WIDEST_PIXEL = 4
# Nearer to square than this, nothing is scaled: 1 % does not show in a face.
NEARLY_SQUARE = Fraction(1, 100)


def upright_rgb(
    frame: av.VideoFrame, stream: VideoStream, converter: VideoReformatter
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Converts a decoded frame to u8[height, width, 3], contiguous, as it is shown.

    A matrix (BT.601, 709, 2020) and range that the file names are followed; without, BT.601 and the
    limited range are assumed, as FFmpeg does. The stream knows the shape of its pixels. One
    converter serves all frames of a video: to make one takes longer than to convert a frame.

    Also returns notes: a line for each thing that is not shown as it is meant.
    """
    size = _size_of_square_pixels(frame, stream)
    shown = None
    notes: tuple[str, ...] = ()
    if wide := wide_colours(frame):
        try:
            shown = to_bt709(frame, **{"width": frame.width, "height": frame.height} | size)
        except (av.FFmpegError, ValueError):
            notes = (f"its colours ({wide}) are not converted: faces are paler than they were",)
    if shown is None:
        shown = converter.reformat(frame, **size, format="rgb24", threads=1)
    rgb = oriented(shown.to_ndarray(), _display_matrix(frame))
    return np.ascontiguousarray(rgb), notes  # odd widths come padded


def _size_of_square_pixels(frame, stream):
    """Returns the size to scale to, the longer side stretched, or nothing to keep it."""
    ratio = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    if not ratio or abs(ratio - 1) < NEARLY_SQUARE:
        return {}
    if not 1 / WIDEST_PIXEL <= ratio <= WIDEST_PIXEL:
        return {}
    if ratio > 1:
        return {"width": round(frame.width * ratio), "height": frame.height}
    return {"width": frame.width, "height": round(frame.height / ratio)}


def _display_matrix(frame):
    """Returns a, b, c, d of the matrix that takes a pixel (x, y) to (a x + c y, b x + d y)."""
    stored = frame.side_data.get(Type.DISPLAYMATRIX)
    if stored is None:
        return 1, 0, 0, 1
    # Rows of three: a, b, u, c, d, v, x, y, w (libavutil/display.h).
    a, b, _, c, d, *_ = np.frombuffer(bytes(stored), np.int32).tolist()
    return a, b, c, d


def oriented(rgb: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Turns by the nearest quarter and mirrors [height, width, 3] as a display matrix says."""
    a, b, c, d = matrix
    to_x, to_y = a, d
    if abs(b) + abs(c) > abs(a) + abs(d):  # rows become columns
        rgb = rgb.transpose(1, 0, 2)
        to_x, to_y = c, b
    return rgb[:: -1 if to_y < 0 else 1, :: -1 if to_x < 0 else 1]

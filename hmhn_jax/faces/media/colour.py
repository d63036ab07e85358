"""Conversion of HDR and wide-gamut colours (HLG, PQ, BT.2020) to those of usual video (BT.709)."""

import functools
import threading

import av
from av.filter import Graph
from av.video.reformatter import ColorPrimaries, ColorTrc

HDR_CURVES: dict[int, str] = {ColorTrc.ARIB_STD_B67: "HLG", ColorTrc.SMPTE2084: "PQ"}
UNSPECIFIED = 2  # what FFmpeg calls a matrix or primaries that a file does not name
GRAPHS_KEPT = 16


def wide_colours(frame: av.VideoFrame) -> str | None:
    """Returns the name of a frame's colours; None of usual ones, and where a file names none."""
    if frame.color_trc in HDR_CURVES:
        return HDR_CURVES[frame.color_trc]
    return "BT.2020" if frame.color_primaries == ColorPrimaries.BT2020 else None


def to_bt709(frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    """Converts a frame of `wide_colours` to rgb24 in BT.709, scaled.

    The white of a sheet of paper (203 cd/m2) becomes the white of usual video; what is brighter, as
    only lamps and reflections are, becomes white too. So a face looks as in usual video. Raises
    av.FFmpegError or ValueError when this FFmpeg cannot convert such a frame.
    """
    graph = _graph(
        threading.get_ident(),
        (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range),
        (frame.color_trc, frame.color_primaries),
        (width, height),
    )
    try:
        graph.push(frame)
        return graph.pull()
    except (av.FFmpegError, ValueError):
        _graph.cache_clear()  # it may be left in any state
        raise


# FFmpeg takes three seconds to work out a table of colours, which serves all videos of a kind. A
# graph is no thing to share between threads.
@functools.lru_cache(GRAPHS_KEPT)
def _graph(_thread, stored, colours, size):
    width, height, pixel_format, matrix, value_range = stored
    _, primaries = colours
    graph = Graph()
    source = graph.add(
        "buffer",
        video_size=f"{width}x{height}",
        pix_fmt=pixel_format,
        time_base="1/1",
        colorspace=str(matrix),
        range=str(value_range),
    )
    scale = graph.add(
        "scale",
        w=str(size[0]),
        h=str(size[1]),
        flags="bilinear",
        in_color_matrix="bt2020" if matrix == UNSPECIFIED else "auto",
        in_primaries="bt2020" if primaries == UNSPECIFIED else "auto",
        out_primaries="bt709",
        out_transfer="bt709",
        intent="relative_colorimetric",
    )
    as_rgb, sink = graph.add("format", pix_fmts="rgb24"), graph.add("buffersink")
    graph.link_nodes(source, scale, as_rgb, sink).configure()
    return graph

"""Headers of videos and pictures, without decoding more than one frame."""

import dataclasses
from pathlib import Path

from hmhn_jax.base.formats import is_picture
from hmhn_jax.faces.media.container import open_video
from hmhn_jax.faces.media.images import read_image
from hmhn_jax.faces.media.video import sampled_frames


@dataclasses.dataclass(frozen=True)
class Header:
    """A video that opens and whose first frame decodes, or a picture.

    Attributes:
      duration_s: seconds as its header claims them, if its frames agree, else those of its frames;
        None of a picture, and if nothing says.
      fps: average frames a second; None if it does not say.
      width, height: pixels of a frame, upright.
      codec: such as "h264"; "picture" of a picture.
      notes: a line for each thing that is wrong with its times or its picture.
      constant_rate: False if the claimed rates contradict each other, so that frames are probably
        not evenly spaced.
    """

    duration_s: float | None
    fps: float | None
    width: int
    height: int
    codec: str
    notes: tuple[str, ...]
    constant_rate: bool


def probe(path: Path) -> Header:
    """Reads a video's header, its first frame, and the times of all its packets.

    Raises VideoError when the file is neither, or its first frames cannot be decoded.
    """
    if is_picture(path):
        height, width, _ = read_image(path).shape
        return Header(None, None, width, height, "picture", (), constant_rate=True)
    frames = sampled_frames(path, max_frames=1)
    first = next(iter(frames))
    with open_video(path) as (_, stream):
        average, base = stream.average_rate, stream.base_rate
        return Header(
            duration_s=None if frames.duration_s is None else float(frames.duration_s),
            fps=float(average) if average else None,
            width=first.rgb.shape[1],
            height=first.rgb.shape[0],
            codec=stream.codec_context.name,
            notes=frames.notes,
            constant_rate=not (average and base) or abs(1 - average / base) < 0.01,
        )

"""What a video file says about itself, without decoding more than one frame."""

import dataclasses
from pathlib import Path

import av

from hmhn_jax.faces.container import open_video
from hmhn_jax.faces.video import sampled_frames


@dataclasses.dataclass(frozen=True)
class Header:
    """A video that opens and whose first frame decodes.

    Attributes:
      duration_s: seconds as its header claims them; None if it does not say.
      fps: average frames a second; None if it does not say.
      width, height: pixels of a frame, upright.
      codec: such as "h264".
      constant_rate: False if the claimed rates contradict each other, so that frames are probably
        not evenly spaced.
    """

    duration_s: float | None
    fps: float | None
    width: int
    height: int
    codec: str
    constant_rate: bool


def probe(path: Path) -> Header:
    """Reads a video's header and first frame; takes milliseconds, however long the video.

    Raises:
      VideoError: the file is no video or its first frames cannot be decoded.
    """
    first = next(iter(sampled_frames(path, max_frames=1)))  # also refuses what is no video
    with open_video(path) as (container, stream):
        duration = None
        if stream.duration:
            duration = float(stream.duration * stream.time_base)
        elif container.duration:
            duration = container.duration / av.time_base
        average, base = stream.average_rate, stream.base_rate
        return Header(
            duration_s=duration,
            fps=float(average) if average else None,
            width=first.rgb.shape[1],
            height=first.rgb.shape[0],
            codec=stream.codec_context.name,
            constant_rate=not (average and base) or abs(average / base - 1) < 0.01,
        )

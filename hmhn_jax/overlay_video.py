"""A video of the aligned face beside the heads' maps over it."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from hmhn_jax import atomic
from hmhn_jax.attention import overlays
from hmhn_jax.ensemble import Trained
from hmhn_jax.faces.crops import Crop
from hmhn_jax.faces.jpeg import decode_crops

TILE = 224  # pixels that a face is shown at, as far as whole multiples reach
TICKS = 1000  # a second
FRAMES_AT_ONCE = 16


def write_overlay_video(path: Path, crops: Sequence[Crop], trained: Trained) -> bool:
    """Writes an mp4 in which every crop is shown when its frame was.

    From left to right: the face as the network sees it, then each head.

    Args:
      path: of the mp4.
      crops: of one video, in the order of time, at least one.
      trained: the network whose heads are shown.

    Returns:
      Whether it was written: False of a network without heads.

    Raises:
      UserError: when it cannot be written.
    """
    if not trained.model.use_mab:
        return False
    factor = max(1, TILE // trained.image_size)
    side = trained.image_size * factor // 2 * 2  # H.264 in 4:2:0 needs even sides
    with atomic.replacing(path) as temporary, av.open(str(temporary), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "20"})
        stream.width, stream.height = side * (trained.model.num_heads + 1), side
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, TICKS)
        for start in range(0, len(crops), FRAMES_AT_ONCE):
            some = crops[start : start + FRAMES_AT_ONCE]
            images = decode_crops([crop.jpeg for crop in some], trained.image_size)
            tiles = np.concatenate([images[:, None], overlays(trained, images)], axis=1)
            tiles = tiles.repeat(factor, axis=2).repeat(factor, axis=3)[:, :, :side, :side]
            for crop, row in zip(some, tiles, strict=True):
                frame = av.VideoFrame.from_ndarray(np.concatenate(row, axis=1), format="rgb24")
                frame.pts, frame.time_base = round(crop.time_s * TICKS), Fraction(1, TICKS)
                container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return True

"""Video of the aligned face next to overlays of the heads' maps."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from hmhn_jax.base import files
from hmhn_jax.base.notices import NOTICE
from hmhn_jax.faces.media.jpeg import decode_crops
from hmhn_jax.prediction.attention import overlays
from hmhn_jax.prediction.ensemble import Trained
from hmhn_jax.prediction.result import Prediction

TILE = 224  # pixels that a face is shown at, as far as whole multiples reach
TICKS = 1000  # a second
FRAMES_AT_ONCE = 16

NUM_LINES, LINE = 3, 20  # below the tiles; pixels a line
FONT, FONT_SCALE, MARGIN = cv2.FONT_HERSHEY_SIMPLEX, 0.45, 6


def write_overlay_video(path: Path, made: Prediction, trained: Trained, synthetic: bool) -> bool:
    """Writes an mp4 that shows every crop at its frame's time.

    From left to right: the face as the network sees it, then each head. Below them stand their
    names, the frame's score and time, and what the score and the maps are not.

    Args:
      path: of the mp4.
      made: of a video, with a score.
      trained: the network whose heads are shown.
      synthetic: whether a network was trained on synthetic faces, which each frame then says.

    Returns:
      Whether it was written: False of a network without heads.

    Raises:
      UserError: when it cannot be written.
    """
    if not trained.model.use_mab:
        return False
    factor = max(1, TILE // trained.image_size)
    side = trained.image_size * factor // 2 * 2  # H.264 in 4:2:0 needs even sides
    with files.replacing(path) as temporary, av.open(str(temporary), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "20"})
        stream.width = side * (trained.model.num_heads + 1)
        stream.height = side + NUM_LINES * LINE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, TICKS)
        pts = -1
        for start in range(0, len(made.crops), FRAMES_AT_ONCE):
            some = made.crops[start : start + FRAMES_AT_ONCE]
            images = decode_crops([crop.jpeg for crop in some], trained.image_size)
            tiles = np.concatenate([images[:, None], overlays(trained, images)], axis=1)
            tiles = tiles.repeat(factor, axis=2).repeat(factor, axis=3)[:, :, :side, :side]
            scores = made.mean_scores[start : start + FRAMES_AT_ONCE]
            for crop, score, row in zip(some, scores, tiles, strict=True):
                below = _caption(row.shape, score, crop.time_s, synthetic)
                image = np.concatenate([np.concatenate(row, axis=1), below])
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                pts = max(pts + 1, round(crop.time_s * TICKS))  # some files have two at one time
                frame.pts, frame.time_base = pts, Fraction(1, TICKS)
                container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return True


def _caption(shape, score, time_s, synthetic):
    """Draws the caption below tiles of a shape [1+K,side,side,3], u8[60,(1+K) side,3]."""
    columns, side = shape[0], shape[2]
    image = np.zeros((NUM_LINES * LINE, columns * side, 3), np.uint8)
    for column in range(columns):
        name = f"head {column}" if column else "face"
        _write(image, name, 0, column * side, side)
    first = f"score {score:.1f} at {time_s:.1f} s"
    if synthetic:
        first += "; trained on synthetic faces"
    _write(image, first, 1, 0, columns * side)
    _write(image, f"{NOTICE}; maps are no explanation", 2, 0, columns * side)
    return image


def _write(image, text, line, left, width):
    """Writes a line of text, smaller where it would not fit."""
    (wanted, _), _ = cv2.getTextSize(text, FONT, FONT_SCALE, 1)
    scale = FONT_SCALE * min(1.0, (width - 2 * MARGIN) / wanted)
    place = (left + MARGIN, (line + 1) * LINE - MARGIN)
    cv2.putText(image, text, place, FONT, scale, (255, 255, 255), 1, cv2.LINE_AA)

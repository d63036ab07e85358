"""Hair: shape and strands."""

import dataclasses

import cv2
import numpy as np

from hmhn_jax.recordings.synthetic.identity import Subject
from hmhn_jax.recordings.synthetic.painting.canvas import (
    LEFT,
    PIXELS_PER_UNIT,
    TOP,
    WIDTH,
    X,
    Y,
    gaussian,
    noise,
    smoothstep,
)

SKULL_TOP = 1.60  # height of the skull above the origin, in face units


@dataclasses.dataclass(frozen=True)
class HairStyle:
    """Shape of a hair style, in face units.

    Attributes:
      volume: thickness of the hair on the skull.
      side_end: y down to which the hair in front of the ears reaches.
      fringe: how far it falls below the hairline.
      recession: how far the hairline has moved up.
      length: y down to which hair hangs next to the face; 0 where it does not.
      curly: whether strands are curls.
    """

    volume: float
    side_end: float
    fringe: float = 0.0
    recession: float = 0.0
    length: float = 0.0
    curly: bool = False


STYLES = {
    "cropped": HairStyle(volume=0.08, side_end=-0.12),
    "swept": HairStyle(volume=0.16, side_end=0.0),
    "fringe": HairStyle(volume=0.13, side_end=0.12, fringe=0.22),
    "long": HairStyle(volume=0.15, side_end=1.6, length=1.65),
    "curly": HairStyle(volume=0.26, side_end=0.15, curly=True),
    "receding": HairStyle(volume=0.03, side_end=0.0, recession=0.42),
}


def paint_hair(rng: np.random.Generator, subject: Subject) -> tuple[np.ndarray, np.ndarray]:
    """Paints a subject's hair.

    Returns:
      coverage: f32[HEIGHT, WIDTH], 0 to 1.
      color: f32[HEIGHT, WIDTH, 3], its albedo wherever it covers.
    """
    style = STYLES[subject.hair_style]
    x = np.abs(X) / subject.face_width
    strands = _strands(rng, style)
    coverage = _silhouette(rng, x, style) * np.maximum(
        _above_hairline(rng, subject, style), _beside_face(x, style, strands)
    )
    if style.recession:
        coverage *= 0.85
    shine = 0.35 * gaussian((-0.3, -1.4), (0.6, 0.16))
    tone = 1 + 0.20 * strands + shine
    return coverage, np.clip(np.asarray(subject.hair, np.float32) * tone[..., None], 0, 1)


def _silhouette(rng, x, style):
    """Computes the coverage of head and hair, with a slightly frayed outline."""
    above = (x / (1.02 + style.volume)) ** 2.2 + (np.abs(Y) / (SKULL_TOP + style.volume)) ** 2.3
    if style.length:
        below = (x / (1.02 + style.volume)) ** 4 + (np.abs(Y) / style.length) ** 8
    else:
        below = (x / (1.02 + style.volume)) ** 2.2 + (np.abs(Y) / 1.5) ** 2.3
    fraying = 0.035 * noise(rng, 9) + 0.02 * noise(rng, 4) if style.curly else 0.012 * noise(rng, 3)
    return smoothstep(1.05, 0.96, np.where(Y < 0, above, below) + fraying)


def _above_hairline(rng, subject, style):
    """Computes the coverage of hair on top of the head, ending at the hairline in fine strands."""
    off_part = np.abs(X - subject.hair_part)
    line = subject.hairline - style.recession * np.exp(-((X / 0.75) ** 4))
    line = line + 0.10 * off_part + 1.1 * np.clip(np.abs(X) - 0.6, 0, 1) ** 1.2
    if style.fringe:
        line = line + style.fringe * smoothstep(1.0, 0.2, np.abs(X))
    tips = 0.05 * noise(rng, 7) if style.curly else 0.035 * noise(rng, (3, 60))
    softness = 0.09 if style.recession else 0.05
    return smoothstep(line + softness, line - softness, Y + tips)


def _beside_face(x, style, strands):
    """Computes the coverage of hair in front of the ears, or hanging next to the face."""
    if style.length:
        inner = 0.93 - 0.20 * smoothstep(0.5, 1.5, Y)
        return smoothstep(inner - 0.02, inner + 0.03, x + 0.008 * strands)
    return smoothstep(0.85, 0.93, x) * smoothstep(style.side_end + 0.12, style.side_end - 0.18, Y)


def _strands(rng, style):
    """Draws light and dark strands of about unit variance, f32[HEIGHT, WIDTH]."""
    if style.curly:
        return 0.8 * noise(rng, 6) + 0.6 * noise(rng, 3)
    straight = 0.8 * noise(rng, (2.2, 60)) + 0.6 * noise(rng, (5, 90))
    # Meridians of the skull: strands run together at the crown and hang straight further down.
    roundness = np.sqrt(np.clip(1 - (np.minimum(Y, 0) / (SKULL_TOP + 0.5)) ** 2, 0.05, 1))
    across = (np.clip(X / roundness, LEFT, -LEFT) - LEFT) * np.float32(PIXELS_PER_UNIT)
    along = (Y - TOP) * np.float32(PIXELS_PER_UNIT)
    across = np.clip(across, 0, WIDTH - 1).astype(np.float32)
    return cv2.remap(straight, across, along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

"""Recording session: light, background, clothes and camera, independent of the score."""

import dataclasses

import numpy as np

from hmhn_jax.recordings.synthetic.identity import Subject
from hmhn_jax.recordings.synthetic.painting.canvas import PIXELS_PER_UNIT
from hmhn_jax.recordings.synthetic.painting.scene import paint_body, paint_wall
from hmhn_jax.recordings.synthetic.painting.shading import Light

_NUM_NOISE_FIELDS = 4
_REFERENCE_HEIGHT = 480  # the image height at which a canvas pixel is about an image pixel


@dataclasses.dataclass(frozen=True)
class Session:
    """One recording's surroundings.

    Attributes:
      size: width and height of the image in pixels.
      light: on face and body.
      wall: f32[height, width, 3], behind the body.
      body_top: the first row of the image that the body may cover.
      body: f32[height - body_top, width, 3], neck and clothes.
      body_coverage: f32[height - body_top, width], 1 where the body is.
      pixels_per_unit: size of a face unit in the image.
      center: where the head's origin lies in the image, in pixels.
      gain: exposure of the camera, about 1.
      blur: softness of its lens, in pixels.
      noise: i16[n, height, width, 3], what its sensor adds; a frame takes one of them.
    """

    size: tuple[int, int]
    light: Light
    wall: np.ndarray
    body_top: int
    body: np.ndarray
    body_coverage: np.ndarray
    pixels_per_unit: float
    center: tuple[float, float]
    gain: float
    blur: float
    noise: np.ndarray


def draw_session(
    rng: np.random.Generator, subject: Subject, size: tuple[int, int] = (640, 480)
) -> Session:
    """Draws a recording's surroundings at random."""
    width, height = size
    light = Light(
        direction=(rng.uniform(-0.7, 0.7), rng.uniform(-0.9, -0.1), rng.uniform(0.7, 1.2)),
        ambient=rng.uniform(0.35, 0.6),
        key=rng.uniform(0.5, 0.8),
        gloss=rng.uniform(0.03, 0.28),
        ambient_color=tuple(1 + rng.normal(0, 0.03, 3)),
        key_color=tuple(1 + rng.normal(0, 0.04, 3)),
    )
    pixels_per_unit = rng.uniform(0.80, 1.0) * PIXELS_PER_UNIT * height / _REFERENCE_HEIGHT
    center = (width * rng.uniform(0.42, 0.58), height * rng.uniform(0.46, 0.54))
    strength = 255 * rng.uniform(0.003, 0.012)
    grain = strength * rng.standard_normal((_NUM_NOISE_FIELDS, height, width, 1), np.float32)
    body_top, body, body_coverage = paint_body(rng, subject, light, size, center, pixels_per_unit)
    return Session(
        size=size,
        light=light,
        wall=paint_wall(rng, size),
        body_top=body_top,
        body=body,
        body_coverage=body_coverage,
        pixels_per_unit=pixels_per_unit,
        center=center,
        gain=rng.uniform(0.85, 1.12),
        blur=rng.uniform(0.3, 0.9),
        noise=np.repeat(np.round(grain).astype(np.int16), 3, axis=-1),
    )

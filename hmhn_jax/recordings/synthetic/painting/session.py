"""Recording session: light, wall, clothes and camera, independent of the score."""

import dataclasses

import cv2
import numpy as np

from hmhn_jax.recordings.synthetic.identity import Color, Subject
from hmhn_jax.recordings.synthetic.painting.canvas import PIXELS_PER_UNIT, noise, smoothstep
from hmhn_jax.recordings.synthetic.painting.hair import STYLES

_NUM_NOISE_FIELDS = 4
_REFERENCE_HEIGHT = 480  # the image height at which a canvas pixel is about an image pixel


@dataclasses.dataclass(frozen=True)
class Light:
    """One lamp and the light that comes from everywhere.

    Attributes:
      direction: where the lamp stands: x to the right, y down, z towards the viewer.
      ambient, key: strength of the light from everywhere and of the lamp.
      gloss: strength of the highlights.
      ambient_color, key_color: RGB factors, each about 1.
    """

    direction: Color
    ambient: float
    key: float
    gloss: float
    ambient_color: Color
    key_color: Color


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
    body_top, body, body_coverage = _paint_body(rng, subject, light, size, center, pixels_per_unit)
    return Session(
        size=size,
        light=light,
        wall=_paint_wall(rng, size),
        body_top=body_top,
        body=body,
        body_coverage=body_coverage,
        pixels_per_unit=pixels_per_unit,
        center=center,
        gain=rng.uniform(0.85, 1.12),
        blur=rng.uniform(0.3, 0.9),
        noise=np.repeat(np.round(grain).astype(np.int16), 3, axis=-1),
    )


def _paint_wall(rng, size):
    """Paints a wall with objects, out of focus; f32[height, width, 3], 0 to 1."""
    width, height = size
    wall = np.empty((height, width, 3), np.float32)
    wall[:] = rng.uniform(0.25, 0.8) * (1 + rng.normal(0, 0.06, 3))
    slope_x, slope_y = rng.uniform(-0.35, 0.35, 2)
    falloff_x = slope_x * np.linspace(-0.5, 0.5, width, dtype=np.float32)
    falloff_y = slope_y * np.linspace(-0.5, 0.5, height, dtype=np.float32)
    wall *= (1 + falloff_x + falloff_y[:, None])[..., None]
    for _ in range(rng.integers(0, 5)):
        _hang_picture(rng, wall)
    wall += 0.015 * noise(rng, 60, (height, width))[..., None]
    blur = rng.uniform(3, 8)
    small = cv2.resize(wall, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(np.clip(small, 0, 1), (0, 0), blur / 2)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _hang_picture(rng, wall):
    height, width = wall.shape[:2]
    left, top = int(rng.uniform(-50, width)), int(rng.uniform(-50, height * 0.6))
    right, bottom = left + int(rng.uniform(40, 240)), top + int(rng.uniform(40, 300))
    color = np.clip(rng.uniform(0.1, 0.85) * (1 + rng.normal(0, 0.18, 3)), 0, 1)
    cv2.rectangle(wall, (left, top), (right, bottom), (0.6 * color).tolist(), -1)
    cv2.rectangle(wall, (left + 8, top + 8), (right - 8, bottom - 8), color.tolist(), -1)


def _paint_body(rng, subject, light, size, center, pixels_per_unit):
    """Paints neck, clothes and the hair behind them, lit.

    Returns the first row of the image that the body may cover, and of the rows from there to the
    bottom its colour f32[rows, width, 3] and coverage f32[rows, width].
    """
    has_long_hair = STYLES[subject.hair_style].length > 0
    top = int(center[1] + (0.2 if has_long_hair else 0.6) * pixels_per_unit)
    width, height = size[0], size[1] - top
    body = np.zeros((height, width, 3), np.float32)
    coverage = np.zeros((height, width), np.float32)
    x = (np.arange(width, dtype=np.float32) - center[0]) / pixels_per_unit
    y = ((np.arange(height, dtype=np.float32) + top - center[1]) / pixels_per_unit)[:, None]

    def add(half_outline, blur, color):
        outline = np.concatenate([half_outline, half_outline[::-1] * [-1, 1]])
        pixels = outline * pixels_per_unit + [center[0], center[1] - top]
        mask = np.zeros((height, width), np.uint8)
        cv2.fillPoly(mask, [np.round(pixels * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        layer = cv2.GaussianBlur(mask, (0, 0), blur).astype(np.float32) / 255
        color = np.ascontiguousarray(np.broadcast_to(color, body.shape), np.float32)
        # Where nothing lies below, the edge keeps its own colour instead of fading to black.
        body[:] = np.where(
            (coverage > 0)[..., None], body + layer[..., None] * (color - body), color
        )
        np.maximum(coverage, layer, out=coverage)

    shoulder_y = rng.uniform(1.85, 2.05)
    neck = rng.uniform(0.56, 0.64) * subject.face_width
    from_side = 1 + 0.12 * np.sign(light.direction[0]) * np.tanh(1.5 * x)  # the lamp's side
    brightness = (light.ambient + 0.40 * light.key) * from_side
    if has_long_hair:
        strands = 0.5 * (1 + 0.10 * noise(rng, (3, 80), (height, width)))
        back = _curve([(0, 0.2), (0.95, 0.3), (1.0, 1.2), (0.85, 1.7), (0, 1.7)])
        add(back, 2.0, np.asarray(subject.hair) * (strands * brightness)[..., None])

    chin_shadow = 0.50 + 0.42 * smoothstep(1.25, 1.95, y)
    roundness = 1 - 0.25 * np.clip(np.abs(x) / neck, 0, 1.2) ** 4
    flare = _curve(
        [(0, 0.6), (neck, 0.6), (neck, 1.45), (neck + 0.16, 1.8), (1.2, 2.1), (1.0, 3.5), (0, 3.5)]
    )
    skin = np.asarray(subject.skin) * (chin_shadow * roundness * brightness)[..., None]
    add(flare, 1.2, skin)

    neckline = rng.uniform(0.0, 0.35)  # from a round collar to a wide one
    collar_x, collar_y = neck + 0.08 + 0.3 * neckline, shoulder_y - 0.22
    shirt = _curve(
        [
            (0, shoulder_y + 0.05 + neckline),
            (0.6 * collar_x, shoulder_y - 0.02 + 0.6 * neckline),
            (collar_x, collar_y),
            (1.45, shoulder_y + 0.10),
            (2.1, shoulder_y + 0.45),
            (2.45, shoulder_y + 1.4),
            (2.6, 5.0),
            (0, 5.0),
        ]
    )
    cloth = rng.uniform(0.1, 0.7) * (1 + rng.normal(0, 0.22, 3))
    folds = 1 + 0.05 * noise(rng, (25, 90), (height, width))
    rounding = 1 - 0.35 * np.clip(np.abs(x) / 2.4, 0, 1) ** 3
    cloth = np.clip(cloth, 0.03, 0.85) * (folds * rounding * brightness)[..., None]
    add(shirt, 1.0, cloth)
    return top, body, coverage


def _curve(corners):
    """Rounds a line through `corners` by cutting them off twice (Chaikin), f64[n, 2]."""
    line = np.asarray(corners, np.float64)
    for _ in range(2):
        inner = np.stack(
            [0.75 * line[:-1] + 0.25 * line[1:], 0.25 * line[:-1] + 0.75 * line[1:]], 1
        )
        line = np.concatenate([line[:1], inner.reshape(-1, 2)[1:-1], line[-1:]])
    return line

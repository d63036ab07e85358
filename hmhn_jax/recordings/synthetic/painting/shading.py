"""Light on a painted face."""

import dataclasses

import cv2
import numpy as np

from hmhn_jax.recordings.synthetic.painting.canvas import PIXELS_PER_UNIT
from hmhn_jax.recordings.synthetic.painting.head import Head

Color = tuple[float, float, float]
_GLOSS_SQUARINGS = 5  # highlights fall off with the 2**5 = 32nd power
_TOWARDS_VIEWER = np.array([0.0, 0.0, 1.0])


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


def shade(head: Head, albedo: np.ndarray, relief: np.ndarray, light: Light) -> np.ndarray:
    """Lights a face with its features painted; f32[HEIGHT, WIDTH, 3], 0 to 1.2."""
    smooth = cv2.GaussianBlur(relief, (0, 0), 1.6)
    slope_x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3, scale=PIXELS_PER_UNIT / 8)
    slope_y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3, scale=PIXELS_PER_UNIT / 8)
    facing = 1 / np.sqrt(1 + slope_x * slope_x + slope_y * slope_y)

    def towards(direction):
        """Computes the cosine of the angle between the surface and a direction."""
        x, y, z = (np.float32(value) for value in direction / np.linalg.norm(direction))
        return (z - x * slope_x - y * slope_y) * facing

    lamp = np.asarray(light.direction) / np.linalg.norm(light.direction)
    lit = np.clip(0.9 * towards(lamp) + 0.1, 0, 1)
    highlight = np.clip(towards(lamp + _TOWARDS_VIEWER), 0, 1)
    for _ in range(_GLOSS_SQUARINGS):
        highlight *= highlight
    highlight *= np.float32(0.5 * light.gloss) * (1 - 0.6 * head.hair)

    ambient = np.float32(light.ambient) * (0.65 + 0.35 * facing)
    in_shadow = 1 - lit  # where skin looks a little warmer
    result = np.empty_like(albedo)
    warmth = (0.05, -0.01, -0.03)
    for channel in range(3):
        received = ambient * np.float32(light.ambient_color[channel])
        received += lit * np.float32(light.key * light.key_color[channel])
        received += in_shadow * np.float32(warmth[channel])
        result[..., channel] = albedo[..., channel] * received + highlight
    return np.clip(result, 0, 1.2, out=result)

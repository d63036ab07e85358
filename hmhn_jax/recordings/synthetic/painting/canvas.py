"""Canvas for faces, and the brushes that paint on it.

A face is painted flat, looking straight ahead, and only bent over its relief by `camera`. Positions
are in face units: 1 is half the width of an average face, the origin lies on the nose bridge
between the ears, x grows to the image's right and y downwards. Colours are RGB from 0 to 1.
"""

from collections.abc import Sequence
from types import EllipsisType

import cv2
import numpy as np

PIXELS_PER_UNIT = 104.0
LEFT, RIGHT, TOP, BOTTOM = -1.65, 1.65, -2.05, 1.95
WIDTH = int((RIGHT - LEFT) * PIXELS_PER_UNIT)
HEIGHT = int((BOTTOM - TOP) * PIXELS_PER_UNIT)
X, Y = np.meshgrid(
    np.linspace(LEFT, RIGHT, WIDTH, dtype=np.float32),
    np.linspace(TOP, BOTTOM, HEIGHT, dtype=np.float32),
)  # f32[HEIGHT, WIDTH] each: where every pixel lies, in face units
X.setflags(write=False)
Y.setflags(write=False)

SIDES = (-1, 1)  # the image's left and right half of a face

_SUBPIXEL_BITS = 4  # OpenCV draws polygons on a grid of 1/16 pixel
_REACH = 3.2  # standard deviations after which a Gaussian is taken for zero

Color = Sequence[float]
Point = tuple[float, float]
Window = tuple[slice, slice]  # rows and columns of the canvas


def smoothstep(start: float, end: float, values: np.ndarray | float) -> np.ndarray:
    """Rises smoothly from 0 at `start` to 1 at `end`; falls where `start` > `end`."""
    ramp = np.clip((values - start) / (end - start), 0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def window(center: Point, reach_x: float, reach_y: float) -> Window:
    """Returns the part of the canvas within `reach_x`, `reach_y` of `center`, in face units."""

    def span(middle, reach, origin, size):
        first = int((middle - reach - origin) * PIXELS_PER_UNIT)
        last = int((middle + reach - origin) * PIXELS_PER_UNIT) + 1
        return slice(min(max(first, 0), size), min(max(last, 0), size))

    return span(center[1], reach_y, TOP, HEIGHT), span(center[0], reach_x, LEFT, WIDTH)


def gaussian(
    center: Point, deviation: Point, angle: float = 0.0, where: Window | EllipsisType = ...
) -> np.ndarray:
    """Draws a soft spot of height 1, on the whole canvas or in the window `where`.

    `center` is x, y of its middle, `deviation` the standard deviations along its own axes; `angle`
    turns it clockwise, in radians.
    """
    x, y = X[where] - np.float32(center[0]), Y[where] - np.float32(center[1])
    if angle:
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        x, y = cosine * x + sine * y, cosine * y - sine * x
    x, y = x * np.float32(1 / deviation[0]), y * np.float32(1 / deviation[1])
    return np.exp(np.float32(-0.5) * (x * x + y * y))


def darken(
    albedo: np.ndarray, amount: float, center: Point, deviation: Point, angle: float = 0.0
) -> None:
    """Multiplies a soft spot of `albedo` f32[HEIGHT, WIDTH, 3] by 1 - `amount`, in place."""
    where = _window_of_spot(center, deviation, angle)
    spot = gaussian(center, deviation, angle, where)
    albedo[where] *= (1 - np.float32(amount) * spot)[..., None]


def lift(relief: np.ndarray, amount: float, center: Point, deviation: Point) -> None:
    """Adds a soft hill of height `amount` to `relief` f32[HEIGHT, WIDTH], in place."""
    where = _window_of_spot(center, deviation, 0.0)
    relief[where] += np.float32(amount) * gaussian(center, deviation, 0.0, where)


def blend(image: np.ndarray, coverage: np.ndarray, color: np.ndarray | Color) -> None:
    """Moves `image` f32[h, w, 3] towards `color` where `coverage` f32[h, w] is high, in place."""
    image += coverage[..., None] * (np.asarray(color, np.float32) - image)


def polygon(points: np.ndarray, where: Window, blur: float) -> np.ndarray:
    """Draws a filled polygon as coverage from 0 to 1, f32[h, w] of the window.

    `points` f32[n, 2] are its corners in face units; `blur` is the softness of its edge, the
    standard deviation in pixels.
    """
    mask, corners = _empty_mask(where), _fixed_point(points, where)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return _soften(mask, blur)


def stroke(points: np.ndarray, width: int, where: Window, blur: float) -> np.ndarray:
    """Draws a line through `points`, `width` pixels wide, as coverage 0 to 1; see `polygon`."""
    mask, line = _empty_mask(where), _fixed_point(points, where)
    cv2.polylines(mask, [line], False, 255, width, cv2.LINE_AA, _SUBPIXEL_BITS)
    return _soften(mask, blur)


def noise(
    rng: np.random.Generator, cell: Point | float, size: tuple[int, int] = (HEIGHT, WIDTH)
) -> np.ndarray:
    """Draws smooth noise of about unit variance, f32[size].

    `cell` is the width and height of its grains in pixels, or one number for both.
    """
    cell_x, cell_y = cell if isinstance(cell, tuple) else (cell, cell)
    height, width = size
    grid = (int(height / cell_y) + 2, int(width / cell_x) + 2)
    coarse = rng.standard_normal(grid, dtype=np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def _window_of_spot(center, deviation, angle):
    reach_x, reach_y = (max(deviation),) * 2 if angle else deviation
    return window(center, _REACH * reach_x, _REACH * reach_y)


def _empty_mask(where):
    rows, columns = where
    return np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)


def _fixed_point(points, where):
    rows, columns = where
    pixels = (np.asarray(points, np.float64) - [LEFT, TOP]) * PIXELS_PER_UNIT
    pixels -= [columns.start, rows.start]
    return np.round(pixels * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def _soften(mask, blur):
    return cv2.GaussianBlur(mask, (0, 0), blur).astype(np.float32) * np.float32(1 / 255)

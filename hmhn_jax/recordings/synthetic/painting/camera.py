"""Camera: turns a painted head, sets it on its body and photographs it."""

import cv2
import numpy as np

from hmhn_jax.recordings.synthetic.expression import Expression, Pose
from hmhn_jax.recordings.synthetic.painting import eyes, mouth
from hmhn_jax.recordings.synthetic.painting.canvas import (
    LEFT,
    PIXELS_PER_UNIT,
    SIDES,
    TOP,
    smoothstep,
    window,
)
from hmhn_jax.recordings.synthetic.painting.head import Head
from hmhn_jax.recordings.synthetic.painting.session import Session

_MOVING = window((0.0, 0.35), 0.95, 1.1)  # no feature reaches further
_PIVOT_DEPTH = 0.35  # the head turns about an axis this far in front of the canvas's plane
_BODY_FOLLOWS = (0.5, 0.6)  # how far the body moves with the head, sideways and up or down
_JAW_DROP = 0.10  # how far the chin sinks when the mouth is open
_GLOSS_SQUARINGS = 5  # highlights fall off with the 2**5 = 32nd power
_TOWARDS_VIEWER = np.array([0.0, 0.0, 1.0])
_GAMMA = np.clip(255 * (np.arange(256) / 255.0) ** (1 / 1.25) + 0.5, 0, 255).astype(np.uint8)


def render_frame(
    head: Head, session: Session, expression: Expression, pose: Pose, frame: int = 0
) -> np.ndarray:
    """Renders one frame, u8[height, width, 3], RGB; its number picks the camera's noise."""
    albedo, relief = _paint_face(head, expression)
    face = _shade(head, albedo, relief, session.light)
    image = session.wall.copy()
    _add_body(image, session, pose)
    _add_head(image, session, pose, face, relief, head, expression.mouth_open)
    return _photograph(image, session, frame)


def _paint_face(head, expression):
    """Paints albedo f32[HEIGHT, WIDTH, 3] and relief f32[HEIGHT, WIDTH] of one expression."""
    albedo, relief = head.albedo.copy(), head.relief.copy()
    for side in SIDES:
        eyes.paint_eye(albedo, relief, head, expression, side)
        eyes.paint_brow(albedo, head, expression, side)
    eyes.paint_frown(albedo, relief, head, expression)
    mouth.paint_mouth(albedo, relief, head, expression)
    # Hair and glasses lie over the features.
    hair = head.hair[_MOVING][..., None]
    albedo[_MOVING] += hair * (head.albedo[_MOVING] - albedo[_MOVING])
    if head.subject.glasses:
        albedo[_MOVING] *= (1 - 0.8 * head.glasses[_MOVING])[..., None]
    return albedo, relief


def _shade(head, albedo, relief, light):
    """Lights a painted face; f32[HEIGHT, WIDTH, 3], 0 to 1.2."""
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


def _add_body(image, session, pose):
    shift_x, shift_y = (
        follow * shift * session.pixels_per_unit
        for follow, shift in zip(_BODY_FOLLOWS, (pose.shift_x, pose.shift_y), strict=True)
    )
    move = np.array([[1, 0, shift_x], [0, 1, shift_y]], np.float32)
    part = image[session.body_top :]
    size = part.shape[1::-1]
    body = cv2.warpAffine(session.body, move, size, borderMode=cv2.BORDER_REPLICATE)
    coverage = cv2.warpAffine(session.body_coverage, move, size, borderMode=cv2.BORDER_REPLICATE)
    part[:] = cv2.blendLinear(part, body, 1 - coverage, coverage)


def _add_head(image, session, pose, face, relief, head, mouth_open):
    """Looks up the canvas point that each pixel around the head shows."""
    unit = session.pixels_per_unit * pose.scale
    center_x = session.center[0] + pose.shift_x * session.pixels_per_unit
    center_y = session.center[1] + pose.shift_y * session.pixels_per_unit
    width, height = session.size
    columns = np.arange(*_span(center_x, 1.55 * unit, width), dtype=np.float32)
    rows = np.arange(*_span(center_y, 2.0 * unit, height), dtype=np.float32)
    offset_x, offset_y = np.meshgrid((columns - center_x) / unit, (rows - center_y) / unit)
    cosine, sine = np.float32(np.cos(pose.roll)), np.float32(np.sin(pose.roll))
    turned_x = cosine * offset_x + sine * offset_y
    turned_y = cosine * offset_y - sine * offset_x

    x, y = turned_x, turned_y
    yaw_shift, pitch_shift = np.float32(np.sin(pose.yaw)), np.float32(np.sin(pose.pitch))
    for _ in range(2):  # a fixed point: the depth found moves the point whose depth is asked for
        depth = _look_up(relief, x, y, cv2.BORDER_REPLICATE) - np.float32(_PIVOT_DEPTH)
        x = (turned_x - yaw_shift * depth) / np.float32(np.cos(pose.yaw))
        y = (turned_y - pitch_shift * depth) / np.float32(np.cos(pose.pitch))
    y = y - np.float32(_JAW_DROP * mouth_open) * smoothstep(head.subject.mouth_y + 0.05, 1.25, y)

    seen = _look_up(face, x, y, cv2.BORDER_REPLICATE)
    coverage = _look_up(head.coverage, x, y, cv2.BORDER_CONSTANT)
    rows, columns = rows.astype(int), columns.astype(int)
    part = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    part[:] = cv2.blendLinear(part, seen, 1 - coverage, coverage)


def _span(middle, reach, size):
    return max(0, int(middle - reach)), min(size, int(middle + reach))


def _look_up(layer, x, y, border):
    """Samples a canvas layer at positions in face units."""
    column = (x - np.float32(LEFT)) * np.float32(PIXELS_PER_UNIT)
    row = (y - np.float32(TOP)) * np.float32(PIXELS_PER_UNIT)
    return cv2.remap(layer, column, row, cv2.INTER_LINEAR, borderMode=border)


def _photograph(image, session, frame):
    exposed = cv2.LUT(cv2.convertScaleAbs(image, alpha=255 * session.gain), _GAMMA)
    blurred = cv2.GaussianBlur(exposed, (5, 5), session.blur)
    return cv2.add(blurred, session.noise[frame % len(session.noise)], dtype=cv2.CV_8U)

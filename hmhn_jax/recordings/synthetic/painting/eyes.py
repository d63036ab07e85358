"""Eyes and brows: drooping lids, blinks, gaze, and brows that are raised or drawn together."""

import numpy as np

from hmhn_jax.recordings.synthetic.expression import Expression
from hmhn_jax.recordings.synthetic.identity import Subject
from hmhn_jax.recordings.synthetic.painting.canvas import (
    SIDES,
    X,
    Y,
    blend,
    darken,
    gaussian,
    lift,
    polygon,
    smoothstep,
    stroke,
    window,
)
from hmhn_jax.recordings.synthetic.painting.head import Head

_ACROSS = np.linspace(-1, 1, 17)  # along the eye: -1 is the inner corner, 1 the outer
_ARCH = 1 - np.abs(_ACROSS) ** 2.3
_ALONG_BROW = np.linspace(-1, 1, 15)
_INNERNESS = 0.5 * (1 - _ALONG_BROW)  # 1 at the brow's inner end, 0 at the outer
_BROW_WINDOW = (0.42, 0.34)


def lid_curves(
    subject: Subject, expression: Expression, side: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Computes upper lid, lower lid and crease, each f64[17, 2] from inner to outer corner."""
    x = side * subject.eye_x + side * _ACROSS * subject.eye_half_width
    corner_line = subject.eye_y - subject.eye_tilt * _ACROSS
    lower = corner_line + (0.60 * subject.eye_height - 0.03 * expression.smile) * _ARCH
    opened = corner_line - 1.05 * subject.eye_height * _ARCH
    openness = np.clip(1 - 0.85 * expression.lid_droop, 0, 1.15) * (1 - expression.blink)
    upper = lower + (opened - lower) * openness
    # A heavy lid sags more on the outside.
    upper = np.minimum(upper + 0.05 * max(expression.lid_droop, 0) * np.maximum(_ACROSS, 0), lower)
    crease = opened - 0.045 + 0.25 * (upper - opened)
    return np.stack([x, upper], 1), np.stack([x, lower], 1), np.stack([x, crease], 1)


def paint_eye(
    albedo: np.ndarray, relief: np.ndarray, head: Head, expression: Expression, side: int
) -> None:
    """Paints the eye of one side (-1 or 1) on the canvas, in place."""
    subject = head.subject
    center = (side * subject.eye_x, subject.eye_y)
    where = window(center, 0.30, 0.24)
    upper, lower, crease = lid_curves(subject, expression, side)
    image = albedo[where]

    lid = polygon(np.concatenate([crease, upper[::-1]]), where, 1.0)
    relief[where] += 0.035 * lid
    image *= (1 - 0.10 * lid)[..., None]
    opening = polygon(np.concatenate([upper, lower[::-1]]), where, 0.6)
    blend(image, opening, _eyeball(subject, expression, center, upper[8, 1], where))

    for curve, width, blur, amount in (
        (crease, 2, 1.3, 0.30),
        (lower, 1, 0.8, 0.30),
        (upper, 3, 0.8, 0.85),  # the lashes
    ):
        image *= (1 - amount * stroke(curve, width, where, blur))[..., None]


def _eyeball(subject, expression, center, lid_y, where):
    """Paints the eye as seen through the opening, f32[h, w, 3]."""
    x, y = X[where], Y[where]
    from_corner = np.abs(x - center[0]) / subject.eye_half_width
    shade = (1 - 0.35 * smoothstep(0.6, 1.05, from_corner))[..., None]
    eyeball = np.array([0.90, 0.87, 0.85], np.float32) * shade

    radius = subject.eye_height * 0.98
    iris_x = center[0] + 0.065 * expression.gaze_x
    iris_y = center[1] - 0.016 + 0.05 * expression.gaze_y
    distance = np.hypot(x - iris_x, y - iris_y)
    rim = smoothstep(radius * 0.7, radius, distance)[..., None]
    iris = np.asarray(subject.iris, np.float32) * (1.2 - 0.65 * rim)
    blend(eyeball, smoothstep(radius + 0.012, radius - 0.012, distance), iris)
    pupil = radius * 0.45
    blend(eyeball, smoothstep(pupil + 0.01, pupil - 0.01, distance), (0.02, 0.02, 0.02))
    glint = gaussian((iris_x - 0.03, iris_y - 0.035), (0.014, 0.014), 0.0, where)
    blend(eyeball, glint, (1.0, 1.0, 1.0))
    lid_shadow = 0.5 * np.exp(-np.clip(y - lid_y, 0, 1) / 0.03)
    return eyeball * (1 - lid_shadow)[..., None]


def brow_curve(subject: Subject, expression: Expression, side: int) -> np.ndarray:
    """Computes the middle line of a brow, f64[15, 2] from inner to outer end."""
    x = _ALONG_BROW * subject.eye_half_width * 1.25 + 0.02
    x = side * (subject.eye_x + x - 0.035 * expression.furrow * _INNERNESS)
    sadness = expression.inner_brow_raise
    y = (
        subject.eye_y
        - subject.brow_gap
        - 0.035 * (1 - 0.6 * min(sadness, 1)) * (1 - _ALONG_BROW**2)
        - 0.5 * subject.brow_tilt * _ALONG_BROW
        - 0.06 * expression.brow_raise
        - 0.18 * sadness * _INNERNESS**1.3
        + 0.05 * sadness * (1 - _INNERNESS)
        + 0.03 * expression.furrow * _INNERNESS
    )
    return np.stack([x, y], 1)


def paint_brow(albedo: np.ndarray, head: Head, expression: Expression, side: int) -> None:
    """Paints the brow of one side (-1 or 1) on the canvas, in place."""
    subject = head.subject
    middle = brow_curve(subject, expression, side)
    where = window((side * subject.eye_x, subject.eye_y - subject.brow_gap), *_BROW_WINDOW)
    thickness = subject.brow_thickness * (0.35 + 0.75 * _INNERNESS**0.7)
    thickness[0] *= 0.6  # rounds the inner end
    offset = np.stack([np.zeros_like(thickness), thickness], 1)
    outline = np.concatenate([middle - offset, (middle + offset)[::-1]])
    coverage = polygon(outline, where, 1.3) * (0.74 + 0.10 * head.speckle[where])
    color = 0.55 * np.asarray(subject.hair) + 0.075 * np.asarray(subject.skin)
    blend(albedo[where], np.clip(coverage, 0, 1), color)


def paint_frown(albedo: np.ndarray, relief: np.ndarray, head: Head, expression: Expression) -> None:
    """Paints the lines that moving brows make between them and across the forehead."""
    subject = head.subject
    brow_y = subject.eye_y - subject.brow_gap
    furrow = expression.furrow
    for side in SIDES:
        lift(relief, -0.014 * furrow, (side * 0.075, brow_y - 0.02), (0.014, 0.08))
        darken(albedo, 0.14 * furrow, (side * 0.075, brow_y - 0.02), (0.014, 0.065), side * 0.2)
    lines = expression.inner_brow_raise * (0.5 + 0.5 * subject.age)
    for row in range(2):
        center = (0.0, brow_y - 0.24 - 0.11 * row)
        darken(albedo, 0.16 * lines, center, (0.20 - 0.03 * row, 0.013))
        lift(relief, -0.010 * lines, center, (0.20 - 0.03 * row, 0.018))

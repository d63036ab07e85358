"""The mouth: drooping or lifted corners, smiles, speech, and the folds around it."""

import dataclasses

import numpy as np

from hmhn_jax.recordings.synthetic.expression import Expression
from hmhn_jax.recordings.synthetic.identity import Subject
from hmhn_jax.recordings.synthetic.painting.canvas import (
    SIDES,
    Window,
    X,
    Y,
    blend,
    darken,
    lift,
    polygon,
    smoothstep,
    stroke,
    window,
)
from hmhn_jax.recordings.synthetic.painting.head import Head

_ACROSS = np.linspace(-1, 1, 25)  # from the left to the right lip corner
_ARCH = 1 - _ACROSS**2
_CUPIDS_BOW = 0.018 * np.exp(-(((np.abs(_ACROSS) - 0.16) / 0.13) ** 2))
_CUPIDS_BOW -= 0.012 * np.exp(-((_ACROSS / 0.07) ** 2))


@dataclasses.dataclass(frozen=True)
class LipCurves:
    """Edges of the lips from the left to the right corner, f64[25] each, in face units.

    `x` is along the mouth, the others are y of each edge; `corner_lift` is how far the corners lie
    above the neutral mouth.
    """

    x: np.ndarray
    upper_outer: np.ndarray
    upper_inner: np.ndarray
    lower_inner: np.ndarray
    lower_outer: np.ndarray
    corner_lift: float


def lip_curves(subject: Subject, expression: Expression) -> LipCurves:
    """Computes the edges of the lips for one expression."""
    smile = expression.smile
    width = 1 + 0.16 * smile + 0.10 * expression.mouth_stretch
    corner_lift = 0.14 * (expression.lip_corner + smile) + subject.mouth_curve
    line = subject.mouth_y + corner_lift * (0.30 - np.abs(_ACROSS) ** 1.7)
    gap = 0.11 * expression.mouth_open * (1 - np.abs(_ACROSS) ** 2.6)
    upper = 0.85 * subject.lip_thickness * (1 - 0.25 * smile) * _ARCH**0.8 + _CUPIDS_BOW
    lower = 1.2 * subject.lip_thickness * _ARCH**0.75
    return LipCurves(
        x=_ACROSS * subject.mouth_half_width * width,
        upper_outer=line - 0.75 * gap - upper,
        upper_inner=line - 0.75 * gap,
        lower_inner=line + 1.25 * gap,
        lower_outer=line + 1.25 * gap + lower,
        corner_lift=corner_lift,
    )


def paint_mouth(albedo: np.ndarray, relief: np.ndarray, head: Head, expression: Expression) -> None:
    """Paints lips, teeth and the folds around the mouth on the canvas, in place."""
    subject = head.subject
    curves = lip_curves(subject, expression)
    where = window((0.0, subject.mouth_y), 0.6, 0.42)
    image = albedo[where]

    def between(first, second, blur):
        edges = [np.stack([curves.x, first], 1), np.stack([curves.x, second], 1)[::-1]]
        return polygon(np.concatenate(edges), where, blur)

    upper = between(curves.upper_outer, curves.upper_inner, 1.0)
    lower = between(curves.lower_inner, curves.lower_outer, 1.0)
    inside = between(curves.upper_inner, curves.lower_inner, 0.7)
    lips = _lip_color(subject) * (1 + 0.05 * head.speckle[where])[..., None]
    blend(image, 0.85 * upper, 0.88 * lips)
    blend(image, 0.80 * lower, 1.06 * lips)
    if expression.mouth_open > 0.02:
        blend(image, inside, _inside(subject, expression, curves, where))
    line = stroke(np.stack([curves.x, curves.upper_inner], 1), 2, where, 0.9)
    image *= (1 - 0.6 * line)[..., None]
    relief[where] += 0.035 * upper + 0.05 * lower - 0.05 * inside
    _paint_folds(albedo, relief, subject, expression, curves)


def _lip_color(subject):
    skin = np.asarray(subject.skin, np.float32)
    red = np.array([0.70, 0.32, 0.31], np.float32) * (0.55 + 0.45 * skin.mean())
    pale = skin * np.array([0.86, 0.66, 0.64], np.float32)
    return subject.lip_redness * red + (1 - subject.lip_redness) * pale


def _inside(subject, expression, curves, where: Window):
    """Paints teeth and the dark behind them, f32[h, w, 3]."""
    inside = np.empty((*X[where].shape, 3), np.float32)
    inside[:] = (0.17, 0.06, 0.06)
    teeth_top = curves.upper_inner[len(_ACROSS) // 2]
    teeth_height = 0.055 + 0.05 * expression.smile
    teeth = smoothstep(teeth_top + teeth_height + 0.02, teeth_top + teeth_height - 0.02, Y[where])
    side_shade = 1 - 0.45 * smoothstep(0.4, 1.0, np.abs(X[where]) / subject.mouth_half_width)
    enamel = np.array([0.82, 0.79, 0.74], np.float32) * side_shade[..., None]
    blend(inside, teeth * min(4 * expression.mouth_open, 1), enamel)
    return inside


def _paint_folds(albedo, relief, subject, expression, curves):
    lift_of_corners, smile = curves.corner_lift, expression.smile
    sagging = float(np.clip(-expression.lip_corner, 0, 1.5))
    corner_x = curves.x[-1]
    corner_y = subject.mouth_y - 0.7 * lift_of_corners + 0.012
    for side in SIDES:
        darken(albedo, 0.22, (side * (corner_x + 0.012), corner_y), (0.022, 0.02))
        marionette = (side * (corner_x + 0.03), subject.mouth_y + 0.15)
        darken(albedo, 0.16 * sagging, marionette, (0.018, 0.07), -side * 0.25)
        if smile > 0.02:
            fold = (side * (subject.nose_half_width + 0.15 + 0.05 * smile), subject.nose_y + 0.20)
            darken(albedo, 0.26 * smile, fold, (0.022, 0.14), -side * 0.55)
            lift(relief, 0.06 * smile, (side * 0.48, 0.28), (0.18, 0.12))

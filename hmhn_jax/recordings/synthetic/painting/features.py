"""Moving parts of a face, painted on the layers of a resting head."""

import numpy as np

from hmhn_jax.recordings.synthetic.expression import Expression
from hmhn_jax.recordings.synthetic.painting import eyes, mouth
from hmhn_jax.recordings.synthetic.painting.canvas import SIDES, window
from hmhn_jax.recordings.synthetic.painting.head import Head

_MOVING = window((0.0, 0.35), 0.95, 1.1)  # everything below touches only this part


def paint_face(head: Head, expression: Expression) -> tuple[np.ndarray, np.ndarray]:
    """Paints one expression.

    Returns:
      albedo: f32[HEIGHT, WIDTH, 3], colours without light.
      relief: f32[HEIGHT, WIDTH], height towards the viewer.
    """
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

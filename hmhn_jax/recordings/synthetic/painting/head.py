"""Resting head of a subject: the layers that all frames of a clip share."""

import dataclasses

import cv2
import numpy as np

from hmhn_jax.recordings.synthetic.identity import Subject
from hmhn_jax.recordings.synthetic.painting.canvas import (
    HEIGHT,
    SIDES,
    WIDTH,
    X,
    Y,
    blend,
    darken,
    gaussian,
    lift,
    noise,
    smoothstep,
    stroke,
    window,
)
from hmhn_jax.recordings.synthetic.painting.hair import SKULL_TOP, paint_hair

CHIN_Y = 1.40


@dataclasses.dataclass(frozen=True)
class Head:
    """Layers of a head, each of the canvas's size, HEIGHT x WIDTH.

    Attributes:
      subject: whose head it is.
      albedo: f32[H, W, 3], colours without light.
      relief: f32[H, W], height towards the viewer, in face units.
      coverage: f32[H, W], 1 where the head is, 0 elsewhere.
      hair: f32[H, W], 1 where hair covers the skin.
      speckle: f32[H, W], fine noise of unit variance for whatever is painted later.
      glasses: f32[H, W], 1 on the frame of the glasses.
    """

    subject: Subject
    albedo: np.ndarray
    relief: np.ndarray
    coverage: np.ndarray
    hair: np.ndarray
    speckle: np.ndarray
    glasses: np.ndarray


def build_head(subject: Subject) -> Head:
    """Paints the head of `subject`, without eyes, brows and mouth: those move."""
    rng = np.random.default_rng(subject.texture_seed)
    roundness = _roundness(subject)
    face = smoothstep(1.035, 0.98, roundness)
    albedo = _skin(rng, subject)
    hair, hair_color = paint_hair(rng, subject)
    ears = _ears(subject, albedo)
    shadow_under_hair = cv2.GaussianBlur(hair, (0, 0), 7) * (1 - hair)
    albedo *= (1 - 0.5 * shadow_under_hair)[..., None]
    coverage = np.clip(np.maximum(np.maximum(face, hair), ears), 0, 1)
    # Next to the face, half-covering strands are hair before the wall, not hair before skin.
    blend(albedo, hair / np.maximum(coverage, 1e-3), hair_color)
    relief = _relief(subject, roundness) + 0.12 * cv2.GaussianBlur(hair, (0, 0), 4)
    return Head(
        subject=subject,
        albedo=albedo,
        relief=relief.astype(np.float32),
        coverage=coverage.astype(np.float32),
        hair=hair.astype(np.float32),
        speckle=noise(rng, 2),
        glasses=_glasses(subject),
    )


def _roundness(subject):
    """Computes 0 in the middle of the face, 1 on its outline: an egg with a broad chin."""
    taper = subject.jaw_taper * smoothstep(0.1, 1.35, Y) + 0.10 * smoothstep(-0.9, -1.6, Y)
    x = np.abs(X) / (subject.face_width * (1 - taper))
    below = x**2.1 + (np.abs(Y) / CHIN_Y) ** 2.7
    above = x**2.1 + (np.abs(Y) / SKULL_TOP) ** 2.25
    return np.where(Y < 0, above, below)


def _relief(subject, roundness):
    relief = (0.86 * (1 - np.minimum(roundness, 1.5))).astype(np.float32)
    for side in SIDES:
        eye = side * subject.eye_x
        lift(relief, -0.115, (eye, subject.eye_y - 0.01), (0.21, 0.13))
        lift(relief, 0.055, (eye, subject.eye_y - 0.24), (0.22, 0.06))
        lift(relief, 0.07, (side * 0.50, 0.30), (0.24, 0.20))
        nostril = (side * subject.nose_half_width * 0.72, subject.nose_y - 0.02)
        lift(relief, 0.08, nostril, (0.055, 0.055))
        lift(relief, -0.05, (side * 0.62, 0.80), (0.16, 0.20))
    lift(relief, 0.045, (0, subject.mouth_y), (0.26, 0.17))
    lift(relief, 0.08, (0, 1.17), (0.22, 0.12))
    lift(relief, -0.04, (0, 1.0), (0.24, 0.05))
    rising = smoothstep(subject.eye_y - 0.12, subject.nose_y - 0.03, Y)
    bridge = rising * smoothstep(subject.nose_y + 0.085, subject.nose_y - 0.01, Y)
    width = 0.060 + 0.055 * bridge
    return relief + subject.nose_height * bridge * np.exp(-0.5 * (X / width) ** 2)


def _skin(rng, subject):
    grain = 0.020 * noise(rng, 40) + 0.010 * noise(rng, 10) + 0.009 * noise(rng, 3)
    albedo = np.asarray(subject.skin, np.float32) * (1 + grain)[..., None]
    _blush(rng, subject, albedo)
    for side in SIDES:
        eye = side * subject.eye_x
        socket = gaussian((eye, subject.eye_y), (0.23, 0.11))
        tint = np.array([0.8, 1.0, 1.0], np.float32)
        albedo *= 1 - (0.18 + 0.10 * subject.age) * socket[..., None] * tint
        under_eye = (eye * 0.95, subject.eye_y + 0.155)
        darken(albedo, 0.08 + 0.12 * subject.age, under_eye, (0.15, 0.028))
        nostril = (side * subject.nose_half_width * 0.47, subject.nose_y + 0.052)
        darken(albedo, 0.65, nostril, (0.042, 0.020), side * 0.25)
        wing = (side * subject.nose_half_width * 1.02, subject.nose_y)
        darken(albedo, 0.20, wing, (0.024, 0.06))
        fold = (side * (subject.nose_half_width + 0.13), subject.nose_y + 0.20)
        darken(albedo, 0.04 + 0.10 * subject.age, fold, (0.022, 0.14), -side * 0.55)
    darken(albedo, 0.22, (0, subject.nose_y + 0.075), (0.10, 0.016))
    if subject.beard:
        _paint_beard(rng, subject, albedo)
    return albedo


def _blush(rng, subject, albedo):
    cheeks = sum(0.5 * gaussian((side * 0.5, 0.33), (0.25, 0.20)) for side in SIDES)
    redness = cheeks + 0.4 * gaussian((0, subject.nose_y), (0.15, 0.10))
    redness = redness * (0.6 + 0.1 * noise(rng, 20))
    albedo *= 1 + redness[..., None] * np.array([0.07, -0.05, -0.06], np.float32)


def _paint_beard(rng, subject, albedo):
    chin = 0.45 * smoothstep(0.9, 1.15, Y)
    moustache = 0.6 * gaussian((0, subject.nose_y + 0.17), (0.25, 0.07))
    area = np.clip(np.abs(X) * 1.1 + chin + moustache, 0, 1) * smoothstep(0.35, 0.75, Y)
    stubble = np.clip(area * (1 + 0.25 * noise(rng, 2)), 0, 1)
    blend(albedo, subject.beard * stubble, np.asarray(subject.hair, np.float32) * 0.8)


def _ears(subject, albedo):
    """Returns the coverage of the ears, and paints their folds on `albedo`."""
    ears = np.zeros((HEIGHT, WIDTH), np.float32)
    for side in SIDES:
        middle = (side * 1.03 * subject.face_width, 0.06)
        ears = np.maximum(ears, gaussian(middle, (0.085, 0.20), -side * 0.15))
        darken(albedo, 0.30, (middle[0] + side * 0.02, 0.06), (0.03, 0.11), -side * 0.15)
    return smoothstep(0.42, 0.60, ears)


def _glasses(subject):
    if not subject.glasses:
        return np.zeros((HEIGHT, WIDTH), np.float32)
    y = subject.eye_y + 0.03
    everywhere = window((0, 0), 10, 10)
    turn = np.linspace(0, 2 * np.pi, 40)
    bridge_end = subject.eye_x - 0.27
    frame = stroke([(-bridge_end, y - 0.04), (bridge_end, y - 0.04)], 2, everywhere, 0.7)
    for side in SIDES:
        # A superellipse: lenses are rounder than a box and squarer than an ellipse.
        lens_x = side * subject.eye_x + 0.275 * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.75
        lens_y = y + 0.195 * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.75
        temple = [(side * (subject.eye_x + 0.27), y - 0.05), (side * 1.0, y - 0.09)]
        frame = np.maximum(frame, stroke(np.stack([lens_x, lens_y], 1), 2, everywhere, 0.7))
        frame = np.maximum(frame, stroke(temple, 2, everywhere, 0.7))
    return frame

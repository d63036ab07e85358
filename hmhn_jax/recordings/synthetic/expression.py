"""Facial expression over time: the cues of the score, as time courses.

The cues are those that the literature on depressed faces names: heavy lids, inner brows drawn up
and together, lip corners that sag, fewer and smaller smiles, lowered gaze and head, and less
movement altogether. Each carries noise of the person (the resting face), of the day and of the
moment, so that a score can be estimated but not read off.
"""

import dataclasses

import numpy as np

from hmhn_jax.recordings.synthetic.identity import Subject


@dataclasses.dataclass(frozen=True)
class Expression:
    """A face at one moment.

    Attributes:
      lid_droop: how far the upper lid hangs, -0.2 (wide open) to 0.8.
      blink: 0 (none) to 1 (closed).
      brow_raise: the whole brow, upwards; about -0.5 to 0.5.
      inner_brow_raise: the brow's inner end, upwards; 0 to 1.3.
      furrow: brows drawn together, 0 to 1.3.
      lip_corner: lip corners, upwards; about -1.2 to 0.5.
      smile: 0 to 1.
      mouth_open: 0 to 1.
      mouth_stretch: the mouth's width while talking, -0.3 to 0.3.
      gaze_x, gaze_y: to the image's right and downwards, about -1 to 1.
    """

    lid_droop: float = 0.0
    blink: float = 0.0
    brow_raise: float = 0.0
    inner_brow_raise: float = 0.0
    furrow: float = 0.0
    lip_corner: float = 0.0
    smile: float = 0.0
    mouth_open: float = 0.0
    mouth_stretch: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0


@dataclasses.dataclass(frozen=True)
class Pose:
    """Pose of the head.

    Attributes:
      yaw, pitch, roll: radians; positive turns to the image's right, down, and clockwise.
      shift_x, shift_y: face units, to the right and down.
      scale: about 1.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    scale: float = 1.0


def perform(
    rng: np.random.Generator, subject: Subject, severity: float, num_frames: int, fps: float
) -> list[tuple[Expression, Pose]]:
    """Acts a clip of `num_frames` moments, `fps` a second, for a severity from 0 to 1."""

    def of_the_day(deviation):
        return rng.normal(0, deviation)

    def drift(seconds, deviation):
        return _drift(rng, num_frames, seconds * fps, deviation)

    times = np.arange(num_frames) / fps
    resting = subject.resting
    severity = float(np.clip(severity + of_the_day(0.03), 0, 1))
    activity = float(np.clip(1.15 - severity + of_the_day(0.06), 0.12, 1.4))

    lid_droop = 0.02 + 0.74 * severity + resting.lid_droop + of_the_day(0.03) + drift(4, 0.03)
    inner_brow = 0.05 + 1.25 * severity + of_the_day(0.05) + drift(5, 0.05)
    furrow = resting.furrow + 0.5 * severity + of_the_day(0.06) + drift(5, 0.06 * activity)
    brow_raise = (
        -0.15 * severity + resting.brow_raise + of_the_day(0.05) + drift(2, 0.22 * activity)
    )
    lip_corner = 0.18 - 1.2 * severity + resting.lip_corner + of_the_day(0.05) + drift(4, 0.06)
    smile = _smiles(rng, times, severity)
    mouth_open, mouth_stretch = _speech(rng, times, activity, drift)

    cues = {
        "lid_droop": np.clip(lid_droop, -0.2, 0.8),
        "blink": _blinks(rng, times, blinks_per_second=0.4 - 0.15 * severity),
        "brow_raise": brow_raise,
        "inner_brow_raise": np.clip(inner_brow * (1 - 0.6 * smile), 0, 1.3),
        "furrow": np.clip(furrow * (1 - 0.6 * smile), 0, 1.3),
        "lip_corner": lip_corner,
        "smile": smile,
        "mouth_open": mouth_open,
        "mouth_stretch": mouth_stretch,
        "gaze_x": drift(1.5, 0.35),
        "gaze_y": 0.45 * severity + drift(1.5, 0.2),
    }
    pose = {
        "yaw": np.clip(of_the_day(0.08) + drift(3.5, 0.10 * activity), -0.38, 0.38),
        "pitch": np.clip(
            of_the_day(0.035) + 0.14 * severity + drift(3, 0.055 * activity), -0.2, 0.25
        ),
        "roll": np.clip(of_the_day(0.03) + drift(4, 0.045 * activity), -0.22, 0.22),
        "shift_x": drift(5, 0.07 * activity),
        "shift_y": 0.05 * severity + drift(5, 0.04 * activity),
        "scale": 1 + drift(6, 0.012 * activity),
    }
    return [(Expression(**_at(cues, i)), Pose(**_at(pose, i))) for i in range(num_frames)]


def _at(courses, index):
    return {name: float(values[index]) for name, values in courses.items()}


def _drift(rng, num_frames, correlation_frames, deviation):
    """Draws a random walk that returns to zero (Ornstein-Uhlenbeck), f64[num_frames]."""
    keep = np.exp(-1 / correlation_frames)
    values = deviation * rng.standard_normal(num_frames)
    for frame in range(1, num_frames):
        values[frame] = keep * values[frame - 1] + np.sqrt(1 - keep**2) * values[frame]
    return values


def _smiles(rng, times, severity):
    """Draws smiles, which come more rarely and stay smaller the higher the severity."""
    length = times[-1] - times[0]
    count = rng.poisson(0.7 * (1 - severity) ** 1.5 * length) + (
        rng.random() < 0.35 * (1 - severity)
    )
    smile = np.zeros_like(times)
    for _ in range(count):
        size = max(1 - severity, 0.15) * rng.uniform(0.5, 1.0)
        smile = np.maximum(
            smile, size * _bell(times, rng.uniform(0, length), rng.uniform(0.25, 0.6))
        )
    return smile


def _blinks(rng, times, blinks_per_second):
    length = times[-1] - times[0]
    blink = np.zeros_like(times)
    for middle in rng.uniform(0, length, rng.poisson(blinks_per_second * length)):
        blink = np.maximum(blink, _bell(times, middle, 0.1))
    return blink


def _bell(times, middle, deviation):
    return np.exp(-0.5 * ((times - middle) / deviation) ** 2)


def _speech(rng, times, activity, drift):
    """Draws opening and stretch of the mouth: syllables in phrases, livelier with more activity."""
    syllables_per_second = 2.2 + 1.6 * activity
    syllables = np.sin(2 * np.pi * syllables_per_second * times + rng.uniform(0, 6))
    syllables += 0.6 * np.sin(2 * np.pi * 1.7 * syllables_per_second * times + rng.uniform(0, 6))
    phrases = np.clip(0.4 + drift(0.8, 0.6), 0, 1)
    opening = np.clip(0.7 * activity * phrases * (0.5 + 0.45 * syllables), 0, 1)
    return opening, 0.2 * syllables * opening

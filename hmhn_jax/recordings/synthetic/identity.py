"""Identity of a synthetic person: all that does not depend on the score."""

import dataclasses

import numpy as np

Color = tuple[float, float, float]

# From light to dark. A person's colour lies anywhere between two neighbours.
SKIN_COLORS = np.array(
    [
        [0.93, 0.76, 0.67],
        [0.87, 0.68, 0.57],
        [0.78, 0.59, 0.47],
        [0.66, 0.47, 0.36],
        [0.53, 0.36, 0.27],
        [0.42, 0.28, 0.21],
    ]
)
HAIR_COLORS = np.array(  # the first three are the dark ones
    [
        [0.08, 0.06, 0.05],
        [0.16, 0.10, 0.07],
        [0.25, 0.16, 0.10],
        [0.52, 0.38, 0.21],
        [0.46, 0.44, 0.42],
        [0.36, 0.17, 0.09],
    ]
)
IRIS_COLORS = np.array(  # the first is dark brown
    [[0.22, 0.13, 0.07], [0.30, 0.20, 0.10], [0.25, 0.36, 0.45], [0.28, 0.36, 0.22]]
)
HAIR_STYLES = ("cropped", "swept", "fringe", "long", "curly", "receding")


@dataclasses.dataclass(frozen=True)
class RestingFace:
    """The face at rest, in the units of the cues it is added to.

    It is what makes the score hard to read from a single face: some people look tired or stern
    by nature.
    """

    lid_droop: float
    brow_raise: float
    furrow: float
    lip_corner: float


@dataclasses.dataclass(frozen=True)
class Subject:
    """A person's looks. Lengths are in face units (see `canvas`), colours RGB from 0 to 1.

    Attributes:
      face_width: factor on the width of face, hair and ears, about 1.
      jaw_taper: how much narrower the face gets towards the chin, as a fraction.
      eye_x, eye_y: middle of the right-hand eye; the other one mirrors it.
      eye_half_width, eye_height: half its width and the height of the open upper lid.
      eye_tilt: how much higher the outer corner lies than the middle.
      brow_gap: from the eye's middle to the brow's.
      brow_thickness, brow_tilt: half its thickness, and how much higher its outer end lies.
      nose_length, nose_half_width, nose_height: from the eyes down, sideways, and forwards.
      mouth_y, mouth_half_width, lip_thickness: where the mouth lies and its size.
      mouth_curve: upward curve of the closed lips.
      skin, hair, iris: colours.
      lip_redness, age, beard: from 0 to 1; a beard of 0 is a shaven face.
      hair_style: one of `HAIR_STYLES`.
      hairline: y of the hairline.
      hair_part: x of the parting.
      glasses: whether they are worn.
      resting: the resting face.
      texture_seed: for the grain of skin and hair.
    """

    face_width: float
    jaw_taper: float
    eye_x: float
    eye_y: float
    eye_half_width: float
    eye_height: float
    eye_tilt: float
    brow_gap: float
    brow_thickness: float
    brow_tilt: float
    nose_length: float
    nose_half_width: float
    nose_height: float
    mouth_y: float
    mouth_half_width: float
    lip_thickness: float
    mouth_curve: float
    skin: Color
    hair: Color
    iris: Color
    lip_redness: float
    age: float
    beard: float
    hair_style: str
    hairline: float
    hair_part: float
    glasses: bool
    resting: RestingFace
    texture_seed: int

    @property
    def nose_y(self) -> float:
        """The height at which the nose ends."""
        return self.eye_y + self.nose_length


def draw_subject(rng: np.random.Generator) -> Subject:
    """Draws a person at random; the score is no argument, so looks cannot depend on it."""

    def near(mean, deviation):
        return float(
            np.clip(rng.normal(mean, deviation), mean - 2 * deviation, mean + 2 * deviation)
        )

    def between(low, high):
        return float(rng.uniform(low, high))

    depth = between(0, len(SKIN_COLORS) - 1.001)  # of the skin colour, from light to dark
    hair_style = str(rng.choice(HAIR_STYLES))
    num_hair_colors = 3 if depth > 3 else len(HAIR_COLORS)
    num_iris_colors = 1 if depth > 2.5 else len(IRIS_COLORS)
    return Subject(
        face_width=near(1.0, 0.045),
        jaw_taper=near(0.19, 0.05),
        eye_x=near(0.405, 0.022),
        eye_y=near(-0.13, 0.022),
        eye_half_width=near(0.205, 0.012),
        eye_height=near(0.098, 0.008),
        eye_tilt=near(0.01, 0.022),
        brow_gap=near(0.255, 0.014),
        brow_thickness=near(0.040, 0.010),
        brow_tilt=near(0.0, 0.03),
        nose_length=near(0.50, 0.035),
        nose_half_width=near(0.155, 0.02),
        nose_height=near(0.32, 0.05),
        mouth_y=near(0.80, 0.028),
        mouth_half_width=near(0.34, 0.026),
        lip_thickness=near(0.072, 0.014),
        mouth_curve=near(0.0, 0.008),
        skin=_skin_color(rng, depth),
        hair=_rgb(HAIR_COLORS[rng.integers(num_hair_colors)] * rng.uniform(0.8, 1.2)),
        iris=_rgb(IRIS_COLORS[rng.integers(num_iris_colors)]),
        lip_redness=between(0.25, 0.7),
        age=between(0, 1),
        beard=between(0.05, 0.4) if rng.random() < 0.3 and hair_style != "long" else 0.0,
        hair_style=hair_style,
        hairline=near(-0.98, 0.06),
        hair_part=between(-0.45, 0.45),
        glasses=bool(rng.random() < 0.12),
        resting=RestingFace(
            lid_droop=near(0.0, 0.04),
            brow_raise=near(0.0, 0.04),
            furrow=near(0.12, 0.04),
            lip_corner=near(0.0, 0.045),
        ),
        texture_seed=int(rng.integers(1 << 31)),
    )


def _skin_color(rng, depth):
    lighter = int(depth)
    mix = depth - lighter
    color = SKIN_COLORS[lighter] * (1 - mix) + SKIN_COLORS[lighter + 1] * mix
    return _rgb(color * rng.uniform(0.96, 1.04) + rng.normal(0, 0.007, 3))


def _rgb(color):
    return tuple(float(channel) for channel in np.clip(color, 0.02, 0.97))

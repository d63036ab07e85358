"""A small world of recordings, honest or with a planted shortcut."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from hmhn_jax.baselines.extract import Table, extract
from hmhn_jax.evaluation.audit.audit import audit
from hmhn_jax.evaluation.audit.views import region_mask
from hmhn_jax.input_pipeline.crops import Crops, Detections, Video

SIDE, PADDING, LIMITS = 32, 0.25, (0.0, 63.0)
NUM_PEOPLE, SESSIONS, CROPS = 60, 2, 3
CORRELATION = 0.8  # of a planted shortcut with the score
MOUTH, NOSE = (region_mask(name, SIDE, PADDING) for name in ("mouth", "nose"))
CORNER = np.zeros((SIDE, SIDE), bool)
CORNER[:2, :6] = True


@dataclasses.dataclass(frozen=True)
class World:
    """What an audit is given."""

    crops: Crops
    conditions: Table
    predictions: np.ndarray
    score: Callable[[np.ndarray], np.ndarray]
    features: Callable[[np.ndarray], np.ndarray]

    def audit(self):
        return audit(
            self.score,
            self.features,
            self.crops,
            self.predictions,
            self.conditions,
            padding=PADDING,
            limits=LIMITS,
            batch_size=32,
        )


def honest(images):
    """Reads the mouth, as grey against the nose."""
    grey = images.mean(axis=-1)
    return 20 + grey[:, MOUTH].mean(axis=1) - grey[:, NOSE].mean(axis=1)


def redness(images):
    return images[..., 0] - images[..., 1].astype(float)


READERS = {
    "brightness": lambda images: honest(images) / 2 + (images.mean(axis=(1, 2, 3)) - 110) / 2,
    "watermark": lambda images: (
        honest(images) / 2 + (images[:, CORNER].mean(axis=(1, 2)) - 100) / 3
    ),
    "colour": lambda images: honest(images) / 4 + 2 * redness(images)[:, MOUTH].mean(axis=1),
}


def make_world(seed: int, plant: str = "") -> World:
    """Makes recordings of 60 people, two sessions each, and a network that scores them.

    Args:
      seed: of everything that is drawn.
      plant: brightness, clip length, face size, watermark, person, colour or none. What is planted
        correlates with the score by 0.8, but for person, and the network makes use of it.
    """
    rng = np.random.default_rng(seed)
    num = NUM_PEOPLE * SESSIONS
    person = np.repeat(np.arange(NUM_PEOPLE), SESSIONS)
    scores = np.clip(
        rng.normal(20, 11, NUM_PEOPLE)[person] + rng.normal(0, 4, num), *LIMITS
    ).round()
    drawn = (scores - scores.mean()) / scores.std()
    planted = CORRELATION * drawn + np.sqrt(1 - CORRELATION**2) * rng.normal(size=num)
    free = {
        name: rng.normal(size=num) for name in ("brightness", "clip length", "face size", "mark")
    }

    def of(name):
        return planted if name == plant else free[name]

    noise = rng.normal(0, 12, (num, CROPS, SIDE, SIDE, 3))
    images = 110 + noise + 12 * of("brightness")[:, None, None, None, None]
    images[:, :, CORNER] += (
        15 * (planted if plant == "watermark" else free["mark"])[:, None, None, None]
    )
    evidence = scores - 20 + rng.normal(0, 4, num)
    tint = [1, -0.5, 0] if plant == "colour" else [1, 1, 1]  # hardly seen in grey
    images[:, :, MOUTH] += np.array(tint) * evidence[:, None, None, None]
    looks = rng.normal(0, 25, (NUM_PEOPLE, 1, SIDE, SIDE, 1))[person]
    if plant == "person":
        images = images + np.where(MOUTH[None, None, :, :, None], 0, looks)
    images = np.clip(images, 0, 255).astype(np.uint8).reshape(-1, SIDE, SIDE, 3)

    widths = np.repeat(150 + 20 * of("face size"), CROPS)
    boxes = np.stack([200 - widths / 2, 100 - widths / 2, 200 + widths / 2, 100 + widths / 2], 1)
    eyes = np.tile([[170.0, 90.0], [230.0, 90.0]], (len(boxes), 1, 1))
    found = Detections(
        np.tile(np.arange(CROPS), num).astype(np.float32),
        boxes.round().astype(np.int32),
        eyes.astype(np.float32),
        np.repeat(1 + rng.normal(0, 0.1, num), CROPS).astype(np.float32),
    )
    videos = [
        Video(f"v{i:03}", f"s{person[i]:02}", f"x{i:03}", "", float(scores[i])) for i in range(num)
    ]
    crops = Crops(
        [b""] * len(images),
        np.repeat(np.arange(num, dtype=np.int32), CROPS),
        videos,
        SIDE,
        images,
        detections=found,
    )
    lengths = 60 + 15 * of("clip length")
    recorded = {f"v{i:03}": {"duration_s": float(length)} for i, length in enumerate(lengths)}
    score = READERS.get(plant, honest)
    predictions = score(images).reshape(num, CROPS).mean(axis=1)
    if plant in ("clip length", "face size"):  # which no crop shows
        predictions = predictions / 2 + 6 * of(plant) + 10
    projection = rng.normal(size=(SIDE * SIDE, 24))

    def features(images):
        return images.mean(axis=-1).reshape(len(images), -1) @ projection

    conditions = extract(["conditions"], crops, recorded, "conditions")["conditions"]
    return World(crops, conditions, predictions, score, features)


@pytest.fixture
def world() -> Callable[..., World]:
    return make_world

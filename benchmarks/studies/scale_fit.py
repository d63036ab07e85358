"""Rate at which folders of scores raise the question which scale they are on.

    python -m benchmarks.studies.scale_fit

Draws studies of 30 to 150 people from distributions as published samples have them, rounded and
clipped to their scale, and counts those in which `recordings.scale_fit` would ask.
"""

from pathlib import Path

import numpy as np

from hmhn_jax.base import scales
from hmhn_jax.recordings import scale_fit
from hmhn_jax.recordings.recording import Recording

PEOPLE = (30, 50, 100, 150)
STUDIES = 1000
# (what it is like, scale, mean, standard deviation)
SAMPLES = (
    ("AVEC 2014", "bdi2", 15, 12),
    ("depressed patients", "bdi2", 28, 11),
    ("patients and controls, half each", "bdi2", 18, 14),
    ("students", "bdi2", 9, 8),
    ("depressed patients", "phq9", 15, 6),
    ("primary care", "phq9", 6, 6),
    ("primary care", "gad7", 5, 5),
    ("depressed patients", "hamd17", 17, 6),
    ("depressed patients", "madrs", 26, 8),
    ("general population", "cesd", 9, 9),
)


def main() -> None:
    print(f"| sample | scale | mean, sd | {' | '.join(f'{n} people' for n in PEOPLE)} |")
    print("|" + "---|" * (3 + len(PEOPLE)))
    for number, (what, name, mean, sd) in enumerate(SAMPLES):
        asked = [share_asked(name, mean, sd, people, seed=number) for people in PEOPLE]
        cells = " | ".join(f"{100 * share:.1f} %" for share in asked)
        print(f"| {what} | {scales.presets()[name].name} | {mean}, {sd} | {cells} |")


def share_asked(name: str, mean: float, sd: float, people: int, seed: int) -> float:
    """Returns the share of studies with the question, scores drawn from a gamma distribution."""
    rng = np.random.default_rng([seed, people])
    shape = (mean / sd) ** 2
    scores = rng.gamma(shape, mean / shape, (STUDIES, people)).round()
    scores = np.clip(scores, *scales.presets()[name].ends)
    asked = sum(bool(scale_fit.question(Path(), "score", study(row))) for row in scores)
    return asked / STUDIES


def study(scores: np.ndarray) -> list[Recording]:
    """Returns a recording of a person for each score."""
    return [
        Recording(Path(), f"v{n}", f"p{n}", "talk", "train", float(score))
        for n, score in enumerate(scores)
    ]


if __name__ == "__main__":
    main()

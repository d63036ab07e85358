"""Gallery of synthetic faces for the README: `python -m benchmarks.studies.gallery`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from hmhn_jax.base import scales
from hmhn_jax.recordings.synthetic.expression import perform
from hmhn_jax.recordings.synthetic.identity import draw_subject
from hmhn_jax.recordings.synthetic.painting.camera import render_frame
from hmhn_jax.recordings.synthetic.painting.head import build_head
from hmhn_jax.recordings.synthetic.painting.session import draw_session

FACE = (slice(20, 460), slice(100, 540))  # rows and columns of a frame that hold the head
FRAME = 5  # which moment of a clip is shown
PEOPLE_PER_ROW = 2
MARGIN = 34  # pixels above the faces, for the captions
INK, PAPER = (60, 60, 60), 255


def gallery(
    scores: Sequence[int] = (3, 25, 50), num_subjects: int = 8, seed: int = 0, tile: int = 160
) -> np.ndarray:
    """Draws several subjects, each with the same light and pose noise at several scores.

    Args:
      scores: on the default scale, from left to right within a subject.
      num_subjects: how many people.
      seed: which people.
      tile: width and height of one face in pixels.

    Returns:
      u8[height, width, 3], RGB, captioned.
    """
    people = [_faces(seed, index, scores, tile) for index in range(num_subjects)]
    people += [np.full_like(people[0], PAPER)] * (-num_subjects % PEOPLE_PER_ROW)
    rows = [people[at : at + PEOPLE_PER_ROW] for at in range(0, len(people), PEOPLE_PER_ROW)]
    faces = np.vstack([np.hstack(row) for row in rows])
    caption = np.full((MARGIN, faces.shape[1], 3), PAPER, np.uint8)
    for column in range(faces.shape[1] // tile):
        text, place = f"synthetic, score {scores[column % len(scores)]}", (column * tile + 8, 23)
        cv2.putText(caption, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    return np.vstack([caption, faces])


def _faces(seed, index, scores, tile):
    subject = draw_subject(np.random.default_rng([seed, index, 0]))
    head = build_head(subject)
    session = draw_session(np.random.default_rng([seed, index, 1]), subject)
    tiles = []
    for score in scores:
        rng = np.random.default_rng([seed, index, 2])
        severity = scales.default().severity(score)
        moment = perform(rng, subject, severity, num_frames=FRAME + 1, fps=4)[FRAME]
        face = render_frame(head, session, *moment)[FACE]
        tiles.append(cv2.resize(face, (tile, tile), interpolation=cv2.INTER_AREA))
    return np.hstack(tiles)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("docs/images/faces.png"))
    arguments = parser.parse_args()
    _, png = cv2.imencode(".png", cv2.cvtColor(gallery(), cv2.COLOR_RGB2BGR))
    arguments.output.write_bytes(png.tobytes())


if __name__ == "__main__":
    main()

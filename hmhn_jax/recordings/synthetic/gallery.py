"""Gallery of synthetic faces, for inspection by people."""

from collections.abc import Sequence

import cv2
import numpy as np

from hmhn_jax.recordings.synthetic.expression import perform
from hmhn_jax.recordings.synthetic.identity import draw_subject
from hmhn_jax.recordings.synthetic.painting.camera import render_frame
from hmhn_jax.recordings.synthetic.painting.head import build_head
from hmhn_jax.recordings.synthetic.painting.session import draw_session

_FRAME_SIZE = (640, 480)
_FACE = (slice(20, 460), slice(100, 540))  # rows and columns of a frame that hold the head
_MARGIN = 34  # pixels above the faces, for the captions
_INK, _PAPER = (60, 60, 60), 255


def contact_sheet(
    scores: Sequence[int] = (3, 25, 50),
    num_subjects: int = 8,
    seed: int = 0,
    frame: int = 5,
    tile: int = 160,
    people_per_row: int = 2,
) -> np.ndarray:
    """Draws several subjects, each with the same light and pose noise at several scores.

    Args:
      scores: BDI-II points, from left to right within a subject.
      num_subjects: how many people.
      seed: which people.
      frame: which moment of their clips.
      tile: width and height of one face in pixels.
      people_per_row: how many people stand side by side.

    Returns:
      u8[height, width, 3], RGB, captioned.
    """
    people = [_faces(seed, index, scores, frame, tile) for index in range(num_subjects)]
    rows = []
    for first in range(0, num_subjects, people_per_row):
        row = people[first : first + people_per_row]
        row += [np.full_like(people[0], _PAPER)] * (people_per_row - len(row))
        rows.append(np.hstack(row))
    faces = np.vstack(rows)
    caption = np.full((_MARGIN, faces.shape[1], 3), _PAPER, np.uint8)
    for column in range(faces.shape[1] // tile):
        score = scores[column % len(scores)]
        _write(caption, f"synthetic, score {score}", (column * tile + 8, _MARGIN - 11))
    return np.vstack([caption, faces])


def _faces(seed, index, scores, frame, tile):
    subject = draw_subject(np.random.default_rng([seed, index, 0]))
    head = build_head(subject)
    session = draw_session(np.random.default_rng([seed, index, 1]), subject, _FRAME_SIZE)
    tiles = []
    for score in scores:
        rng = np.random.default_rng([seed, index, 2])
        moment = perform(rng, subject, score, num_frames=frame + 1, fps=4)[frame]
        face = render_frame(head, session, *moment)[_FACE]
        tiles.append(cv2.resize(face, (tile, tile), interpolation=cv2.INTER_AREA))
    return np.hstack(tiles)


def _write(image, text, position):
    cv2.putText(image, text, position, cv2.FONT_HERSHEY_SIMPLEX, 0.42, _INK, 1, cv2.LINE_AA)

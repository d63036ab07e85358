"""Synthetic clips: subject, score, frames and video file."""

import dataclasses
import fractions
import io
from collections.abc import Iterable, Iterator

import av
import numpy as np

from hmhn_jax.base import scales
from hmhn_jax.base.scale import Scale
from hmhn_jax.recordings.synthetic.expression import Expression, Pose, perform
from hmhn_jax.recordings.synthetic.identity import Subject, draw_subject
from hmhn_jax.recordings.synthetic.painting.camera import render_frame
from hmhn_jax.recordings.synthetic.painting.head import Head, build_head
from hmhn_jax.recordings.synthetic.painting.session import Session, draw_session

# Independent streams of random numbers for one subject: none of them can depend on another.
_LOOKS, _SCORE, _SESSION, _PERFORMANCE = range(4)
_SCORE_BETA = (1.2, 3.2)  # most people score low and a few high, as in AVEC 2014


@dataclasses.dataclass(frozen=True)
class Clip:
    """One subject's only clip, before it is rendered.

    Attributes:
      seed, index: of the whole set, and the subject's number in it, which fix everything seen.
      num_frames, fps: length of the clip, and frames a second.
      size: width and height in pixels, both even.
      scale: of the score; people and how depressed they look do not depend on it.
    """

    seed: int
    index: int
    num_frames: int
    fps: int
    size: tuple[int, int]
    scale: Scale = dataclasses.field(default_factory=scales.default)

    @property
    def subject(self) -> Subject:
        """The subject, which does not depend on the score."""
        return draw_subject(self._rng(_LOOKS))

    @property
    def score(self) -> float:
        """The score, which does not depend on the subject; with one decimal if not whole."""
        severity, scale = self._rng(_SCORE).beta(*_SCORE_BETA), self.scale
        distance = scale.span * severity
        score = scale.least + distance if scale.worse == "high" else scale.greatest - distance
        return round(score) if scale.whole else float(np.clip(round(score, 1), *scale.ends))

    def frames(self) -> Iterator[np.ndarray]:
        """Renders the clip, u8[height, width, 3] RGB a frame."""
        head, session, moments = self.scene()
        for number, (expression, pose) in enumerate(moments):
            yield render_frame(head, session, expression, pose, number)

    def scene(self) -> tuple[Head, Session, list[tuple[Expression, Pose]]]:
        """Draws who is seen, where, and what the face does at each frame."""
        subject = self.subject
        session = draw_session(self._rng(_SESSION), subject, self.size)
        moments = perform(
            self._rng(_PERFORMANCE),
            subject,
            self.scale.severity(self.score),
            self.num_frames,
            float(self.fps),
        )
        return build_head(subject), session, moments

    def _rng(self, stream):
        return np.random.default_rng([self.seed, self.index, stream])


def encode(frames: Iterable[np.ndarray], fps: int, size: tuple[int, int]) -> bytes:
    """Encodes RGB frames u8[height, width, 3] as an mp4 file (H.264, 4:2:0).

    One thread, so that the same frames always make the same bytes.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        options = {"crf": "23", "preset": "veryfast", "threads": "1"}
        stream = container.add_stream("libx264", rate=fractions.Fraction(fps), options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()

"""A recording: a video of one subject, with its score."""

import dataclasses
from pathlib import Path

from hmhn_jax.base import scales
from hmhn_jax.base.errors import UserError, one_line
from hmhn_jax.base.scale import Scale

SPLITS = ("train", "validation", "test")
LABEL_COLUMNS = ("file", "subject", "task", "split", "score")
WHOLE = (0.0, None)  # the part of a file from its start to its end


@dataclasses.dataclass(frozen=True)
class Recording:
    """One video of one subject.

    Attributes:
      path: the video file.
      video_id: unique in its dataset; names the video in every result.
      subject_id: who is seen; the same person has one id in all splits.
      task: what the subject was doing, such as "freeform".
      split: one of `SPLITS`.
      score: on the scale of its source.
      start_s, end_s: the part of the file that is the video, in seconds since the file's first
        frame; to the file's end when `end_s` is None.
    """

    path: Path
    video_id: str
    subject_id: str
    task: str
    split: str
    score: float
    start_s: float = 0
    end_s: float | None = None

    @property
    def part(self) -> tuple[float, float | None]:
        """`start_s` and `end_s`."""
        return self.start_s, self.end_s

    @property
    def file(self) -> str:
        """The file's path, with the video's id where it is only a part of the file."""
        return str(self.path) if self.part == WHOLE else f"{self.path} ({self.video_id})"


@dataclasses.dataclass(frozen=True)
class Found:
    """The recordings found in a folder, and the problems with it.

    Attributes:
      recordings: videos with all that a `Recording` needs.
      details: {video_id: {name: value}}, what is known of a video beyond that, such as an age.
      facts: a line each for what is worth knowing but stops nothing, such as a missing clip.
      problems: a line each, with file and line, for what a person must decide or mend.
      left_out: files that are known and not wanted, such as of rows without a score.
      scale: of the scores.
      question: a line where nothing says which scale it is and the scores look like another one's;
        a person must answer it before anything is built.
    """

    recordings: tuple[Recording, ...]
    details: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    facts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    left_out: tuple[Path, ...] = ()
    scale: Scale = dataclasses.field(default_factory=scales.default)
    question: str = ""

    def __post_init__(self):
        for name in ("facts", "problems"):  # they quote untrusted text
            object.__setattr__(self, name, tuple(map(one_line, getattr(self, name))))

    def refuse_problems(self) -> None:
        """Raises UserError with the first problem and how many more there are."""
        if not self.problems:
            return
        rest = len(self.problems) - 1
        more = f"; and {rest} more, which `run.py --mode doctor` lists" if rest else ""
        raise UserError(self.problems[0] + more)

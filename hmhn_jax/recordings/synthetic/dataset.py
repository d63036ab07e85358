"""Synthetic dataset: a folder of videos and their labels."""

import csv
import dataclasses
import functools
import io
import json
from pathlib import Path
from typing import Any

import cv2

from hmhn_jax.base import files, progress, scales
from hmhn_jax.base.errors import UserError
from hmhn_jax.base.process_pool import map_in_order, num_usable_cores
from hmhn_jax.base.scale import Scale
from hmhn_jax.recordings.recording import LABEL_COLUMNS, SPLITS
from hmhn_jax.recordings.synthetic.clips import Clip, encode

RENDERER_VERSION = 1  # raise it whenever the same settings no longer give the same frames
LABELS_FILE = "labels.csv"
SETTINGS_FILE = "settings.json"
VIDEO_FOLDER = "videos"
TASK = "talking"


@dataclasses.dataclass(frozen=True)
class SyntheticSettings:
    """Settings that determine the synthetic set to the bit.

    Attributes:
      num_train, num_validation, num_test: subjects, and so clips, of each split.
      num_frames: length of each clip.
      fps: frames a second of each clip.
      size: width and height in pixels, both even.
      seed: another one gives other people, scores and surroundings.
      scale: of the scores, see `scales.choose`; the default one when empty.
    """

    num_train: int = 160
    num_validation: int = 40
    num_test: int = 40
    num_frames: int = 12
    fps: int = 4
    size: tuple[int, int] = (640, 480)
    seed: int = 0
    scale: str = ""

    def __post_init__(self):
        if self.num_frames < 1 or self.fps < 1:
            asked = f"{self.num_frames} at {self.fps}"
            raise UserError(f"expected at least 1 frame and 1 frame a second, got {asked}")
        if any(length < 2 or length % 2 for length in self.size):
            raise UserError(f"expected an even width and height, got {self.size}")
        self.rating_scale()  # refuses an unknown one now

    def rating_scale(self) -> Scale:
        """Returns the scale of the scores; raises UserError for an unknown one."""
        return scales.choose(self.scale) if self.scale else scales.default()


def described(settings: SyntheticSettings) -> dict[str, Any]:
    """Returns all that determines the frames and scores; the default scale goes unsaid."""
    values = {"renderer_version": RENDERER_VERSION, **dataclasses.asdict(settings)}
    scale = settings.rating_scale()
    if values.pop("scale") and not scale.measures_as(scales.default()):
        values["scale"] = scale.identity()
    return values


def write_dataset(
    directory: Path,
    settings: SyntheticSettings | None = None,
    num_processes: int | None = None,
) -> Path:
    """Renders the videos of the synthetic set that `directory` lacks, and writes their labels.

    Videos that are there already stay as they are. Each subject has one clip, in one split. All
    processors this process may use render when `num_processes` is left out; 1 is this process
    alone.

    Returns the path of the labels, a CSV file with the columns `LABEL_COLUMNS`, of which `file` is
    relative to the directory. Raises UserError when it holds something else, or cannot be written.
    """
    directory, settings = Path(directory), settings or SyntheticSettings()
    labels = directory / LABELS_FILE
    try:
        (directory / VIDEO_FOLDER).mkdir(parents=True, exist_ok=True)
        _claim(directory, settings)
        clips = _clips(settings)
        _render_missing(directory, clips, num_processes)
        for folder in (directory, directory / VIDEO_FOLDER):
            files.remove_abandoned(folder)
        content = _labels_csv(clips, settings)
        if not labels.exists() or labels.read_bytes() != content:
            files.write_bytes(labels, content)
    except OSError as error:
        path = error.filename or directory
        reason = error.strerror or error
        raise UserError(f"cannot write the synthetic videos: {path}: {reason}") from error
    return labels


def _clips(settings: SyntheticSettings) -> list[Clip]:
    number = settings.num_train + settings.num_validation + settings.num_test
    shape = settings.num_frames, settings.fps, settings.size, settings.rating_scale()
    return [Clip(settings.seed, index, *shape) for index in range(number)]


def _file(clip: Clip) -> str:
    return f"{VIDEO_FOLDER}/synthetic_{clip.index:04d}.mp4"


def _claim(directory, settings):
    """Records the settings in the folder, or refuses one made with other settings."""
    wanted = described(settings)
    wanted["size"] = list(settings.size)
    note = directory / SETTINGS_FILE
    if note.exists():
        if differences := _differences(note, wanted):
            raise UserError(
                f"{directory} holds synthetic videos made with other settings "
                f"({differences}): name another folder or delete this one"
            )
    elif any((directory / VIDEO_FOLDER).glob("*.mp4")):
        raise UserError(
            f"{directory / VIDEO_FOLDER} holds videos but no {SETTINGS_FILE} that says how they "
            "were made: name another folder or delete this one"
        )
    else:
        files.write_text(note, json.dumps(wanted, indent=2) + "\n")


def _differences(note, wanted):
    try:
        found = files.read_json(note)
        names = [name for name in {**wanted, **found} if found.get(name) != wanted.get(name)]
    except (ValueError, TypeError):
        return f"{SETTINGS_FILE} is unreadable"
    return ", ".join(f"{name} {found.get(name)}, expected {wanted.get(name)}" for name in names)


def _render_missing(directory, clips, num_processes):
    missing = [clip for clip in clips if not (directory / _file(clip)).exists()]
    if not missing:
        return
    render = functools.partial(_render, directory)
    # More processes than clips would only start up, and more threads would share the same cores.
    num_processes = min(num_processes or num_usable_cores(), len(missing))
    one_thread = functools.partial(cv2.setNumThreads, 1)
    rendered = map_in_order(render, missing, num_processes, one_thread)
    for _ in progress.track(rendered, "rendering synthetic videos", len(missing)):
        pass


def _render(directory: Path, clip: Clip) -> None:
    files.write_bytes(directory / _file(clip), encode(clip.frames(), clip.fps, clip.size))


def _labels_csv(clips, settings):
    sizes = (settings.num_train, settings.num_validation, settings.num_test)
    splits = [split for split, size in zip(SPLITS, sizes, strict=True) for _ in range(size)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LABEL_COLUMNS)
    for clip, split in zip(clips, splits, strict=True):
        writer.writerow([_file(clip), f"subject_{clip.index:04d}", TASK, split, clip.score])
    return text.getvalue().encode()

"""Releases of AVEC 2013 and 2014: videos and labels, found by their names on disk.

Copies of the releases differ in how deep folders are nested and how they are called. So nothing is
looked for at a fixed place: a file's own name says which session it is (`203_1`), and the nearest
folder that sounds like one says the split (`Training_AudioVisual`, `dev`, `Testing`).
"""

import collections
import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from hmhn_jax.base.formats import VIDEO_SUFFIXES
from hmhn_jax.recordings.avec_labels import read_labels
from hmhn_jax.recordings.file_names import files_below, plain_name
from hmhn_jax.recordings.recording import SPLITS, Found, Recording
from hmhn_jax.recordings.subjects import overlap_facts
from hmhn_jax.recordings.tables.cells import split_of_word
from hmhn_jax.recordings.tables.exclusion import excluded

TASKS = {2013: ("combined",), 2014: ("freeform", "northwind")}
RELEASED_PER_TASK = {"train": 50, "validation": 50, "test": 50}

_SESSION = re.compile(r"(\d+)_(\d+)(?!\d)")


@dataclasses.dataclass(frozen=True)
class AvecSettings:
    """The release and its folder.

    Attributes:
      year: 2013 or 2014.
      path: its folder, absolute or relative to TFDS's manual directory; `avec<year>` when empty.
      exclude: a list of videos to leave out, see `exclusion.excluded`; none when empty.
    """

    year: int
    path: str = ""
    exclude: str = ""


def find(root: Path, year: int, exclude: Path | None = None) -> Found:
    """Finds a release's videos below a folder and pairs each with its session's label, by name.

    `year` is 2013 or 2014; `exclude` lists videos to leave out, by name or id.

    Returns:
      The videos that have a label, ordered by split and name. A video's id is `203_1_freeform` in
      2014 and `203_1_combined` in 2013, and `session` is among its details. What is missing is in
      `facts`; labels that contradict each other or are no score, and videos that are there twice,
      are in `problems`.
    """
    files = files_below(root)
    labels, refused = read_labels(files)
    problems = [line for lines in refused.values() for line in lines]
    videos, facts = _videos(files, root, year, problems)
    unwanted = _excluded(exclude, videos, root) if exclude else set()
    if unwanted:
        facts.append(f"{exclude}: {len(unwanted)} videos left out")
    recordings, details, splits_of = [], {}, collections.defaultdict(set)
    for (session, task), (path, split) in videos.items():
        if path in unwanted:
            continue
        if session not in labels:
            if session not in refused:  # else it is there, and a problem
                facts.append(f"{path}: no label {_expected_label(session, files)}; left out")
            continue
        video_id, subject = f"{session}_{task}", session.split("_")[0]
        details[video_id] = {"session": session}
        splits_of[session].add(split)
        score = labels[session].score
        recordings.append(Recording(path, video_id, subject, task, split, score))
    problems += [
        f"{root}: session {session} is in the splits {' and '.join(sorted(splits))}; move its "
        "videos to one"
        for session, splits in sorted(splits_of.items())
        if len(splits) > 1
    ]
    with_video = {session for session, _ in videos}
    for session, label in sorted(labels.items()):
        missing = [task for task in TASKS[year] if (session, task) not in videos]
        if session not in with_video:
            facts.append(f"{label.path}: no video for this label")
        elif missing:
            facts.append(f"session {session}: no {missing[0]} video")
    facts += overlap_facts(recordings)
    recordings.sort(key=lambda each: (SPLITS.index(each.split), each.video_id))
    return Found(tuple(recordings), details, tuple(facts), tuple(problems))


def split_of_folder(name: str) -> str | None:
    """The split a folder's name speaks of, such as "validation" for `Development_AudioVisual`."""
    words = re.split(r"[^a-z]+", name.lower())
    return next(filter(None, map(split_of_word, words)), None)


def _expected_label(session: str, files: list[Path]) -> str:
    near = [path.name for path in files if plain_name(path.name).startswith(f"{session}_dep")]
    hint = f"; perhaps {near[0]} is meant" if near else ""
    return f"({session}_Depression.csv) for this video{hint}"


def _excluded(exclude: Path, videos: Mapping[tuple[str, str], tuple], root: Path) -> set[Path]:
    names = {"_".join(key): path for key, (path, _) in videos.items()}
    names |= {path.relative_to(root).as_posix(): path for path, _ in videos.values()}
    return {names[name] for name in excluded(exclude, names)}


def _videos(
    files: list[Path], root: Path, year: int, problems: list[str]
) -> tuple[dict[tuple[str, str], tuple[Path, str]], list[str]]:
    """Returns ({(session, task): (file, split)}, facts) and adds to the problems."""
    videos: dict[tuple[str, str], tuple[Path, str]] = {}
    facts = []
    for path in files:
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            continue
        match = _SESSION.match(plain_name(path.name))
        split = next(filter(None, map(split_of_folder, _folders(path, root))), None)
        task = _task(path, root, year)
        if not match or not split or not task:
            facts.append(f"{path}: {_why_no_video(match, split, year)}; left out")
            continue
        first, _ = videos.setdefault((match[0], task), (path, split))
        if first != path:
            problems.append(f"{path}: the same video as {first} by its name; keep one of them")
    return videos, facts


def _why_no_video(match: re.Match | None, split: str | None, year: int) -> str:
    if not match:
        return "the name starts with no session such as 203_1"
    if not split:
        return "no folder around it is named like a split (Training, dev, Testing, ...)"
    return f"its name and folders are not those of AVEC {year} ({', '.join(TASKS[year])})"


def _task(path: Path, root: Path, year: int) -> str | None:
    """Returns the task of a video; None if the video is not of this year's release."""
    text = " ".join([path.stem, *_folders(path, root)]).lower()
    named = next((task for task in TASKS[2014] if task in text), None)
    return named if year == 2014 else None if named else TASKS[2013][0]


def _folders(path: Path, root: Path) -> tuple[str, ...]:
    """Returns the folders between a file and the root, nearest first."""
    return tuple(reversed(path.relative_to(root).parts[:-1]))

"""Pseudonyms for subjects and videos in results that leave the study."""

import csv
import dataclasses
import io
import re
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

from hmhn_jax.base import files
from hmhn_jax.base.errors import UserError

FILE = "pseudonyms.csv"  # the key; whoever has it knows the names
_COLUMNS = ["subject", "subject_id", "video", "video_id"]


@dataclasses.dataclass(frozen=True)
class Pseudonyms:
    """The pseudonyms of a study, in the order in which they were given.

    Attributes:
      subjects: {subject_id: "P01"}.
      videos: {video_id: "P01-1"}.
    """

    subjects: dict[str, str]
    videos: dict[str, str]

    def order(self, video_ids: Sequence[str]) -> list[int]:
        """Returns indices that sort videos by pseudonym, as the order of names tells of them."""
        ranks = {video_id: rank for rank, video_id in enumerate(self.videos)}
        return sorted(range(len(video_ids)), key=lambda index: ranks[video_ids[index]])

    def hide(self, text: str, paths: Iterable[Path] = ()) -> str:
        """Returns a message without files and names: pseudonyms stand for them.

        Numbers of one or two digits are left: most of them count something. `paths` are of files
        that the message may name; absolute paths are found without.
        """
        known_files = {str(each) for path in paths for each in (path, Path(path).name)}
        for file in sorted(known_files, key=len, reverse=True):
            text = text.replace(file, "(file)")
        text = re.sub(r"(?<![\w/\\])(~|[A-Za-z]:)?[/\\][^\s:;,'\"]+", "(file)", text)
        known = self.subjects | self.videos
        names = [name for name in known if name and not re.fullmatch(r"\d{1,2}", name)]
        if not names:
            return text
        longest_first = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
        return re.sub(rf"(?<!\w)({longest_first})(?!\w)", lambda found: known[found[0]], text)


def assign(
    path: Path, videos: Iterable[tuple[str, str]], earlier: Path | None = None
) -> Pseudonyms:
    """Gives each subject and video a pseudonym, those in the key at `path` the same as before.

    New ones, of (subject_id, video_id), are numbered in a random order, which nothing but the key
    tells. Where there is no key yet, it begins with an `earlier` one. Raises UserError when a key
    cannot be read or written.
    """
    rows = _read(path) or (_read(earlier) if earlier else [])
    names = {row["subject_id"]: row["subject"] for row in rows}
    new = list(set(videos) - {(row["subject_id"], row["video_id"]) for row in rows})
    subjects = list({subject for subject, _ in new} - names.keys())
    random = secrets.SystemRandom()
    random.shuffle(subjects)
    random.shuffle(new)
    for number, subject in enumerate(subjects, len(names) + 1):
        names[subject] = f"P{number:02}"
    counts = {subject: sum(row["subject_id"] == subject for row in rows) for subject in names}
    for subject, video in sorted(new, key=lambda each: list(names).index(each[0])):
        counts[subject] += 1
        name = f"{names[subject]}-{counts[subject]}"
        rows.append(dict(zip(_COLUMNS, (names[subject], subject, name, video), strict=True)))
    if new or not path.exists():
        _write(path, rows)
    return Pseudonyms(names, {row["video_id"]: row["video"] for row in rows})


def _read(path):
    try:
        text = path.read_bytes().decode(errors="surrogateescape")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    for row in rows:
        if list(row) != _COLUMNS or not all(row.values()):
            raise UserError(f"{path}: expected {','.join(_COLUMNS)} in each row, got {row}")
    for one, other in (("subject", "subject_id"), ("video", "video_id")):
        pairs = {(row[one], row[other]) for row in rows}
        if not len(pairs) == len({pair[0] for pair in pairs}) == len({pair[1] for pair in pairs}):
            raise UserError(f"{path}: expected one {one} for each {other}, got several")
    return rows


def _write(path, rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write_bytes(path, text.getvalue().encode(errors="surrogateescape"))

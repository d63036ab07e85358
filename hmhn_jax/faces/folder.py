"""Anyone's recordings: a folder of videos and one CSV file."""

import dataclasses
from pathlib import Path

from hmhn_jax.errors import UserError
from hmhn_jax.faces.avec import VIDEO_SUFFIXES
from hmhn_jax.faces.recordings import Found, read_table
from hmhn_jax.faces.subjects import assign_splits


@dataclasses.dataclass(frozen=True)
class FolderSettings:
    """Where the videos are and how subjects are split if the table does not say.

    Attributes:
      path: the folder, absolute or relative to TFDS's manual directory; `folder` when empty.
      split_shares: of the subjects for train, validation and test, if there is no column `split`.
      split_seed: another one deals the subjects differently.
    """

    path: str = ""
    split_shares: tuple[float, float, float] = (0.6, 0.2, 0.2)
    split_seed: int = 0


def find(root: Path, settings: FolderSettings) -> Found:
    """Reads the one CSV file of a folder: `file,subject,score` and, if wanted, `split,task,...`.

    Args:
      root: the folder that holds the CSV file and, at any depth, the videos.
      settings: how to split subjects if the table has no column `split`.

    Returns:
      The table's recordings, see `recordings.read_table`; videos that it does not list are facts.

    Raises:
      UserError: there is not exactly one CSV file, it cannot be read, or has too few subjects.
    """
    table = find_table(root)
    found = read_table(table)
    recordings, facts = found.recordings, []
    if any(not recording.split for recording in recordings):
        subjects = {recording.subject_id for recording in recordings}
        split_of = assign_splits(subjects, settings.split_shares, settings.split_seed)
        recordings = tuple(
            dataclasses.replace(recording, split=split_of[recording.subject_id])
            for recording in recordings
        )
        facts.append(
            f"{table}: no column split; {len(subjects)} subjects were dealt by "
            f"split_shares={tuple(settings.split_shares)}, split_seed={settings.split_seed}"
        )
    listed = {recording.path.resolve() for recording in recordings}
    if not found.problems:  # else the videos of wrong rows would seem not to be listed
        facts += [
            f"{path}: not listed in {table.name}; left out"
            for path in sorted(root.rglob("*"))
            if path.suffix.lower() in VIDEO_SUFFIXES
            and not path.name.startswith(".")
            and path.resolve() not in listed
        ]
    return dataclasses.replace(found, recordings=recordings, facts=tuple(facts))


def find_table(root: Path) -> Path:
    """The one CSV file directly in a folder."""
    tables = tables_in(root)
    if len(tables) != 1:
        names = ", ".join(path.name for path in tables) or "none"
        raise UserError(
            f"{root}: expected one CSV file with the columns file,subject,score,split, got {names}"
        )
    return tables[0]


def tables_in(root: Path) -> list[Path]:
    """Returns the CSV files directly in a folder, without what programs hide or lock there."""
    return sorted(
        path
        for path in root.iterdir()
        if path.suffix.lower() == ".csv"
        and not path.name.startswith((".", "~$"))
        and path.is_file()
    )

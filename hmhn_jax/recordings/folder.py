"""Anyone's recordings: a folder of videos and one table."""

import dataclasses
from pathlib import Path

from hmhn_jax.base import scales
from hmhn_jax.base.errors import UserError
from hmhn_jax.base.formats import VIDEO_SUFFIXES
from hmhn_jax.base.scale import Scale
from hmhn_jax.recordings.file_names import files_below
from hmhn_jax.recordings.recording import Found
from hmhn_jax.recordings.subjects import assign_splits
from hmhn_jax.recordings.tables.exclusion import list_path
from hmhn_jax.recordings.tables.labels import read_table
from hmhn_jax.recordings.tables.sheets import SUFFIXES


@dataclasses.dataclass(frozen=True)
class FolderSettings:
    """The folder, and the division of subjects into splits if the table has none.

    Attributes:
      path: the folder, absolute or relative to TFDS's manual directory; `folder` when empty.
      split_shares: of the subjects for train, validation and test, if there is no column `split`.
      split_seed: another one deals the subjects differently.
      table: the table's name, needed where there are several.
      columns, missing: as for `labels.read_table`.
      exclude: a list of videos to leave out, see `exclusion.excluded`; none when empty.
      scale: of the scores, see `scales.choose`; when empty, the folder's `scales.FILES` say it.
    """

    path: str = ""
    split_shares: tuple[float, float, float] = (0.6, 0.2, 0.2)
    split_seed: int = 0
    table: str = ""
    columns: str = ""
    missing: str = ""
    exclude: str = ""
    scale: str = ""


def find(root: Path, settings: FolderSettings, scale: Scale | None = None) -> Found:
    """Reads the table of a folder: `file,subject,score` and, if wanted, `split,task,...`.

    The videos lie at any depth in the folder of the table; `scale` is that of the scores if neither
    the settings nor the folder say it. Returns the table's recordings, see `labels.read_table`;
    videos that it does not list are facts. Raises UserError when there is not exactly one table, it
    cannot be read, or has too few subjects.
    """
    exclude = list_path(settings.exclude, root) if settings.exclude else None
    table = find_table(root, settings.table, exclude)
    chosen = scales.choose(settings.scale, root) if settings.scale else scales.beside(root)
    found = read_table(
        table,
        columns=settings.columns,
        missing=settings.missing,
        exclude=exclude,
        scale=chosen or scale,
    )
    recordings, facts = found.recordings, list(found.facts)
    if any(not recording.split for recording in recordings):
        subjects = {recording.subject_id for recording in recordings}
        try:
            split_of = assign_splits(subjects, settings.split_shares, settings.split_seed)
        except UserError as error:
            if found.problems:  # the subjects that lack may be theirs
                return dataclasses.replace(found, recordings=())
            raise UserError(f"{error}; {found.facts[0]}") from None
        recordings = tuple(
            dataclasses.replace(recording, split=split_of[recording.subject_id])
            for recording in recordings
        )
        facts.append(
            f"{table}: no column split; {len(subjects)} subjects were dealt by "
            f"split_shares={tuple(settings.split_shares)}, split_seed={settings.split_seed}"
        )
    known = {recording.path for recording in recordings}.union(found.left_out)
    listed = {path.resolve() for path in known}
    if not found.problems:  # else the videos of wrong rows would seem not to be listed
        facts += [
            f"{path}: not listed in {table.name}; left out"
            for path in files_below(root)
            if path.suffix.lower() in VIDEO_SUFFIXES and path.resolve() not in listed
        ]
    return dataclasses.replace(found, recordings=recordings, facts=tuple(facts))


def find_table(root: Path, name: str = "", exclude: Path | None = None) -> Path:
    """The table of that name in a folder, or the one that is there besides the list `exclude`."""
    if name:
        return root / name
    tables = [
        path for path in tables_in(root) if not exclude or path.resolve() != exclude.resolve()
    ]
    if len(tables) != 1:
        names = ", ".join(path.name for path in tables) or "none"
        choice = "; choose with --config.data.table=NAME" if tables else ""
        raise UserError(
            f"{root}: expected one table (.csv, .tsv or .xlsx) with the columns "
            f"file,subject,score,split, got {names}{choice}"
        )
    return tables[0]


def tables_in(root: Path) -> list[Path]:
    """Returns the tables directly in a folder, without what programs hide or lock there."""
    return sorted(
        path
        for path in root.iterdir()
        if path.suffix.lower() in SUFFIXES
        and not path.name.startswith((".", "~$"))
        and path.is_file()
    )

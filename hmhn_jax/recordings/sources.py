"""Sources of real recordings, and their places on disk."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.base.scale import Scale
from hmhn_jax.recordings import avec, folder
from hmhn_jax.recordings.avec import AvecSettings
from hmhn_jax.recordings.folder import FolderSettings
from hmhn_jax.recordings.recording import Found
from hmhn_jax.recordings.synthetic import SyntheticSettings
from hmhn_jax.recordings.tables.exclusion import list_path

RealSettings = AvecSettings | FolderSettings
Settings = SyntheticSettings | RealSettings
SameSettings = TypeVar("SameSettings", bound=Settings)

SOURCES: dict[str, Callable[..., Settings]] = {
    "synthetic": SyntheticSettings,
    "avec2013": functools.partial(AvecSettings, 2013),
    "avec2014": functools.partial(AvecSettings, 2014),
    "folder": FolderSettings,
}
CHOICES = (
    "table",
    "columns",
    "missing",
    "exclude",
    "scale",
)  # fields of settings and of `config.data`


class NoDataError(UserError):
    """Missing files of a source; the message says where to put them."""


def settings_from(values: dict) -> Settings:
    """Parses settings from JSON: `{"source": "folder", ...}`; the default source is synthetic.

    Raises UserError for an unknown source or field.
    """
    values = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    source = values.pop("source", "synthetic")
    if source not in SOURCES:
        raise UserError(f'expected a source out of {", ".join(SOURCES)}, got "{source}"')
    try:
        return SOURCES[source](**values)
    except TypeError as error:
        raise UserError(f"videos of the source {source}: {error}") from error


def with_choices(settings: SameSettings, choices: Mapping[str, str]) -> SameSettings:
    """The settings of a source with what `config.data` says of reading them.

    `choices` has {field: value} of all `CHOICES`; an empty value changes nothing. Raises UsageError
    when the source has no such field.
    """
    given: dict[str, Any] = {name: choices[name] for name in CHOICES if choices[name]}
    is_drawn = isinstance(settings, SyntheticSettings)  # to be the same with the same name
    fields = () if is_drawn else dataclasses.fields(settings)
    for name in given.keys() - {field.name for field in fields}:
        raise UsageError(
            f"config.data.{name} must be empty unless config.data.dataset is avec_faces/folder"
            + " or AVEC" * (name == "exclude")
        )
    return dataclasses.replace(settings, **given)


def source_name(settings: RealSettings) -> str:
    """Returns the source's key in `SOURCES`, which is also the name of its folder."""
    return f"avec{settings.year}" if isinstance(settings, AvecSettings) else "folder"


def find(settings: RealSettings, manual_dir: Path, scale: Scale | None = None) -> Found:
    """Finds the recordings of a source, below TFDS's manual directory.

    `scale` is that of the scores of a folder that does not say it. Raises NoDataError when there
    are no recordings, UserError when they cannot be read.
    """
    root = find_root(settings, manual_dir)
    if isinstance(settings, FolderSettings):
        return folder.find(root, settings, scale)
    exclude = list_path(settings.exclude, root) if settings.exclude else None
    found = avec.find(root, settings.year, exclude)
    if not found.recordings and not found.problems:
        first = f"; {found.facts[0]}" if found.facts else ""
        raise NoDataError(
            f"{root}: no video with its label in it for AVEC {settings.year} "
            f"(see docs/data/{source_name(settings)}.md){first}"
        )
    return found


def find_root(settings: RealSettings, manual_dir: Path) -> Path:
    """Finds the folder of a source: the named one, or the manual directory itself.

    Raises NoDataError when neither is there.
    """
    name = source_name(settings)
    wanted = manual_dir / (settings.path or name)
    if wanted.is_dir() and any(wanted.iterdir()):
        return wanted
    if not settings.path and manual_dir.is_dir():
        children = [child for child in manual_dir.iterdir() if not child.name.startswith(".")]
        for child in children:
            if child.is_dir() and child.name.lower() == name:
                return child
        if _is_root(children, manual_dir, settings):
            return manual_dir
    content = "your videos and one table" if name == "folder" else "the release's folders"
    raise NoDataError(
        f"no data for {name}: expected {content} in {wanted}; docs/data/{name}.md says more"
    )


def _is_root(children: list[Path], manual_dir: Path, settings: RealSettings) -> bool:
    """Returns whether the files lie in the manual directory itself.

    It may as well hold the files of any other dataset, so that only what looks like the source
    counts.
    """
    if isinstance(settings, FolderSettings):
        return bool(folder.tables_in(manual_dir))
    return any(child.is_dir() and avec.split_of_folder(child.name) for child in children)

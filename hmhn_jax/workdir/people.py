"""People of a run's train, validation and test: people.json in the workdir of a fold."""

import dataclasses
import hashlib
import json
from pathlib import Path

from ml_collections import ConfigDict

from hmhn_jax.base import files
from hmhn_jax.base.errors import UserError

FILE = "people.json"


@dataclasses.dataclass(frozen=True)
class People:
    """Who is in which part, in place of the dataset's own splits.

    Attributes:
      splits: of the dataset, that the people's videos are read from, such as "train+test".
      train, validation, test: names of subjects, in order.
    """

    splits: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self):
        named = [*self.train, *self.validation, *self.test]
        if len(set(named)) < len(named):
            raise ValueError("somebody is in two of train, validation and test")

    def part(self, name: str) -> tuple[str, ...]:
        """Returns the subjects of "train", "validation" or "test".

        Raises:
          UserError: for another name, or where nobody is in it.
        """
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        if not parts.get(name):
            known = ", ".join(part for part in parts if parts[part])
            raise UserError(f"split {name!r} is not in {FILE} of this fold (it has {known})")
        return parts[name]

    def content(self) -> bytes:
        """Returns what the file holds."""
        return (json.dumps(dataclasses.asdict(self), indent=2) + "\n").encode()

    def sha256(self) -> str:
        """Returns the value of `config.data.people`."""
        return hashlib.sha256(self.content()).hexdigest()


def read(config: ConfigDict, workdir: Path) -> People | None:
    """Reads the people of a run; None where it has the dataset's own splits.

    Raises:
      UserError: the file is missing, or not the one that the run began with.
    """
    if not config.data.people:
        return None
    path = Path(workdir) / FILE
    try:
        values = files.read_json(path)
        parts = {name: tuple(values[name]) for name in ("train", "validation", "test")}
        people = People(splits=values["splits"], **parts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"cannot read {path}: {type(error).__name__}: {error}") from error
    if people.sha256() != config.data.people:
        raise UserError(
            f"{path} is not the one that this run began with: expected sha256 "
            f"{config.data.people}, got {people.sha256()}"
        )
    return people

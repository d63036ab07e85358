"""Partition of people into the folds of a cross-validation: DIR/folds.json."""

import dataclasses
import json
from pathlib import Path

from hmhn_jax.base import files
from hmhn_jax.base.errors import UserError
from hmhn_jax.workdir.people import People

FILE, FOLDER = "folds.json", "folds"


@dataclasses.dataclass(frozen=True)
class Partition:
    """A cross-validation's folds.

    Attributes:
      fingerprint: of the data that were divided.
      group: what stays in one fold: "subject", or a column such as "site".
      groups: {subject: group}.
      folds: who is trained on, validated and tested, by the fold's name: "r0f3" is the fourth fold
        of the first repeat.
    """

    fingerprint: str
    group: str
    groups: dict[str, str]
    folds: dict[str, People]

    def workdirs(self, workdir: Path) -> dict[str, Path]:
        """Returns the workdir of each fold, by its name."""
        return {name: Path(workdir) / FOLDER / name for name in self.folds}


def write(partition: Partition, workdir: Path) -> None:
    text = json.dumps(dataclasses.asdict(partition), indent=1) + "\n"
    files.write_text(Path(workdir) / FILE, text)


def read(workdir: Path) -> Partition | None:
    """Reads the partition of a cross-validated workdir; None of any other.

    Raises:
      UserError: the file is damaged.
    """
    path = Path(workdir) / FILE
    try:
        values = files.read_json(path)
        values["folds"] = {
            name: People(**{key: _tuple(each) for key, each in people.items()})
            for name, people in values["folds"].items()
        }
        if any(name != Path(name).name for name in values["folds"]):
            raise ValueError("a fold's name is no folder's")
        return Partition(**values)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"cannot read {path}: {type(error).__name__}: {error}") from error


def check_none(workdir: Path) -> None:
    """Raises UserError for a cross-validated workdir, in which no single network is trained."""
    if read(workdir) is not None:
        raise UserError(
            f"{workdir} is cross-validated: use --mode crossvalidate, or another --workdir"
        )


def members(workdir: Path) -> list[Path]:
    """Returns the workdirs of the networks of a workdir: itself, or those of its folds."""
    partition = read(workdir)
    return [Path(workdir)] if partition is None else list(partition.workdirs(workdir).values())


def _tuple(value):
    return tuple(value) if isinstance(value, list) else value

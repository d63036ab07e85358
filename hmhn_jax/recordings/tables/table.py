"""Tables as people and spreadsheet programs write them: rows of named cells."""

import csv
import dataclasses
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.recordings.tables.sheets import Rows, read_sheets

# Names that a column goes by where none has the first one.
COLUMNS = {
    "file": ("file name", "filename", "file path", "filepath", "path", "video file", "video"),
    "subject": ("subject id", "participant", "participant id", "patient", "patient id"),
    "score": (),  # and what scales call it
    "split": ("partition", "subset"),
    "task": (),
    "session": (),
    "use": (),
    "start": (),
    "end": (),
}
_HEADER_WITHIN = 20  # rows; people write titles above it


class NoColumnError(UserError):
    """A table lacks a column."""


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows and columns of a table.

    Attributes:
      rows: (number of the line, {column: value}) of each row that is not empty; the columns of
        `COLUMNS` have these names, others their own.
      columns: {one of `COLUMNS`: its name in the table}.
      form: how the table is written, such as "separator ';', UTF-16".
    """

    rows: list[tuple[int, dict[str, str]]]
    columns: dict[str, str]
    form: str


def read(
    path: Path,
    required: Sequence[str],
    mapping: str = "",
    names: Callable[[], Iterable[str]] = tuple,
    score_names: Sequence[str] = (),
) -> Table:
    """Reads a table with a header, of text or of Excel.

    Args:
      path: of the table.
      required: columns that must be there.
      mapping: what columns are called instead, such as "file:Video,score:PHQ9".
      names: gives names of files that it may hold, see `sheets.decode`.
      score_names: other names of the column `score`, the likeliest first.

    Raises:
      UserError: it cannot be read, is no table or larger than any, lacks a column, has one twice, a
        row has more values than there are columns, or the mapping is none (UsageError).
    """
    known = {column: (column, *others) for column, others in COLUMNS.items()}
    known["score"] += tuple(score_names)
    known |= {column: (name,) for column, name in _parse_mapping(mapping).items()}
    try:
        sheets = read_sheets(path, names)
        heads = {
            form: list(itertools.islice(rows(), _HEADER_WITHIN)) for form, rows in sheets.items()
        }
        fitting = [
            form
            for form, head in heads.items()
            if any(set(required) <= set(_places(cells, known)) for _, cells in head)
        ]
        if len(fitting) > 1 and fitting[0].startswith("Excel"):
            raise UserError(f"{path}: expected one table in it, got {', '.join(fitting)}")
        form = max(fitting or heads, key=lambda form: _find_header(heads[form], known))
        start = -_find_header(heads[form], known)[2]
        return _named(path, form, itertools.islice(sheets[form](), start, None), known, required)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as a table: {error}") from error


def _parse_mapping(text: str) -> dict[str, str]:
    pairs = [each.partition(":") for each in next(csv.reader([text]), [])]
    for column, _, name in pairs:
        if column.strip() not in COLUMNS or not name.strip():
            raise UsageError(
                f"config.data.columns must be like file:Video,score:PHQ9, with columns out of "
                f"{', '.join(COLUMNS)}, got {text!r}"
            )
    return {column.strip(): plain(name) for column, _, name in pairs}


def plain(name: str) -> str:
    """Returns a column's name in small letters, words parted by one space."""
    return " ".join(re.split(r"[\s_-]+", unicodedata.normalize("NFKC", name).casefold())).strip()


def _places(cells: Sequence[str], names: dict[str, tuple[str, ...]]) -> dict[str, int]:
    """{column: its place} of the `COLUMNS` that a row of cells names."""
    header = [plain(cell) for cell in cells]
    places = {}
    for column, known in names.items():
        name = next((name for name in known if name in header), None)
        if name is not None and header.count(name) == 1:
            places[column] = header.index(name)
    return places


def _find_header(rows: list, names: dict[str, tuple[str, ...]]) -> tuple[int, int, int]:
    """Gives of the likeliest row: columns it names, cells it has, and minus its place."""
    likely = (
        (len(_places(cells, names)), sum(map(bool, cells)), -place)
        for place, (_, cells) in enumerate(rows)
    )
    return max(likely, default=(0, 0, 0))


def _named(path, form, rows: Rows, names, required) -> Table:
    """Gives rows their columns' names."""
    line, header = next(rows, (1, []))
    header = [name.strip() for name in header]
    named = [name for name in header if name]  # spreadsheets leave empty columns at the edge
    places = _places(header, names)
    twice = [name for name in names if [*map(plain, named)].count(names[name][0]) > 1]
    missing = [name for name in required if name not in places]
    if missing and not twice:
        raise NoColumnError(
            f"{path}, line {line}: no column {', '.join(missing)}; got "
            f"{', '.join(named) or 'an empty file'}; say which it is with "
            f"--config.data.columns={','.join(f'{name}:NAME' for name in missing)}"
        )
    if twice or len(set(named)) < len(named):
        raise UserError(f"{path}, line {line}: a column is there twice: {','.join(named)}")
    place_of = {name: place for place, name in enumerate(header) if name}
    for place in places.values():
        place_of.pop(header[place])
    place_of |= places
    table = Table([], {column: header[place] for column, place in places.items()}, form)
    for line, cells in rows:
        cells = [re.sub(r'^="(.*)"$', r"\1", cell).strip() for cell in cells]
        if not any(cells):
            continue  # what spreadsheets leave below a table
        if any(cells[len(header) :]):
            raise UserError(
                f"{path}, line {line}: more values than the {len(header)} columns (a separator "
                "within a value needs quotes)"
            )
        cells += [""] * (len(header) - len(cells))
        table.rows.append((line, {name: cells[place] for name, place in place_of.items()}))
    return table

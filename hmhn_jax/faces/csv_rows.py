"""The rows of a comma-separated table that somebody else wrote."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from hmhn_jax import bounded_files
from hmhn_jax.errors import UserError

MOST_ROWS = 200_000


def read_rows(csv_path: Path, required: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Reads a comma-separated file with a header row by row.

    Args:
      csv_path: in UTF-8, with or without a byte order mark.
      required: columns that must be there.

    Yields:
      The number of the line and {column: value}, without the space around both.

    Raises:
      UserError: it cannot be read, is no such table or larger than any, lacks a column, has one
        twice, or a row has more values than there are columns.
    """
    try:
        # Spreadsheet programs start a UTF-8 file with a byte order mark; "-sig" drops it.
        text = bounded_files.read_text(csv_path, "utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
        header = [name.strip() for name in reader.fieldnames or []]
        missing = [name for name in required if name not in header]
        if missing:
            raise UserError(
                f"{csv_path}, line 1: missing column {', '.join(missing)}; expected "
                f"{','.join(required)}, got {','.join(header) or 'an empty file'}"
            )
        named = [name for name in header if name]  # spreadsheets leave empty columns at the edge
        if len(set(named)) < len(named):
            raise UserError(f"{csv_path}, line 1: a column is there twice: {','.join(named)}")
        reader.fieldnames = header
        for number, row in enumerate(reader):
            if number == MOST_ROWS:
                raise UserError(f"{csv_path}: expected at most {MOST_ROWS} rows, got more")
            if not any("".join(value or ()).strip() for value in row.values()):
                continue  # what spreadsheets leave below a table
            if None in row:
                raise UserError(
                    f"{csv_path}, line {reader.line_num}: more values than the "
                    f"{len(header)} columns (a comma within a value needs quotes)"
                )
            yield reader.line_num, {name: (row[name] or "").strip() for name in header if name}
    except OSError as error:
        raise UserError(f"{csv_path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{csv_path}: not a UTF-8 comma-separated table: {error}") from error

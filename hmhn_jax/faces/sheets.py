"""The rows of cells in a file: text with any separator and encoding, or Excel's sheets."""

import codecs
import csv
import functools
import io
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from hmhn_jax import bounded_files
from hmhn_jax.errors import UserError

SUFFIXES = (".csv", ".tsv", ".tab", ".xlsx", ".xls", ".ods")  # the last two are refused in words
_SEPARATORS = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16's, with which it begins
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

Rows = Iterator[tuple[int, list[str]]]  # the number of a line and its cells


def read_sheets(path: Path) -> dict[str, Callable[[], Rows]]:
    """Reads all that a file may hold: each sheet of Excel's, or the text by each separator.

    Returns:
      {what it is, such as "separator ';', UTF-16": gives its rows}, at least one.

    Raises:
      UserError: it cannot be read, or nothing installed can read it.
      UnicodeDecodeError, csv.Error: it is no text, the latter as rows are read.
    """
    try:
        content = bounded_files.read_bytes(path, bounded_files.MOST_TEXT_BYTES)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    if content.startswith(b"\xd0\xcf\x11\xe0") or b"opendocument" in content[:90]:
        raise UserError(f"{path}: expected CSV or .xlsx without a password; save it as that")
    if content.startswith(b"PK\x03\x04"):
        return _excel_sheets(content, path)
    text, encoding = decode(content)
    encoding = encoding.upper().replace("_", " ")
    return {
        f"separator {name}, {encoding}": functools.partial(_split, text, separator)
        for separator, name in _SEPARATORS.items()
    }


def decode(content: bytes) -> tuple[str, str]:
    """Decodes text of any program; gives the encoding, too.

    Without a byte order mark it is UTF-8 or UTF-16, or else what older programs for Windows and
    the Mac write in western Europe and America.

    Raises:
      UnicodeDecodeError: it is no text.
    """
    for mark, encoding in _BOMS.items():
        if content.startswith(mark):
            return content.decode(encoding), encoding.removesuffix("-sig")
    if b"\0" in content[:2]:
        encoding = "utf-16-be" if content[0] == 0 else "utf-16-le"
        return content.decode(encoding), encoding
    try:
        return content.decode(), "utf-8"
    except UnicodeDecodeError:
        import charset_normalizer

        matches = charset_normalizer.from_bytes(content, cp_isolation=["cp1252", "mac_roman"])
        best = matches.best()
        encoding = best.encoding if best else "cp1252"
        return content.decode(encoding), encoding


def _split(text: str, separator: str) -> Rows:
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    return ((reader.line_num, cells) for cells in reader)


def _excel_sheets(content: bytes, path: Path) -> dict[str, Callable[[], Rows]]:
    import pandas

    try:
        with warnings.catch_warnings(action="ignore"):  # of what it does not read, such as colours
            sheets = pandas.read_excel(
                io.BytesIO(content), None, header=None, dtype=str, na_filter=False
            )
    except ImportError:
        raise UserError(
            f"{path}: Excel tables need openpyxl, which is not installed: "
            "pip install 'hmhn-jax[excel]'; or save it as CSV"
        ) from None
    except Exception as error:  # it lets through whatever the XML of others may raise
        raise UserError(f"{path}: cannot be read as an Excel table: {error}") from error
    return {
        f"Excel sheet '{title}'": functools.partial(enumerate, sheet.values.tolist(), 1)
        for title, sheet in sheets.items()
    }

"""The rows of cells in a file: text with any separator and encoding, or Excel's sheets."""

import codecs
import csv
import functools
import io
import os
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hmhn_jax.base.errors import UserError

SUFFIXES = (".csv", ".tsv", ".tab", ".xlsx", ".xls", ".ods")  # the last two are refused in words
_SEPARATORS = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16's, with which it begins
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

# Letters that tell the encodings of older programs apart, most of western Europe's. Those that the
# other one has for quotes and dashes are not among them.
_LETTERS = {
    "cp1252": "ßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿ",
    "mac_roman": "ßàáâãäåæçèéêòôõöøùúûü",
}

Rows = Iterator[tuple[int, list[str]]]  # the number of a line and its cells


def read_sheets(path: Path, names: Callable[[], Iterable[str]]) -> dict[str, Callable[[], Rows]]:
    """Reads all that a file may hold: each sheet of Excel's, or the text by each separator.

    Returns {what it is, such as "separator ';', UTF-16": gives its rows}, at least one. Raises
    UserError when it cannot be read, or nothing installed can read it; UnicodeDecodeError or, as
    rows are read, csv.Error when it is no text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    if content.startswith(b"\xd0\xcf\x11\xe0") or b"opendocument" in content[:90]:
        raise UserError(f"{path}: expected CSV or .xlsx without a password; save it as that")
    if content.startswith(b"PK\x03\x04"):
        return _excel_sheets(content, path)
    text, encoding = decode(content, names)
    encoding = encoding.upper().replace("_", " ")
    return {
        f"separator {name}, {encoding}": functools.partial(_split, text, separator)
        for separator, name in _SEPARATORS.items()
    }


def decode(content: bytes, names: Callable[[], Iterable[str]] = tuple) -> tuple[str, str]:
    """Decodes text of any program; gives the encoding, too. Raises UnicodeDecodeError for no text.

    Args:
      content: in UTF-8, UTF-16 or UTF-32, or as older programs for Windows (cp1252) or the Mac (Mac
        Roman) write it in western Europe and America.
      names: gives names of files that the text may hold, which tell the last two apart; where
        none does, the text's letters do.
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
        composed = functools.partial(unicodedata.normalize, "NFC")
        stems = {composed(os.path.splitext(os.path.basename(name))[0]) for name in names()}
        stems = {stem for stem in stems if not stem.isascii()}

        def likeness(encoding: str) -> tuple[int, int, int]:
            text = composed(content.decode(encoding, "replace"))
            found = sum(stem in text for stem in stems)
            return -text.count("\ufffd"), found, sum(map(text.count, _LETTERS[encoding]))

        encoding = max(_LETTERS, key=likeness)
        return content.decode(encoding), encoding


def _split(text: str, separator: str) -> Rows:
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    return ((reader.line_num, cells) for cells in reader)


def _excel_sheets(content: bytes, path: Path) -> dict[str, Callable[[], Rows]]:
    try:
        import pandas

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
        f"Excel sheet '{title}'": functools.partial(enumerate, sheet.fillna("").values.tolist(), 1)
        for title, sheet in sheets.items()
    }

"""One-line errors: mistakes of the user, and faults of the software."""

import collections
import unicodedata
from collections.abc import Iterable
from pathlib import Path

MOST_LETTERS = 2000  # of a line; what is named first and the reason at the end stay
_LEFT_OUT = " [...] "
REASONS_NAMED = 3  # in an error message; tables and summaries have them all


def one_line(text: str, most_letters: int = MOST_LETTERS) -> str:
    """Escapes untrusted text for one line of a terminal: no control characters, no line breaks.

    Line breaks, control sequences, marks that turn the direction of writing, and the bytes of file
    names that are no text become escapes such as `\\n`; of a very long text the middle is left out.
    """
    if not text.isprintable():
        text = "".join(each if _is_plain(each) else _escaped(each) for each in text)
    if len(text) > most_letters:
        half = (most_letters - len(_LEFT_OUT)) // 2
        text = f"{text[:half]}{_LEFT_OUT}{text[-half:]}"
    return text


def reason_of(error: BaseException) -> str:
    """Returns what an exception of a library says, shortened to one line; else its type."""
    return one_line(" ".join(str(error).split()), 200) or type(error).__name__


def _is_plain(letter):
    return letter.isprintable() or unicodedata.category(letter) == "Zs"  # other spaces


def _escaped(letter):
    return letter.encode("unicode_escape").decode("ascii")


class UserError(Exception):
    """A wrong file, label, folder or checkpoint.

    The message is one line: what was expected, what came, and which file. `run.py` prints it
    without a traceback and exits with `exit_code`.
    """

    exit_code = 1

    def __init__(self, message: str = ""):
        super().__init__(one_line(message))


class UsageError(UserError):
    """A wrong flag, mode or config value."""

    exit_code = 2


class SoftwareFault(Exception):
    """A fault of this software, not of what it was given.

    The message is one line: what happened, where, and how to report it. `run.py` prints it without
    a traceback and exits with `exit_code`.
    """

    exit_code = 70  # EX_SOFTWARE of sysexits.h

    def __init__(self, message: str = ""):
        super().__init__(one_line(message))


def most_common_reasons(failures: Iterable[tuple[Path | str, str]]) -> str:
    """Returns the most common reasons of (file, reason), each once: its first file and a count."""
    files = collections.defaultdict(list)
    for path, reason in failures:
        files[reason].append(path)
    by_count = sorted(files.items(), key=lambda each: -len(each[1]))  # of equal ones the first
    named = [
        f"{paths[0]}: {reason}" + (f" ({len(paths)} files)" if len(paths) > 1 else "")
        for reason, paths in by_count[:REASONS_NAMED]
    ]
    if rest := sum(len(paths) for _, paths in by_count[REASONS_NAMED:]):
        named.append(f"and {rest} more")
    return "; ".join(named)

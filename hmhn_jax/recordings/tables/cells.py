"""The values in a table's cells: scores, seconds, splits, yes or no, and none."""

import math
import re
from collections.abc import Iterable

from hmhn_jax.base.errors import UserError
from hmhn_jax.base.scale import Scale
from hmhn_jax.recordings.recording import SPLITS

_SPLIT_WORDS = {
    "train": r"train(ing)?(set|data)?",
    "validation": r"(dev(el(opment)?)?|val(id(ation)?)?)(set|data)?",
    "test": r"test(ing|s)?(set|data)?",
}
_MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "none", ".", "-", "--", "\u2013", "\u2014"}
_USED = dict.fromkeys(("yes", "y", "1", "true"), True) | dict.fromkeys(
    ("no", "n", "0", "false"), False
)


def split_of_word(word: str) -> str | None:
    """The split that a word such as "Training" or "dev set" means; None if it means none."""
    plain = re.sub(r"[\s_-]", "", word.lower())
    for split, pattern in _SPLIT_WORDS.items():
        if re.fullmatch(pattern, plain):
            return split
    return None


def parse_split(text: str) -> str:
    """One of `SPLITS`; raises UserError for any other word."""
    if not (split := split_of_word(text)):
        raise UserError(f'split "{text}" is unknown; expected one of {", ".join(SPLITS)}')
    return split


def parse_use(text: str) -> bool:
    """True for yes, 1 or true, False for no, 0 or false; else raises UserError."""
    if text.lower() not in _USED:
        raise UserError(f'use "{text}" is neither yes nor no')
    return _USED[text.lower()]


def is_missing(text: str, codes: Iterable[str] = ()) -> bool:
    """Returns whether a cell says that there is no value, in a usual way or by a code."""
    return text.lower() in _MISSING or any(text == code or _equal(text, code) for code in codes)


def has_decimal_comma(texts: Iterable[str]) -> bool:
    """Returns whether a number among these has a comma that cannot set thousands apart."""
    commas = (re.fullmatch(r"-?(\d+),(\d+)", text, re.ASCII) for text in texts)
    return any(each and (len(each[2]) != 3 or each[1][0] == "0") for each in commas)


def parse_number(text: str, name: str, decimal_comma: bool = False) -> float:
    """A decimal number, with a point or comma.

    `name` is the number's, for messages; `decimal_comma` says whether other numbers of the table
    have one. Raises UserError when it is no number, or its mark may set thousands apart.
    """
    thousands = r"\." if decimal_comma else ","
    if re.fullmatch(rf"[+-]?[1-9]\d?\d?{thousands}\d\d\d", text, re.ASCII):
        plain = re.sub(r"[.,]", ".", text)
        raise UserError(
            f'{name} "{text}" has a decimal {"point" if decimal_comma else "comma"} or one that '
            f"sets thousands apart: write {plain} or {plain.replace('.', '')}"
        )
    try:
        return float(text.replace(",", ".") if text.isascii() and "_" not in text else "")
    except ValueError:
        raise UserError(f'{name} "{text}" is not a number') from None


def parse_score(text: str, scale: Scale, decimal_comma: bool = False) -> float:
    """A score; raises UserError for anything but a number on the scale."""
    score = parse_number(text, "score", decimal_comma)
    if not scale.least <= score <= scale.greatest:  # also refuses nan
        ends = f"{scale.least:g} and {scale.greatest:g}"
        raise UserError(f"score {text} is not between {ends}, as on {scale.name}")
    return score


def parse_seconds(text: str, name: str, decimal_comma: bool = False) -> float | None:
    """Seconds, also as mm:ss or hh:mm:ss.s; None for an empty cell; else raises UserError."""
    if not text:
        return None
    *whole, last = text.split(":")
    if len(whole) > 2 or not all(re.fullmatch(r"\d+", each, re.ASCII) for each in whole):
        raise UserError(f'{name} "{text}" is neither seconds nor hh:mm:ss')
    seconds = parse_number(last, name, decimal_comma)
    if not 0 <= seconds < (60 if whole else math.inf):
        raise UserError(f'{name} "{text}" is neither seconds nor hh:mm:ss')
    return seconds + sum(60**n * int(each) for n, each in enumerate(reversed(whole), 1))


def _equal(text: str, code: str) -> bool:
    try:
        return float(text.replace(",", ".")) == float(code)
    except ValueError:
        return False

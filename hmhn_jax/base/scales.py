"""Rating scales to choose from: those of scales.toml, and files of one's own."""

import functools
import itertools
import json
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.base.scale import Band, Scale

DEFAULT = "bdi2"  # the paper's; of datasets and checkpoints of before there was a choice
FILES = ("scale.toml", "scale.json")  # beside a table of videos
# What figures and tables have room for; a checkpoint may come from anywhere.
MOST_LETTERS, MOST_LETTERS_OF_SOURCE, MOST_BANDS, MOST_POINTS = 60, 300, 20, 1e6


@functools.cache
def presets() -> dict[str, Scale]:
    """Returns the scales of scales.toml, by the names that choose them."""
    values = tomllib.loads(Path(__file__).with_name("scales.toml").read_text(encoding="utf-8"))
    return {name: parse(each, "scales.toml") for name, each in values.items()}


def default() -> Scale:
    """Returns the scale that is meant where nothing is said."""
    return presets()[DEFAULT]


def of(data: Mapping[str, Any]) -> Scale:
    """Returns the scale of a dataset's metadata or of results, the default of older ones.

    Raises:
      UserError: it is none.
    """
    return parse(data["scale"], "its scale") if "scale" in data else default()


def choose(text: str, folder: Path | None = None) -> Scale:
    """Returns the scale that a text names.

    Args:
      text: a preset, or the path of a .toml or .json file, from the current folder or `folder`.
      folder: of the videos.

    Raises:
      UsageError: it names none.
      UserError: the file cannot be read, or is no scale.
    """
    if text in presets():
        return presets()[text]
    path = Path(text).expanduser()
    if folder and not path.exists():
        path = folder / path
    if path.suffix not in (".toml", ".json") or not path.is_file():
        raise UsageError(
            f"config.data.scale must be one of {', '.join(presets())}, or a .toml or .json file, "
            f"got {text!r}"
        )
    return _read(path)


def beside(folder: Path) -> Scale | None:
    """Reads the scale's file in a folder of videos, if there is one.

    Raises:
      UserError: there are two, or it is no scale.
    """
    found = [folder / name for name in FILES if (folder / name).is_file()]
    if len(found) > 1:
        raise UserError(f"{folder}: expected one scale, got {' and '.join(FILES)}")
    return _read(found[0]) if found else None


def _read(path):
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read as a scale: {error}") from error
    return parse(values, str(path))


def parse(values: Any, where: str) -> Scale:
    """Builds a scale from JSON values.

    Args:
      values: the fields of `Scale`, those of `Band` in a list as its bands.
      where: they are from, for messages.

    Raises:
      UserError: they are no scale.
    """
    try:
        bands = tuple(Band(**each) for each in values.get("bands", ()))
        columns = values.get("columns", [])
        if not isinstance(columns, list | tuple):
            raise TypeError("columns must be a list")
        scale = Scale(**(values | {"bands": bands, "columns": tuple(columns)}))
        fault = _fault(scale)
    except (TypeError, AttributeError) as error:
        fault = f"expected name, least, greatest and perhaps bands and more: {error}"
    if fault:
        raise UserError(f"{where}: no rating scale: {fault}; ready ones: {', '.join(presets())}")
    return scale


def _fault(scale):
    """Returns what is wrong with a scale, empty if nothing is."""
    for text in (scale.name, scale.unit, *(band.name for band in scale.bands)):
        if not isinstance(text, str) or not text.isprintable() or not 0 < len(text) <= MOST_LETTERS:
            return f"expected names of 1 to {MOST_LETTERS} letters, got {text!r:.99}"
    if not all(isinstance(text, str) for text in (scale.source, *scale.columns)):
        return "expected source and columns to be texts"
    if len(scale.source) > MOST_LETTERS_OF_SOURCE or len(scale.bands) > MOST_BANDS:
        return f"expected a source of {MOST_LETTERS_OF_SOURCE} letters, {MOST_BANDS} bands at most"
    if type(scale.whole) is not bool or scale.worse not in ("high", "low"):
        return "expected whole to be true or false, worse to be high or low"
    edges = ((band.least, band.greatest) for band in scale.bands)
    for number in (scale.least, scale.greatest, *itertools.chain.from_iterable(edges)):
        is_number = type(number) in (int, float) and abs(number) < MOST_POINTS
        if not is_number or (scale.whole and number != math.floor(number)):
            kind = "whole numbers (or whole = false)" if scale.whole else "numbers"
            return f"expected {kind}, got {number!r:.99}"
    if scale.least >= scale.greatest:
        return f"expected least to be below greatest, got {scale.range}"
    if len({band.name for band in scale.bands}) < len(scale.bands):
        return "expected bands of different names"
    expected = scale.least
    for band in scale.bands:
        if band.least != expected or band.greatest < band.least:
            return (
                f"expected bands without gap or overlap, the next one from {expected:g}, got "
                f"{band.name} from {band.least:g} to {band.greatest:g}"
            )
        expected = band.greatest + (1 if scale.whole else 0)
    if scale.bands and scale.bands[-1].greatest != scale.greatest:
        return f"expected bands up to {scale.greatest:g}, got {scale.bands[-1].greatest:g}"
    return ""

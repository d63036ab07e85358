"""Fonts for the names in figures, which may be in any script."""

import functools
import importlib.util
import warnings
from pathlib import Path
from typing import Any

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

# Of the extra `fonts`: Chinese, Japanese and Korean, Thai, Devanagari. Found, never imported.
PACKAGES = (
    "noto_cjk_sans_jp_regular",
    "fontpkg_noto_sans_thai",
    "fontpkg_noto_sans_devanagari",
)
WITHOUT_SHAPES = "last resort"  # macOS's fonts that draw the same box for all letters of a script


def save(figure: Figure, file: Any, **arguments: Any) -> None:
    """Saves a figure by `Figure.savefig`; letters that its font lacks are drawn in another's."""
    for axes in figure.axes:  # which write their ticks' labels when they are asked for them
        axes.get_xticklabels()
        axes.get_yticklabels()
    for text in figure.findobj(Text):
        if others := families_for(text.get_text()):
            text.set_fontfamily([*text.get_fontfamily(), *others])
    with warnings.catch_warnings():  # what no font has becomes a box, which says enough
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        figure.savefig(file, **arguments)


@functools.cache
def families_for(text: str) -> tuple[str, ...]:
    """Returns the families of installed fonts that have what matplotlib's own lacks of a text."""
    if text.isascii():
        return ()
    own = font_manager.findfont(font_manager.FontProperties())
    lacking = {ord(letter) for letter in text if letter.isprintable()} - _letters(own)
    families = []
    while lacking:
        best = max(_installed(), key=lambda font: len(lacking & _letters(font.fname)), default=None)
        if best is None or not lacking & _letters(best.fname):
            break
        families.append(best.name)
        lacking -= _letters(best.fname)
    return tuple(families)


@functools.cache
def _installed():
    """Returns the fonts of this machine and of `PACKAGES`, upright ones of normal weight first."""
    manager = font_manager.fontManager
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or []:
            for path in sorted(Path(folder).rglob("*.[ot]tf")):
                manager.addfont(path)
    fonts = [font for font in manager.ttflist if WITHOUT_SHAPES not in font.name.lower()]
    return sorted(fonts, key=lambda font: (font.style != "normal", font.weight != 400))


@functools.cache
def _letters(path):
    """Returns the code points that a font file has; none of a file that cannot be read."""
    try:
        return frozenset(font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError, ValueError):
        return frozenset()

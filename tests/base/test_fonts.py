"""Names in any script in figures: a font that has them, and nothing on the terminal."""

import shutil
import warnings

import matplotlib
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure

from hmhn_jax.base import fonts

NAME = "\u60a3\u8005"  # "patient" in Chinese


@pytest.fixture
def with_no_memory(monkeypatch):
    """Fonts that one test installs are not there in the next."""
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [*font_manager.fontManager.ttflist])
    fonts.families_for.cache_clear()
    fonts._installed.cache_clear()
    yield
    fonts.families_for.cache_clear()
    fonts._installed.cache_clear()


@pytest.fixture
def package(tmp_path, monkeypatch, with_no_memory):
    """A package, as those of the extra, whose font has the letters of NAME, as triangles."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((500, 900))
    pen.lineTo((900, 0))
    pen.closePath()
    glyphs = {".notdef": TTGlyphPen(None).glyph(), "triangle": pen.glyph()}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({ord(letter): "triangle" for letter in NAME})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 0)))
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Triangles of a test", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    folder = tmp_path / "triangles_of_a_test"
    (folder / "files").mkdir(parents=True)
    builder.save(folder / "files" / "Triangles.ttf")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(fonts, "PACKAGES", ("none_such", folder.name))
    return folder


def test_a_font_is_chosen_that_has_the_letters(package):
    assert fonts.families_for(NAME) == ("Triangles of a test",)
    assert fonts.families_for(f"{NAME} and \u00e9") == ("Triangles of a test",)


def test_what_the_default_font_has_needs_no_other(package):
    for text in (
        "Anna",
        "\u00c9lo\u00efse",
        "\u0410\u043d\u043d\u0430",
        "\u0386\u03bd\u03bd\u03b1",
    ):
        assert fonts.families_for(text) == ()


def test_a_damaged_font_is_passed_over(package):
    shutil.copy(package / "files" / "Triangles.ttf", package / "files" / "Best.ttf")
    entry = font_manager.FontEntry(fname=str(package / "none.ttf"), name="none", weight=400)
    font_manager.fontManager.ttflist.insert(0, entry)
    assert fonts.families_for(NAME) == ("Triangles of a test",)


def draw(path, name):
    figure = Figure()
    axes = figure.subplots()
    axes.set_title(name)
    axes.set_yticks([0, 1], [name, "plain"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fonts.save(figure, path)
    return matplotlib.image.imread(path)


def test_title_and_labels_are_drawn_in_it(package, tmp_path):
    drawn = draw(tmp_path / "name.png", NAME)
    # Both letters look alike in that font, so that their order does not matter.
    assert (drawn == draw(tmp_path / "turned.png", NAME[::-1])).all()
    assert (drawn != draw(tmp_path / "other.png", "ab")).any()


def test_what_no_font_has_is_drawn_without_a_warning(with_no_memory, tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "PACKAGES", ())
    assert fonts.families_for("\U000f1234") == ()  # for private use: nobody's
    draw(tmp_path / "name.png", "\U000f1234")

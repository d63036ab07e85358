"""Tests of the documentation: links, paths and modules that it names exist."""

import re
from pathlib import Path

import pytest

import hmhn_jax
from hmhn_jax.recordings.sources import SOURCES

pytestmark = pytest.mark.pure

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "data" / "avec_faces" / "README.md"),
    *DOCS,
]
LINK = re.compile(r"\]\(([^()\s]+)\)")
FOLDERS = "docs|hmhn_jax|tests|configs|benchmarks|constraints|data/avec_faces"
PATH = re.compile(rf"(?<![\w/.-])(?:{FOLDERS})/[\w./-]*")
MODULE = re.compile(r"(?<![\w/.-])(?:hmhn_jax|benchmarks)(?:\.(?!md\b)[a-z]\w*)+")
FUNCTIONS = {f"hmhn_jax.{name}" for name in hmhn_jax.__all__}
SOURCE = re.compile(r"`([\w.-]+/[\w./-]+\.py)`")  # from the root or the package

pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def anchors(page):
    """Returns the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


def links(page):
    """Yields the file and the anchor of each link to a file."""
    for link in LINK.findall(page.read_text()):
        if "://" not in link:
            file, _, anchor = link.partition("#")
            yield (page.parent / file).resolve() if file else page, anchor


@pages
def test_links_lead_somewhere(page):
    for file, anchor in links(page):
        assert file.exists(), f"{page}: {file}"
        assert not anchor or anchor in anchors(file), f"{page}: {file}#{anchor}"


@pages
def test_paths_and_modules_exist(page):
    text = page.read_text()
    names = [name for name in MODULE.findall(text) if name not in FUNCTIONS]
    modules = [name.replace(".", "/") for name in names]
    lists = {
        "paths": ([each.rstrip(".") for each in PATH.findall(text)], ("{}",)),
        "sources": (SOURCE.findall(text), ("{}", "hmhn_jax/{}")),
        "modules": (modules, ("{}", "{}.py")),
    }
    for kind, (names, forms) in lists.items():
        places = {name: [ROOT / form.format(name) for form in forms] for name in names}
        lost = [name for name, paths in places.items() if not any(p.exists() for p in paths)]
        assert not lost, f"{page}: {kind}"


def test_the_index_links_to_every_page_and_the_readme_to_the_index():
    index = ROOT / "docs" / "index.md"
    assert set(DOCS) - {file for file, _ in links(index)} == {index}
    assert index in {file for file, _ in links(ROOT / "README.md")}


def test_pages_that_the_code_names_exist():
    code = [*ROOT.glob("*.*"), *ROOT.glob("*file")]
    for folder in ("hmhn_jax", "data", "configs", "benchmarks", "tests"):
        code += (ROOT / folder).rglob("*.py")
    named = {
        page
        for path in code
        if path.is_file()
        for page in re.findall(r"\bdocs/[\w/]+\.md\b", path.read_text())
    }
    assert len(named) > 5
    assert [page for page in sorted(named) if not (ROOT / page).exists()] == []
    # The errors of a source name its page.
    assert [name for name in SOURCES if not (ROOT / "docs" / "data" / f"{name}.md").exists()] == []

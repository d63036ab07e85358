"""Which files are meant by a path."""

from pathlib import Path

import pytest

from hmhn_jax import inputs
from hmhn_jax.errors import UserError


@pytest.fixture
def folder(tmp_path):
    for name in ("b.mp4", "a.JPG", "notes.txt", ".hidden.mp4", "visit/c.webm", "out/old.png"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "in"


def names(paths, root):
    return [path.relative_to(root).as_posix() for path in paths]


def test_a_folder_at_any_depth(folder):
    found = inputs.find(str(folder), excluded=folder / "out")
    assert names(found.files, found.root) == ["a.JPG", "b.mp4", "visit/c.webm"]
    assert names(found.skipped, found.root) == ["notes.txt"]
    assert found.name == "in"


def test_a_file_of_any_ending(folder):
    found = inputs.find(str(folder / "notes.txt"))
    assert found.files == (folder / "notes.txt",)
    assert (found.name, found.root) == ("notes.txt", folder)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("*.mp4", ["b.mp4"]), ("**/*.webm", ["c.webm"]), ("[ab].*", ["a.JPG", "b.mp4"])],
)
def test_a_pattern(folder, pattern, expected):
    found = inputs.find(str(folder / pattern))
    assert names(found.files, found.root) == expected


def test_names_below_the_folder_that_files_share(folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = inputs.find("**/*.*")
    assert found.root == Path()
    assert Path("visit/c.webm") in found.files
    assert found.skipped == (Path("notes.txt"),)


@pytest.mark.parametrize("text", ["none.mp4", "none/*.mp4", "*.doc"])
def test_nothing_there_is_one_line(folder, text):
    with pytest.raises(UserError, match=r"expected a .*found none"):
        inputs.find(str(folder / text))


def test_nothing_to_score_is_one_line(folder):
    with pytest.raises(UserError, match=r"expected videos or pictures in .*, found 1 files"):
        inputs.find(str(folder / "*.txt"))

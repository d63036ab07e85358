"""Tests of the files that a path stands for."""

import os
import re
from pathlib import Path

import PIL.Image
import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.prediction import inputs

pytestmark = pytest.mark.pure


@pytest.fixture
def folder(tmp_path):
    for name in (
        "b.mp4",
        "a.JPG",
        "notes.txt",
        ".hidden.mp4",
        "visit/c.webm",
        "out/old.png",
        ".x/d.mp4",
    ):
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
    assert re.fullmatch(r"in-[0-9a-f]{8}", found.name)


def test_a_file(folder):
    found = inputs.find(str(folder / "a.JPG"))
    assert (found.files, found.root) == ((folder / "a.JPG",), folder)


def test_a_file_of_another_ending_is_one_line(folder):
    with pytest.raises(UserError, match=r"expected a video or picture, got '.*notes\.txt': .+"):
        inputs.find(str(folder / "notes.txt"))


def test_a_named_file_is_what_it_holds(folder):
    path = folder / "scan.dat"
    PIL.Image.new("RGB", (8, 8)).save(path, "PNG")
    assert inputs.find(str(path)).files == (path,)
    assert path in inputs.find(str(folder)).skipped  # folders are searched by endings


def test_each_place_has_a_name_of_its_own(folder, monkeypatch):
    (folder / "visit" / "b.mp4").touch()
    texts = [folder / "b.mp4", folder / "visit" / "b.mp4", folder / "*.mp4", folder / "*/*.mp4"]
    names = [inputs.find(str(text)).name for text in texts]
    assert len(set(names)) == 4
    monkeypatch.chdir(folder)
    texts = ["b.mp4", "visit/b.mp4", "*.mp4", "*/*.mp4"]
    assert [inputs.find(text).name for text in texts] == names


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


def test_a_name_that_is_no_utf8(folder):
    path = os.fsdecode(os.fsencode(folder) + b"/entrevue-\xe9.mp4")
    Path(path).write_bytes(b"")
    found = inputs.find(path)
    assert found.files == (Path(path),)
    assert found.name.startswith("entrevue-\N{REPLACEMENT CHARACTER}.mp4-")


@pytest.mark.parametrize("text", ["none.mp4", "none/*.mp4", "*.doc"])
def test_nothing_there_is_one_line(folder, text):
    with pytest.raises(UserError, match=r"expected a .*found none"):
        inputs.find(str(folder / text))


def test_nothing_to_score_is_one_line(folder):
    with pytest.raises(UserError, match=r"expected videos or pictures in .*, found 1 files"):
        inputs.find(str(folder / "*.txt"))

"""What is written takes a folder's place as a whole, and only that of earlier results."""

import os
import time

import pytest

from hmhn_jax import prediction_folder
from hmhn_jax.errors import UserError


def write(folder, score):
    (folder / "predictions.csv").write_text(score)
    (folder / "about.json").write_text('{"members": []}')


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "out"
    with prediction_folder.replacing(folder) as new:
        write(new, "1")
        (new / "pictures").mkdir()
        (new / "pictures" / "a.mp4.scores.png").touch()
        assert not folder.exists()
    return folder


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_results_replace_results(folder):
    with prediction_folder.replacing(folder) as new:
        write(new, "2")
        assert (folder / "predictions.csv").read_text() == "1"
    assert (folder / "predictions.csv").read_text() == "2"
    assert names(folder.parent) == ["out", "out/about.json", "out/predictions.csv"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, UserError])
def test_an_error_leaves_results_as_they_were(folder, error):
    before = names(folder.parent)

    def interrupted():
        with prediction_folder.replacing(folder) as new:
            write(new, "2")
            raise error

    with pytest.raises(UserError if error is OSError else error):
        interrupted()
    assert names(folder.parent) == before
    assert (folder / "predictions.csv").read_text() == "1"


def test_results_come_back_when_new_ones_cannot_take_their_place(folder):
    with pytest.raises(UserError, match="cannot write"), prediction_folder.replacing(folder) as new:
        new.rmdir()
    assert (folder / "predictions.csv").read_text() == "1"


@pytest.mark.parametrize(
    "name", ["notes.txt", "pictures/mine.png", "pictures/a/mine.mp4", "x/about.json"]
)
def test_the_files_of_others_are_kept(folder, name):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    with pytest.raises(UserError, match=f"expected a new or empty folder.*{name}"):
        prediction_folder.check(folder)
    with pytest.raises(UserError), prediction_folder.replacing(folder):
        raise AssertionError("nothing must be done")
    assert path.read_text() == "mine"


def test_a_file_that_came_meanwhile_is_kept(folder):
    with pytest.raises(UserError), prediction_folder.replacing(folder):
        (folder / "notes.txt").write_text("mine")
    assert (folder / "notes.txt").read_text() == "mine"
    assert names(folder.parent)[0] == "out"


@pytest.mark.parametrize("content", [None, "[]", "{}", "no JSON"])
def test_tables_of_others_are_kept(tmp_path, content):
    (tmp_path / "predictions.csv").touch()
    if content is not None:
        (tmp_path / "about.json").write_text(content)
    with pytest.raises(UserError, match=r"expected a new or empty folder.*about\.json"):
        prediction_folder.check(tmp_path)


def test_empty_folders_will_do(tmp_path):
    prediction_folder.check(tmp_path)
    prediction_folder.check(tmp_path / "new" / "out")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="got the file"):
        prediction_folder.check(tmp_path / "file")


def test_what_killed_processes_left_goes_after_a_day(folder):
    left = [folder.with_name(f".{name}") for name in ("out.0123abcd.part", "out.b.0123abcd.part")]
    fresh = folder.with_name(".out.4567abcd.part")
    for path in (*left, fresh):
        (path / "pictures").mkdir(parents=True)
    for path in left:
        os.utime(path, 2 * (time.time() - 100_000,))
    with prediction_folder.replacing(folder) as new:
        write(new, "2")
    assert [path.exists() for path in (*left, fresh)] == [False, True, True]

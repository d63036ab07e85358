"""Tests that output appears under its name when it is whole, and replaces no other files."""

import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.prediction.output import folder as prediction_folder


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("exists", [False, True])
def test_appears_when_it_is_whole(tmp_path, exists):
    folder = tmp_path / "a" / "out"
    if exists:
        folder.mkdir(parents=True)
    with prediction_folder.new(folder) as partial:
        (partial / "predictions.csv").write_text("1")
        assert partial.name.startswith(".")
        assert not list(folder.glob("*"))
    assert names(tmp_path) == ["a", "a/out", "a/out/predictions.csv"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, UserError])
def test_an_error_leaves_nothing(tmp_path, error):
    def fail():
        with prediction_folder.new(tmp_path / "out") as partial:
            (partial / "predictions.csv").write_text("1")
            raise error

    with pytest.raises(UserError if error is OSError else error):
        fail()
    assert names(tmp_path) == []


def test_a_folder_that_has_files_is_refused_before_anything_is_done(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="expected the output to be a new or empty folder, got"):
        prediction_folder.check(tmp_path)
    with pytest.raises(UserError), prediction_folder.new(tmp_path):
        raise AssertionError("nothing must be done")
    with pytest.raises(UserError, match="got the file"):
        prediction_folder.check(tmp_path / "notes.txt")
    assert names(tmp_path) == ["notes.txt"]


def test_where_files_came_meanwhile_both_are_kept(tmp_path):
    folder = tmp_path / "out"

    def write():
        with prediction_folder.new(folder) as partial:
            (partial / "predictions.csv").write_text("1")
            folder.mkdir()
            (folder / "notes.txt").write_text("mine")

    with pytest.raises(UserError, match=r"cannot write .*; results: .*\.partial$"):
        write()
    assert (folder / "notes.txt").read_text() == "mine"
    (partial,) = tmp_path.glob(".out.*.partial")
    assert (partial / "predictions.csv").read_text() == "1"

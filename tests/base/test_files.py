"""Tests that files appear whole or not at all."""

import os

import pytest

from hmhn_jax.base import files
from hmhn_jax.base.errors import UserError

pytestmark = pytest.mark.pure


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "figure.png"
    with files.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        assert temporary.suffix == ".png"
        assert not path.exists()
    assert path.read_bytes() == b"half"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_keeps_what_was_there(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text("old")

    def write_half():
        with files.replacing(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_line(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text("old")
    with (
        pytest.raises(UserError, match=r"cannot write .*metrics\.json: No space left"),
        files.replacing(path),
    ):
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old"


def test_a_folder_in_the_way_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        files.write_text(tmp_path / "file" / "metrics.json", "")


def test_only_old_leftovers_are_removed(tmp_path):
    old, new, other = (tmp_path / n for n in (".a.1.part.csv", ".b.2.part.csv", "c.csv"))
    for path in (old, new, other):
        path.write_text("")
    os.utime(old, (0, 0))
    os.utime(other, (0, 0))
    files.remove_abandoned(tmp_path)
    assert set(tmp_path.iterdir()) == {new, other}


@pytest.mark.parametrize("text", ["[" * 10**5, '{"a":' * 10**5, "{", "\xff"])
def test_what_is_no_json_is_a_value_error(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"."):
        files.read_json(path)

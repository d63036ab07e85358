"""Damage to what a prepared dataset says about itself."""

import pytest

from hmhn_jax import dataset_files
from hmhn_jax.errors import UserError


@pytest.fixture
def folder(tmp_path):
    for name in dataset_files.DESCRIPTIONS:
        (tmp_path / name).write_text('{"value": 1}')
    dataset_files.write_checksums(tmp_path)
    return tmp_path


def test_what_was_written_passes_and_so_does_an_older_dataset(folder):
    dataset_files.check(folder)
    (folder / "checksums.json").unlink()
    (folder / "metadata.json").write_text("{}")
    dataset_files.check(folder)


def test_a_changed_or_missing_file_is_named(folder):
    (folder / "metadata.json").write_text('{"value": 2}')
    with pytest.raises(UserError, match=r"metadata\.json is not what was written"):
        dataset_files.check(folder)
    (folder / "metadata.json").unlink()
    with pytest.raises(UserError, match=r"metadata\.json is missing"):
        dataset_files.check(folder)


@pytest.mark.parametrize("content", ["[]", "{", '{"features.json": 1}', '{"../x": ""}'])
def test_damaged_checksums_are_one_line(folder, content):
    (folder / "checksums.json").write_text(content)
    with pytest.raises(UserError, match="cannot"):
        dataset_files.check(folder)

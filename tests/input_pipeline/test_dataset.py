"""A prepared dataset is opened as it was written, or refused."""

import shutil

import pytest

from configs import default
from hmhn_jax import config as config_lib
from hmhn_jax import tfds as avec_faces  # noqa: F401  registers the dataset
from hmhn_jax.base.errors import UserError
from hmhn_jax.input_pipeline.dataset import CHECKSUMS, DESCRIPTIONS, open_dataset


@pytest.fixture
def opened(tiny_dataset, tmp_path):
    """(folder of a copy of the dataset, what opens it)."""
    shutil.copytree(tiny_dataset / "avec_faces", tmp_path / "avec_faces")
    fields = {"data.dataset": "avec_faces/tiny", "data.data_dir": str(tmp_path)}
    settings = config_lib.override(default.get_config(), fields).data
    return tmp_path / "avec_faces" / "tiny" / "1.0.0", lambda: open_dataset(settings)


@pytest.mark.parametrize("name", [*DESCRIPTIONS, CHECKSUMS])
def test_a_changed_description_is_noticed(opened, name):
    folder, open_it = opened
    assert open_it().info.splits["train"].num_examples == 35
    with (folder / name).open("a") as file:
        file.write(" ")
    with pytest.raises(UserError, match=f"cannot open {folder}: .* delete the folder"):
        open_it()


@pytest.mark.parametrize(
    ("dataset", "place", "lacks"),
    [
        ("tiny", "gone", "is not there"),
        ("avec2014", "gone", "is not there"),
        ("tiny", "", "has no avec_faces/tiny"),
        ("folder", "", "has no avec_faces/folder"),
    ],
)
def test_data_that_were_moved_name_the_flag(tmp_path, dataset, place, lacks):
    data_dir = tmp_path / place
    fields = {"data.dataset": f"avec_faces/{dataset}", "data.data_dir": str(data_dir)}
    settings = config_lib.override(default.get_config(), fields).data
    with pytest.raises(UserError) as raised:
        open_dataset(settings)
    said = f"config.data.data_dir={data_dir} {lacks}: if the data are elsewhere, --config.data.data"
    assert said in str(raised.value)


def test_a_dataset_of_an_older_version_is_opened_without_this_check(opened):
    folder, open_it = opened
    (folder / CHECKSUMS).unlink()
    with (folder / "metadata.json").open("a") as file:
        file.write(" ")
    assert open_it().info.splits["train"].num_examples == 35

import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.recordings import sources
from hmhn_jax.recordings.avec import AvecSettings
from hmhn_jax.recordings.folder import FolderSettings
from hmhn_jax.recordings.sources import NoDataError, find, find_root, settings_from
from hmhn_jax.recordings.synthetic import SyntheticSettings


def put(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_settings_from_json():
    assert settings_from({"num_train": 3, "size": [64, 48]}) == SyntheticSettings(
        num_train=3, size=(64, 48)
    )
    assert settings_from({"source": "avec2013"}) == AvecSettings(2013)
    assert settings_from({"source": "avec2014", "path": "x"}) == AvecSettings(2014, "x")
    shares = {"source": "folder", "split_shares": [0.5, 0.25, 0.25]}
    assert settings_from(shares) == FolderSettings(split_shares=(0.5, 0.25, 0.25))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"source": "avec2015"}, 'expected a source out of .*folder, got "avec2015"'),
        ({"source": "folder", "num_train": 3}, "source folder: .*num_train"),
        ({"nmu_train": 3}, "source synthetic: .*nmu_train"),
    ],
)
def test_settings_from_wrong_json_are_one_line(values, message):
    with pytest.raises(UserError, match=message):
        settings_from(values)


def test_a_release_lies_in_its_folder_in_any_case(tmp_path):
    put(tmp_path / "AVEC2014" / "train" / "x.txt")
    put(tmp_path / "Testing" / "x.txt")
    assert find_root(AvecSettings(2014), tmp_path) == tmp_path / "AVEC2014"


def test_a_release_may_lie_in_the_manual_directory_itself(tmp_path):
    put(tmp_path / "Training" / "x.txt")
    assert find_root(AvecSettings(2014), tmp_path) == tmp_path
    put(tmp_path / "labels.csv")
    assert find_root(FolderSettings(), tmp_path) == tmp_path


def test_another_dataset_in_the_manual_directory_is_not_taken(tmp_path):
    put(tmp_path / "avec2013" / "Training_AudioVisual" / "203_1_cut_combined.mp4")
    put(tmp_path / "imagenet2012" / "x.tar")
    for settings in (AvecSettings(2014), FolderSettings()):
        with pytest.raises(NoDataError, match=r"no data for .*expected .*docs/data/.*\.md"):
            find_root(settings, tmp_path)


def test_a_named_folder_may_be_anywhere(tmp_path):
    put(tmp_path / "mine" / "people.csv")
    for path in ("mine", str(tmp_path / "mine")):
        root = find_root(FolderSettings(path), tmp_path)
        assert root == tmp_path / "mine"


def test_nothing_is_one_line(tmp_path):
    with pytest.raises(NoDataError, match=str(tmp_path / "manual" / "avec2014")):
        find(AvecSettings(2014), tmp_path / "manual")


def test_a_tree_without_a_pair_is_an_error(tmp_path):
    put(tmp_path / "avec2014" / "Training" / "Freeform" / "203_1_Freeform_video.mp4")
    with pytest.raises(NoDataError, match=r"no video with its label in it for AVEC 2014 .*203_1"):
        find(AvecSettings(2014), tmp_path)


def test_source_names():
    assert sources.source_name(AvecSettings(2013)) == "avec2013"
    assert sources.source_name(FolderSettings("mine")) == "folder"

"""Tests of the releases' folders, made of empty files: pairing never opens a video."""

import os

import avec_trees
import pytest

from hmhn_jax.recordings.avec import find, split_of_folder
from hmhn_jax.recordings.file_names import files_below

pytestmark = pytest.mark.pure


class EmptyVideos:
    def put(self, path, session):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def put(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def tree(tmp_path):
    """Writes layout B of AVEC 2014, without a defect."""
    avec_trees.layout_b(tmp_path, EmptyVideos())
    return tmp_path


@pytest.fixture
def labels(tree):
    return tree / "label" / "DepressionLabels"


@pytest.mark.parametrize(
    ("layout", "year", "tasks", "num_videos"),
    [
        (avec_trees.layout_a, 2014, {"freeform", "northwind"}, 11),
        (avec_trees.layout_b, 2014, {"freeform", "northwind"}, 12),
        (avec_trees.layout_c, 2014, {"freeform", "northwind"}, 12),
        (avec_trees.avec2013, 2013, {"combined"}, 6),
    ],
)
def test_finds_every_layout(tmp_path, layout, year, tasks, num_videos):
    layout(tmp_path, EmptyVideos())
    found = find(tmp_path, year)
    assert found.problems == ()
    assert len(found.recordings) == num_videos
    assert {each.task for each in found.recordings} == tasks
    swapped = {"205_1": 20, "206_1": 45} if year == 2013 else {}
    for each in found.recordings:
        session = found.details[each.video_id]["session"]
        split, score = avec_trees.SESSIONS[session]
        assert each.path.name.startswith(f"{session}_")
        assert each.video_id == f"{session}_{each.task}"
        assert each.subject_id == session.split("_")[0]
        assert (each.split, each.score) == (split, swapped.get(session, score))


def test_pairs_by_name_whatever_else_is_there(tree, labels):
    before = {each.video_id: each.score for each in find(tree, 2014).recordings}
    put(labels / "100_1_Depression.csv", "1")  # would shift every pair that goes by position
    (labels / "207_1_Depression.csv").unlink()
    found = find(tree, 2014)
    after = {each.video_id: each.score for each in found.recordings}
    assert after == {key: score for key, score in before.items() if not key.startswith("207")}
    facts = "\n".join(found.facts)
    assert "100_1_Depression.csv: no video for this label" in facts
    assert "207_1_Northwind_video.mp4: no label (207_1_Depression.csv) for this video" in facts
    assert found.problems == ()


def test_a_label_of_almost_the_right_name_is_hinted_at(tree, labels):
    (labels / "203_1_Depression.csv").rename(labels / "203_1_Depression.txt")
    told = [fact for fact in find(tree, 2014).facts if "no label" in fact]
    assert len(told) == 2  # one a video
    assert all("perhaps 203_1_Depression.txt is meant" in fact for fact in told)


def test_names_may_be_spelled_and_labels_encoded_as_other_programs_do(tree, labels):
    expected = find(tree, 2014).recordings
    label = labels / "203_1_Depression.csv"
    label.with_name("203_1_Depression .CSV").write_text(label.read_text(), encoding="utf-16")
    label.unlink()
    assert find(tree, 2014).recordings == expected


def test_excluded_videos_are_left_out_and_counted(tree):
    before = find(tree, 2014)
    (tree / "bad.txt").write_text("203_1_freeform\n204_1_Northwind_video.MP4\n")
    found = find(tree, 2014, exclude=tree / "bad.txt")
    gone = {each.video_id for each in before.recordings} - {
        each.video_id for each in found.recordings
    }
    assert gone == {"203_1_freeform", "204_1_northwind"}
    assert set(found.facts) - set(before.facts) == {f"{tree / 'bad.txt'}: 2 videos left out"}


def test_missing_clips_and_shared_subjects_are_facts(tree):
    (tree / "train" / "Freeform" / "206_1_Freeform_video.mp4").unlink()
    found = find(tree, 2014)
    assert found.facts == (
        "session 206_1: no freeform video",
        "subjects in more than one split (1): 203 (train, test)",
    )
    assert len(found.recordings) == 11


def test_other_labels_and_files_are_not_taken(tree, labels):
    put(labels.parent / "Emotion" / "203_1_Freeform_AROUSAL.csv", "0.1\n0.2\n")
    put(labels.parent / "Emotion" / "203_1.csv", "0.1\n0.2\n")
    put(tree / "__MACOSX" / "train" / "203_1_Freeform_video.mp4")
    put(tree / "train" / "readme.txt")
    assert find(tree, 2014).problems == ()
    assert len(find(tree, 2014).recordings) == 12


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("train/Freeform/holiday.mp4", "starts with no session such as 203_1"),
        ("more/300_1_Freeform_video.mp4", "no folder around it is named like a split"),
        ("train/300_1_video.mp4", "are not those of AVEC 2014 (freeform, northwind)"),
    ],
)
def test_videos_that_are_not_of_the_release_are_facts(tree, name, reason):
    path = put(tree / name)
    (fact,) = [line for line in find(tree, 2014).facts if line.startswith(str(path))]
    assert reason in fact


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("high", 'line 1: score "high" is not a number'),
        ("64", "line 1: score 64 is not between 0 and 63, as on BDI-II"),
        ("-1", "line 1: score -1 is not between 0 and 63, as on BDI-II"),
        ("1.5", "line 1: expected a whole number, got 1.5"),
        ("", "line 1: expected one score and nothing else, got 0"),
        ("3\n4\n", "line 1: expected one score and nothing else, got 2"),
    ],
)
def test_a_label_that_is_no_score_is_a_problem(tree, labels, text, reason):
    path = put(labels / "203_1_Depression.csv", text)
    found = find(tree, 2014)
    assert found.problems == (f"{path}, {reason}",)
    assert not any("203_1_Depression" in fact for fact in found.facts)  # told once


def test_a_label_may_be_there_twice_but_not_differ(tree, labels):
    put(tree / "old" / "203_1_Depression.csv", "\ufeff3\r\n")
    assert find(tree, 2014).problems == ()
    path = put(tree / "old" / "206_1_Depression.csv", "21")
    (problem,) = find(tree, 2014).problems
    assert f"{path}: says 21 for session 206_1" in problem
    assert f"{labels / '206_1_Depression.csv'} says 20" in problem


def test_a_video_may_not_be_there_twice(tree):
    twin = put(tree / "train" / "Freeform" / "203_1_Freeform.AVI")
    (problem,) = find(tree, 2014).problems
    assert str(twin) in problem
    assert str(tree / "train" / "Freeform" / "203_1_Freeform_video.mp4") in problem


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("Training_AudioVisual", "train"),
        ("TRAIN", "train"),
        ("Development", "validation"),
        ("dev", "validation"),
        ("Testing", "test"),
        ("AVEC2014_Labels_Testset", "test"),
        ("Freeform", None),
        ("avec2014", None),
    ],
)
def test_split_of_folder(name, split):
    assert split_of_folder(name) == split


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("AVEC_Training_2014", "train"),
        ("AVEC2014_dev", "validation"),
        ("Val", "validation"),
        ("AVEC2014_Labels_Testset", "test"),
        ("devices", None),
        ("Testimonials", None),
        ("Trainer notes", None),
    ],
)
def test_folders_that_sound_like_a_split(name, split):
    assert split_of_folder(name) == split


def test_a_session_in_two_splits_is_a_problem(tree):
    moved = next(tree.glob("train/Northwind/*.mp4"))
    put(tree / "test" / "Northwind" / moved.name)
    moved.unlink()
    (problem,) = find(tree, 2014).problems
    assert "is in the splits test and train" in problem


def test_folders_that_link_to_each_other_end(tree):
    expected = files_below(tree)
    for folder in ("train", "dev", "test"):
        (tree / folder / "up").symlink_to(tree)
        (tree / folder / "self").symlink_to(tree / folder)
        (tree / folder / "other").symlink_to(tree / "label")
    # Each label is found once more through every link to it, and nothing is twice.
    (label,) = {path.name for path in expected if path.name.startswith("203_1_D")}
    found = files_below(tree)
    assert set(expected) <= set(found)
    assert sum(path.name == label for path in found) == 4
    assert len(found) == len(set(found)) < 5 * len(expected)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes in folders")
def test_pipes_and_devices_are_no_files(tree, labels):
    expected = files_below(tree)
    os.mkfifo(labels / "299_1_Depression.csv")
    (labels / "298_1_Depression.csv").symlink_to("/dev/zero")
    assert files_below(tree) == expected

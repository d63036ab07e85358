"""Pseudonyms: stable, unlike the names, and told by nothing but the key."""

from pathlib import Path

import pytest

from hmhn_jax.base import pseudonyms
from hmhn_jax.base.errors import UserError

pytestmark = pytest.mark.pure

VIDEOS = [(f"person{n:02}", f"visit{k}/person{n:02}") for n in range(40) for k in range(2)]


def test_a_subject_and_its_videos_keep_their_names(tmp_path):
    key = tmp_path / "run" / "pseudonyms.csv"
    first = pseudonyms.assign(key, VIDEOS[:60])
    assert set(first.subjects.values()) == {f"P{n:02}" for n in range(1, 31)}
    for subject, video in VIDEOS[:60]:
        assert first.videos[video] in {f"{first.subjects[subject]}-{k}" for k in (1, 2)}
    text = key.read_bytes()
    assert pseudonyms.assign(key, reversed(VIDEOS[:60])) == first
    assert key.read_bytes() == text
    # Another split, and a third video of somebody: these come after.
    both = pseudonyms.assign(key, [*VIDEOS[60:], ("person00", "visit2/person00")])
    assert both.subjects.items() >= first.subjects.items()
    assert both.videos.items() >= first.videos.items()
    assert set(both.subjects.values()) == {f"P{n:02}" for n in range(1, 41)}
    assert both.videos["visit2/person00"] == f"{first.subjects['person00']}-3"
    assert len(set(both.videos.values())) == 81


def test_a_key_of_the_dataset_is_gone_on_with(tmp_path):
    earlier = tmp_path / "dataset.csv"
    first = pseudonyms.assign(earlier, VIDEOS)
    assert pseudonyms.assign(tmp_path / "run.csv", VIDEOS[:7], earlier) == first
    assert (tmp_path / "run.csv").read_bytes() == earlier.read_bytes()


def test_the_order_tells_nothing_of_the_names(tmp_path):
    keys = [pseudonyms.assign(tmp_path / f"{n}.csv", VIDEOS) for n in range(2)]
    # That 40 people come twice in one order, or once in that of their names: 1 in 40!.
    orders = [list(key.subjects) for key in keys]
    assert orders[0] != orders[1]
    assert all(order != sorted(order) for order in orders)
    ids = [video for _, video in VIDEOS]
    order = keys[0].order(ids)
    assert [keys[0].videos[ids[index]] for index in order] == list(keys[0].videos.values())


def test_odd_names_are_read_back(tmp_path):
    videos = [('Zoë, "the 1st"', "a\nb"), ("=1+1", "\udcff.mp4"), ("李", "é")]
    first = pseudonyms.assign(tmp_path / "key.csv", videos)
    assert pseudonyms.assign(tmp_path / "key.csv", videos) == first


@pytest.mark.parametrize(
    "text",
    [
        "subject,subject_id\nP01,anna\n",
        "subject,subject_id,video,video_id\nP01,anna,P01-1\n",
        "subject,subject_id,video,video_id\nP01,anna,P01-1,a\nP01,ben,P01-2,b\n",
        "subject,subject_id,video,video_id\nP01,anna,P01-1,a\nP01,anna,P01-1,b\n",
    ],
)
def test_a_key_that_is_none_is_named_and_left(text, tmp_path):
    path = tmp_path / "pseudonyms.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=r"pseudonyms\.csv: expected"):
        pseudonyms.assign(path, VIDEOS)
    assert path.read_text() == text


def test_messages_lose_files_and_names(tmp_path):
    names = pseudonyms.Pseudonyms(
        {"anna": "P01", "5": "P02"}, {"visit1/anna": "P01-1", "5": "P02-1"}
    )
    paths = [Path("/data/my study/anna 1.mp4")]
    hidden = names.hide(
        "/data/my study/anna 1.mp4: same as anna 1.mp4 (anna, visit1/anna), in ~/x/y.avi or "
        "C:\\clips\\z.avi; annalise 5 of 6 frames",
        paths,
    )
    assert hidden == (
        "(file): same as (file) (P01, P01-1), in (file) or (file); annalise 5 of 6 frames"
    )

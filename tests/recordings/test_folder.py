import random

import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.base.formats import VIDEO_SUFFIXES
from hmhn_jax.recordings.folder import FolderSettings, find

pytestmark = pytest.mark.pure

ROWS = [f"v{number}.mp4,p{number // 2},{number}" for number in range(20)]


@pytest.fixture
def folder(tmp_path):
    """Returns a function that writes a table next to the empty videos v0.mp4 to v19.mp4."""
    for number in range(20):
        (tmp_path / f"v{number}.mp4").touch()

    def write(rows, header="file,subject,score"):
        (tmp_path / "people.csv").write_text("\n".join([header, *rows]) + "\n")
        return tmp_path

    return write


def splits(folder, **settings):
    found = find(folder, FolderSettings(**settings))
    return {each.video_id: each.split for each in found.recordings}


def test_reads_the_table_and_keeps_what_else_it_says(folder):
    rows = ["v0.mp4,a,3,train,31,f,read", "v1.mp4,b,4,test,,m,talk"]
    found = find(folder(rows, "file,subject,score,split,age,sex,task"), FolderSettings())
    first, second = found.recordings
    assert (first.subject_id, first.score, first.split, first.task) == ("a", 3, "train", "read")
    assert second.split == "test"
    assert found.details == {"v0": {"age": "31", "sex": "f"}, "v1": {"age": "", "sex": "m"}}


def test_videos_that_are_not_listed_are_facts(folder):
    found = find(folder(["v0.mp4,a,3,train"], "file,subject,score,split"), FolderSettings())
    understood, *unlisted = found.facts
    assert understood.startswith("people.csv: 1 videos of 1 people; columns file, subject, score")
    assert len(unlisted) == 19
    assert all("v0.mp4" not in fact for fact in unlisted)
    assert "not listed in people.csv" in unlisted[0]


def test_without_splits_each_subject_is_assigned_to_one_split(folder):
    dealt = splits(folder(ROWS))
    assert sorted(dealt.values()).count("train") == 12
    assert all(dealt[f"v{n}"] == dealt[f"v{n + 1}"] for n in range(0, 20, 2))
    assert set(splits(folder(ROWS), split_shares=(0.5, 0.0, 0.5)).values()) == {"train", "test"}


def test_assigned_splits_do_not_depend_on_the_order_of_rows(folder):
    dealt = splits(folder(ROWS))
    assert splits(folder(random.Random(0).sample(ROWS, 20))) == dealt


def test_every_problem_is_named_with_its_line(folder):
    rows = [
        "v0.mp4,a,3,train",
        "v1.mp4,b,64,train",
        "v2.mp4,c,high,train",
        "v0.mp4,a,3,train",
        "none.mp4,d,3,train",
        "v3.mp4,a,3,test",
        "v4.mp4,e,3,held out",
    ]
    root = folder(rows, "file,subject,score,split")
    found = find(root, FolderSettings())
    expected = {
        3: "score 64 is not between 0 and 63",
        4: 'score "high" is not a number',
        5: 'video "v0" is listed already in line 2',
        6: f"video {root / 'none.mp4'} does not exist",
        7: 'subject "a" is in split "test" here but in "train" in line 2',
        8: 'split "held out" is unknown',
    }
    for (line, reason), problem in zip(expected.items(), found.problems, strict=True):
        assert problem.startswith(f"{root / 'people.csv'}, line {line}: {reason}")
    with pytest.raises(UserError, match=r"line 3: .*; and 5 more, which .*doctor"):
        found.refuse_problems()


def test_too_few_people_are_not_blamed_where_rows_have_problems(folder):
    with pytest.raises(
        UserError, match=r"at least 3 subjects.*; people\.csv: 1 videos of 1 people"
    ):
        find(folder(ROWS[:1]), FolderSettings())
    found = find(folder([*ROWS[:1], "v3.mp4,a,99", "v4.mp4,b,99"]), FolderSettings())
    assert len(found.problems) == 2


def test_there_must_be_one_table(folder):
    root = folder(ROWS)
    for name in ("~$people.csv", ".~lock.people.csv#", "._people.csv"):  # of programs, not people
        (root / name).touch()
    find(root, FolderSettings())
    (root / "other.CSV").touch()
    with pytest.raises(UserError, match=r"one table .* got other\.CSV, people\.csv; .*table="):
        find(root, FolderSettings())
    assert len(find(root, FolderSettings(table="people.csv")).recordings) == len(ROWS)


def test_empty_columns_and_rows_at_the_edge_are_ignored(folder):
    padded = folder([*(f"{row},," for row in ROWS), ",,,,"], header="file,subject,score,,")
    found = find(padded, FolderSettings())
    assert len(found.recordings) == len(ROWS)
    assert not found.problems


@pytest.mark.parametrize(
    ("header", "rows", "problem"),
    [
        ("file,subject,score", ["v0.mp4,a,3", "sub/../v0.mp4,b,4"], "listed already in line 2"),
        ("file,subject,score", ["v0.mp4,a,3", "{folder}/v0.mp4,b,4"], "listed already in line 2"),
        ("file,subject,score", ["v" * 300 + ".mp4,a,3"], "does not exist or is no file"),
        ("file,subject,score", ["v0.mp4,Zo\u00eb,3", "v1.mp4,zoe\u0308,3"], "in line 2; spell one"),
        ("file,subject,score", ["v0.mp4,a,1_2"], 'score "1_2" is not a number'),
        (
            "file,subject,score,session",
            ["v0.mp4,a,3,1", "v1.mp4,b,4,1", "v2.mp4,a,5,1"],
            'session "1" of subject "a" has score 5 here but 3 in line 2',
        ),
    ],
)
def test_rows_that_contradict_each_other_are_problems(folder, tmp_path, header, rows, problem):
    (tmp_path / "sub").mkdir()
    rows = [row.replace("{folder}", str(tmp_path)) for row in rows]
    settings = FolderSettings(split_shares=(1.0, 0.0, 0.0))
    (only,) = find(folder(rows, header), settings).problems
    assert problem in only


def test_an_empty_session_is_a_session_of_its_own(folder):
    rows = ["v0.mp4,a,3,,train", "v1.mp4,a,4,,train", "v2.mp4,a,5,1,train", "v3.mp4,a,5,1,train"]
    found = find(folder(rows, "file,subject,score,session,split"), FolderSettings())
    assert not found.problems
    assert [found.details[each.video_id]["session"] for each in found.recordings] == [
        "",
        "",
        "1",
        "1",
    ]


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("file,subject,score", "v0.mp4,a,12,5", "line 2: more values than the 3 columns"),
        ("file,subject,score,score", "v0.mp4,a,1,2", "a column is there twice"),
    ],
)
def test_tables_of_another_shape_are_refused(folder, header, row, message):
    with pytest.raises(UserError, match=message):
        find(folder([row], header), FolderSettings())


def test_absolute_paths_do_not_reach_the_ids(folder, tmp_path):
    rows = [f"{tmp_path}/v0.mp4,a,3,train", "v1.mp4,b,3,test"]
    found = find(folder(rows, "file,subject,score,split"), FolderSettings())
    assert [each.video_id for each in found.recordings] == ["v0", "v1"]


def test_split_shares_must_be_three_numbers(folder):
    for shares in (0.5, ("a", "b", "c"), (1.0,)):
        with pytest.raises(UserError, match="expected shares"):
            find(folder(ROWS), FolderSettings(split_shares=shares))


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
def test_a_video_of_any_known_ending_is_reported(folder, suffix):
    root = folder([f"v{number}.mp4,a,3,train" for number in range(20)], "file,subject,score,split")
    (root / "visit").mkdir()
    (root / "visit" / f"more{suffix.upper()}").touch()
    _, fact = find(root, FolderSettings()).facts
    assert fact.endswith(f"more{suffix.upper()}: not listed in people.csv; left out")

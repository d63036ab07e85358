import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.recordings.tables.labels import read_labels

pytestmark = pytest.mark.pure

HEADER = "file,subject,task,split,score\n"


@pytest.fixture
def table(tmp_path):
    """Returns a function that writes a table next to the empty videos a.mp4, b.mp4 and x/c.avi."""
    (tmp_path / "x").mkdir()
    for name in ("a.mp4", "b.mp4", "x/c.avi"):
        (tmp_path / name).touch()

    def write(text, encoding="utf-8"):
        path = tmp_path / "labels.csv"
        path.write_text(text, encoding=encoding)
        return path

    return write


def test_reads_recordings_in_order(table, tmp_path):
    first, second = read_labels(
        table(HEADER + "x/c.avi,203,freeform,test,12\na.mp4,204,northwind,train,0.5\n")
    )
    assert first.path == tmp_path / "x/c.avi"
    assert (first.video_id, first.subject_id, first.task) == ("x/c", "203", "freeform")
    assert (first.split, first.score) == ("test", 12.0)
    assert (second.video_id, second.score) == ("a", 0.5)


def test_ids_leave_out_the_folder_that_all_share(table, tmp_path):
    (tmp_path / "x/y").mkdir()
    (tmp_path / "x/y/d.mp4").touch()
    found = read_labels(table(HEADER + "x/c.avi,1,t,train,1\nx/y/d.mp4,2,t,train,1\n"))
    assert [recording.video_id for recording in found] == ["c", "y/d"]


def test_takes_absolute_files(table, tmp_path):
    (found,) = read_labels(table(HEADER + f"{tmp_path}/x/c.avi,1,t,train,1\n"))
    assert (found.path, found.video_id) == (tmp_path / "x/c.avi", "c")


def test_takes_what_a_spreadsheet_program_saves(table):
    text = "score,note,File ,subject,task,split\r\n7,hi,a.mp4,1,t,train\r\n\r\n"
    text = text.replace("File ", "file ")
    (found,) = read_labels(table(text, encoding="utf-8-sig"))
    assert found.score == 7


def test_a_subject_may_have_many_videos_in_one_split(table):
    assert len(read_labels(table(HEADER + "a.mp4,1,t,test,1\nb.mp4,1,u,test,1\n"))) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "labels.csv, line 1: no column file, subject, task, split, score; got an empty"),
        (
            "file,subject,score\n",
            "labels.csv, line 1: no column task, split; got file, subject, score; ",
        ),
        ("file;subject;task;split;score\n", "labels.csv: no recordings"),
        (HEADER, "labels.csv: no recordings"),
        (HEADER + "a.mp4,1,t,train\n", "no recordings, only a header; 1 without a score left out"),
        (HEADER + "a.mp4,,t,train,1\n", "labels.csv, line 2: no value for subject"),
        (HEADER + "a.mp4,1,t,train,high\n", 'line 2: score "high" is not a number'),
        (HEADER + "a.mp4,1,t,train,63.5\n", "line 2: score 63.5 is not between 0 and 63"),
        (HEADER + "a.mp4,1,t,train,-1\n", "line 2: score -1 is not between 0 and 63"),
        (
            HEADER + "a.mp4,1,t,train,nan\n",
            "no recordings, only a header; 1 without a score left out",
        ),
        (HEADER + "a.mp4,1,t,held,1\n", 'line 2: split "held" is unknown; expected one of train'),
        (HEADER + "a.mp4,1,t,test,1\n\nno.mp4,1,t,test,1\n", "line 4: video "),
        (HEADER + "no.mp4,1,t,test,1\n", "/no.mp4 does not exist"),
        (
            HEADER + "a.mp4,1,t,test,1\nb.mp4,2,t,test,1\n./a.mp4,1,t,test,1\n",
            'line 4: video "a" is listed already in line 2',
        ),
        (
            HEADER + "a.mp4,1,t,test,1\nb.mp4,1,t,train,1\n",
            'line 3: subject "1" is in split "train" here but in "test" in line 2',
        ),
    ],
)
def test_names_the_defect_in_one_line(table, text, message):
    with pytest.raises(UserError) as caught:
        read_labels(table(text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_a_missing_table(tmp_path):
    with pytest.raises(UserError, match=r"none\.csv: cannot be read: No such file"):
        read_labels(tmp_path / "none.csv")


def test_names_a_table_that_is_not_text(tmp_path):
    path = tmp_path / "labels.csv"
    for content in (b"\xff\xfe\x00f\x00", b"\x81\x8d\x90\xff\x00"):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"labels\.csv(: cannot be read as a table|, line 1)"):
            read_labels(path)


def test_what_a_cell_holds_stays_in_one_line(table):
    for cell, shown in (('"1\n2"', r"1\n2"), ("\x1b[2J", r"\x1b[2J"), ("9" * 10**5, "999")):
        with pytest.raises(UserError, match=r"labels\.csv, line ") as caught:
            read_labels(table(HEADER + f"a.mp4,1,t,{cell},1\n"))
        assert shown in str(caught.value)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 3000

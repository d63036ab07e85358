"""Tables as people have them: whatever wrote one, the same rows come out, or one line says why."""

import datetime
import io
import itertools
import sys
import unicodedata

import pytest

from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.recordings.folder import FolderSettings, find
from hmhn_jax.recordings.tables import table

pytestmark = pytest.mark.pure

HEADER = ["file", "subject", "score", "split", "note"]
ROWS = [
    ["a/Zoë 1.mp4", "007", "12", "train", "müde, aber „gut“"],
    ["b/zoë 1.mp4", "007", "9.5", "train", ""],
    ["José.mov", "31", "27", "validation", "à l'hôpital"],
    ["ben.mp4", "40", "0", "test", "ok"],
]


@pytest.fixture
def folder(tmp_path):
    """Gives a function that writes a table beside the empty videos of `ROWS`."""
    for file, *_ in ROWS:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()

    def write(rows, header=HEADER, name="people.csv", encoding="utf-8", **form):
        (tmp_path / name).write_bytes(text(rows, header, **form).encode(encoding))
        return tmp_path

    return write


def text(rows, header=HEADER, separator=",", end="\n"):
    quoted = [[f'"{cell}"' if separator in cell else cell for cell in row] for row in rows]
    return end.join(map(separator.join, [header, *quoted])) + end


def understood(root, **settings):
    """[(file, subject, score, split)] and the line about the table."""
    found = find(root, FolderSettings(**settings))
    found.refuse_problems()
    rows = [
        (each.path.relative_to(root).as_posix(), each.subject_id, each.score, each.split)
        for each in found.recordings
    ]
    return rows, found.facts[0]


EXPECTED = [(file, subject, float(score), split) for file, subject, score, split, _ in ROWS]
FORMS = list(itertools.product((",", ";", "\t", "|"), ("\n", "\r\n", "\r"), (".", ",")))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "mac_roman"]
)
def test_the_same_table_written_in_any_way_is_the_same(folder, encoding):
    for separator, end, mark in FORMS:
        rows = [[*row[:2], row[2].replace(".", mark), *row[3:]] for row in ROWS]
        root = folder(rows, separator=separator, end=end, encoding=encoding)
        rows, line = understood(root)
        assert rows == EXPECTED, (separator, end, mark)
        assert ("decimal comma" in line) is (mark == ",")
        assert {"\t": "separator tab"}.get(separator, f"separator '{separator}'") in line
        known = encoding.removesuffix("-sig").upper().replace("_", " ")
        assert f", {known}" in line
        assert line.startswith("people.csv: 4 videos of 3 people; columns file, subject, score")


@pytest.mark.parametrize("spell", [
    str.upper,
    lambda name: unicodedata.normalize("NFD", name),
    lambda name: name.replace("/", "\\"),
    lambda name: "C:\\Users\\me\\videos\\" + name.replace("/", "\\"),
    lambda name: "/Volumes/disk/" + name,
    lambda name: name.rsplit(".", 1)[0],
    lambda name: name.replace(" ", "\u202f"),
    lambda name: name.replace(" ", "  "),
], ids=["case", "NFD", "backslash", "windows", "mac", "no suffix", "space", "spaces"])  # fmt: skip
def test_names_spelled_otherwise_are_found(folder, spell):
    rows, line = understood(folder([[spell(file), *rest] for file, *rest in ROWS]))
    assert rows == EXPECTED
    assert "files are spelled otherwise" in line


def test_names_that_are_not_or_not_only_those_of_a_file_are_hinted_at(folder, tmp_path):
    (tmp_path / "BEN.mp4").touch()
    rows = [["Ben.mp4", "1", "1", "train", ""], ["c/Zoë 1.mp4", "2", "1", "train", ""]]
    rows += [["Jose.mov", "3", "1", "test", ""], ["a/other.mp4", "4", "1", "test", ""]]
    problems = find(folder(rows), FolderSettings()).problems
    for problem, hint in zip(problems, [
        "it may be BEN.mp4 or ben.mp4",
        "perhaps a/Zoë 1.mp4 or b/zoë 1.mp4 is meant",
        "perhaps José.mov is meant",
        "a/other.mp4 does not exist or is no file",
    ], strict=True):  # fmt: skip
        assert problem.endswith(hint)


def test_what_programs_and_people_leave_around_a_table_is_no_content(folder, tmp_path):
    root = folder([])
    rows = [[*row, "", ""] for row in ROWS]
    lines = text(
        [*rows, [""] * 7, [" "] * 7], [" File", "SUBJECT ", "Score", "Split", "Note", "", ""]
    )
    lines = lines.replace("007", '="007"')
    for above in ("", "sep=,\n", "\n\n", "Our study,,,,,,\n,,,,,,\n"):
        (tmp_path / "people.csv").write_text(above + lines)
        assert understood(root)[0] == EXPECTED
    found = find(root, FolderSettings())
    assert found.details["a/Zoë 1"] == {"Note": ROWS[0][4]}


def test_rows_without_a_score_are_left_out_and_counted(folder):
    for missing in ("", "NA", "n/a", "#N/A", ".", "-", "NaN"):
        rows = [*ROWS[:3], ["ben.mp4", "40", missing, "test", ""]]
        rows, line = understood(folder(rows))
        assert rows == EXPECTED[:3]
        assert line.endswith("; 1 without a score left out")
    assert find(folder(ROWS), FolderSettings()).facts[1:] == ()  # ben.mp4 is listed all the same


@pytest.mark.parametrize("code", ["-99", "999", "-9.0", "dropout"])
def test_codes_of_missing_scores_are_only_those_that_are_named(folder, code):
    root = folder([*ROWS[:3], ["ben.mp4", "40", code, "test", ""]])
    (problem,) = find(root, FolderSettings()).problems
    assert "people.csv, line 5: score" in problem
    assert code in problem
    rows, line = understood(root, missing=f"777,{code}")
    assert rows == EXPECTED[:3]
    assert "1 without a score left out" in line
    if code != "-9.0":
        assert f"--config.data.missing={code}" in problem


@pytest.mark.parametrize(
    ("scores", "refused"),
    [
        (["1,234", "2", "3"], "1,234"),
        (["1,234", "2.5", "3"], "1,234"),
        (["1.234", "2,5", "3"], "1.234"),
        (["1", "12 points", "3"], "12 points"),
        (["1", "12/63", "3"], "12/63"),
        (["1", "1.2,5", "3"], "1.2,5"),
        (["1", "\u0663", "3"], "\u0663"),
    ],
)
def test_numbers_that_may_be_read_otherwise_are_refused(folder, scores, refused):
    rows = [[*row[:2], score, *row[3:]] for row, score in zip(ROWS[1:], scores, strict=True)]
    (problem,) = find(folder(rows, separator=";"), FolderSettings()).problems
    assert f'line {scores.index(refused) + 2}: score "{refused}"' in problem


def test_what_other_scores_say_of_the_mark_counts(folder):
    rows = [["ben.mp4", "1", "1,234", "train", ""], ["José.mov", "2", "2,5", "train", ""]]
    assert [row[2] for row in understood(folder(rows))[0]] == [1.234, 2.5]
    rows = [["ben.mp4", "1", "0,125", "train", ""]]
    assert [row[2] for row in understood(folder(rows))[0]] == [0.125]


def test_columns_can_be_mapped(folder):
    header = ["Clip", "ID", "PHQ-9, total", "Set", "score"]
    root = folder(ROWS, [f'"{name}"' for name in header])
    with pytest.raises(UserError) as raised:
        find(root, FolderSettings())
    for part in ("no column file, subject; got Clip, ID, PHQ-9, total, Set", "columns=file:NAME"):
        assert part in str(raised.value)
    mapping = 'file:clip,subject: ID,"score:PHQ-9, total",split:Set'
    rows, line = understood(root, columns=mapping)
    assert rows == EXPECTED
    assert "columns file (Clip), subject (ID), score (PHQ-9, total), split (Set)" in line
    with pytest.raises(UserError, match="no column file; got Clip"):
        find(root, FolderSettings(columns="file:Movie,subject:ID"))
    for wrong in ("files:Video", "file", "file:", "age:Alter"):
        with pytest.raises(UsageError, match=r"config\.data\.columns must be like file:Video"):
            find(root, FolderSettings(columns=wrong))


def test_synonyms_are_columns_only_where_the_first_name_is_missing(folder):
    root = folder(ROWS, ["File name", "participant_ID", "BDI-II", "partition", "path"])
    assert understood(root)[0] == EXPECTED
    root = folder(ROWS, ["Video", "Patient ID", "BDI-II total", "Set", "notes"])
    assert understood(root, columns="split:Set")[0] == EXPECTED
    root = folder(ROWS, ["file", "subject", "score", "split", "path"])
    rows, _ = understood(root)
    assert rows == EXPECTED
    assert find(root, FolderSettings()).details["ben"] == {"path": "ok"}


def test_words_for_splits(folder):
    words = {"train": ("Train", "training", "TRAIN set"), "test": ("Testing", " test "),
             "validation": ("dev", "Development", "val", "valid")}  # fmt: skip
    for split, others in words.items():
        for word in others:
            rows, _ = understood(folder([[*ROWS[0][:3], word, ""]]))
            assert rows[0][3] == split


def test_videos_are_left_out_without_editing(folder, tmp_path):
    use = dict(zip(("no", "FALSE", "0", "yes"), ROWS, strict=True))
    root = folder([[*row, word] for word, row in use.items()], [*HEADER, "Use"])
    rows, line = understood(root)
    assert rows == EXPECTED[3:]
    assert line.endswith("; 3 not for use left out")
    (problem,) = find(folder([[*ROWS[0], ""]], [*HEADER, "use"]), FolderSettings()).problems
    assert 'line 2: use "" is neither yes nor no' in problem

    root = folder([*ROWS, ["gone.mp4", "50", "70", "unsure", ""]])
    for name, content in {
        "bad.txt": "a/zoe\u0308 1\n\nBEN.mp4\ngone\n",
        "bad.csv": "why;file\ndark;a\\Zoë 1.mp4\nfar;ben.mp4\nlost;gone.mp4\n",
        "one.csv": "file\na/Zoë 1.mp4\nben.mp4\ngone.mp4\n",
    }.items():
        (tmp_path / name).write_text(content)
        rows, line = understood(root, exclude=name)
        assert rows == EXPECTED[1:3]
        assert "; 3 excluded left out" in line
        assert not any(
            "not listed" in fact for fact in find(root, FolderSettings(exclude=name)).facts
        )
        (tmp_path / name).unlink()
    for entry, hint in (
        ("Zoë 1", "it may be a/Zoë 1.mp4 or b/zoë 1.mp4"),
        ("Jose", "perhaps José"),
    ):
        (tmp_path / "bad.txt").write_text(f"ben\n{entry}\n")
        with pytest.raises(UserError, match=rf'line 2: .* got "{entry}"; {hint}'):
            find(root, FolderSettings(exclude="bad.txt"))


def excel(path, sheets):
    """Writes {title: rows} as Excel has them."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    path.write_bytes(content.getvalue())


def test_excel_tables(folder, tmp_path):
    root = folder([])
    (tmp_path / "people.csv").unlink()
    rows = [HEADER, *([*row[:2], float(row[2]), *row[3:]] for row in ROWS), [], ["", "  "]]
    excel(tmp_path / "people.xlsx", {"Notes": [["see", "below"]], "Scores": [[], *rows]})
    rows_read, line = understood(root)
    assert rows_read == EXPECTED
    assert "Excel sheet 'Scores'" in line
    excel(tmp_path / "people.xlsx", {"Old": rows, "New": rows})
    with pytest.raises(UserError, match=r"one table in it, got Excel sheet 'Old', .*'New'"):
        find(root, FolderSettings())
    excel(tmp_path / "people.xlsx", {"A": [HEADER, ["ben.mp4", 40, None, "test", ""]]})
    with pytest.raises(UserError, match="1 without a score left out"):
        find(root, FolderSettings())
    (tmp_path / "people.xlsx").write_bytes(b"PK\x03\x04" + b"x" * 100)
    with pytest.raises(UserError, match=r"people\.xlsx: cannot be read as an Excel table"):
        find(root, FolderSettings())
    (tmp_path / "people.xlsx").rename(tmp_path / "people.xls")
    (tmp_path / "people.xls").write_bytes(b"\xd0\xcf\x11\xe0" + b"x" * 100)
    with pytest.raises(UserError, match=r"people\.xls: expected CSV or \.xlsx"):
        find(root, FolderSettings())


def test_excel_cells_become_the_text_that_is_seen(tmp_path):
    times = [datetime.time(0, 1, 30), 120.5]
    rows = [["File", "Subject", "Score", "Use", "Start", "End"], ["a", 7, 12.0, True, *times]]
    excel(tmp_path / "a.xlsx", {"A": [*rows, [], ["b", "007", 9.5, 0, 1]]})
    read = [row for _, row in table.read(tmp_path / "a.xlsx", ["file"]).rows]
    assert [*read[0].values()] == ["a", "7", "12", "True", "00:01:30", "120.5"]
    assert [*read[1].values()] == ["b", "007", "9.5", "0", "1", ""]


def test_without_openpyxl_one_line_says_what_to_install(folder, tmp_path, monkeypatch):
    excel(tmp_path / "people.xlsx", {"A": [HEADER]})
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(UserError, match=r"openpyxl, .*pip install 'hmhn-jax\[excel\]'"):
        table.read(tmp_path / "people.xlsx", ["file"])


def test_parts_of_a_file_are_videos_with_names_of_their_own(folder):
    header = [*HEADER, "Start", "End"]
    parts = [("", "1:30"), ("90", "0:02:00.5"), ("120,5", "")]
    root = folder([[*ROWS[3], *part] for part in parts], header, separator=";")
    found = find(root, FolderSettings(columns="start:Start"))
    assert [each.part for each in found.recordings] == [(0, 90), (90, 120.5), (120.5, None)]
    ids = ["ben_0-90s", "ben_90-120.5s", "ben_120.5-end"]
    assert [each.video_id for each in found.recordings] == ids
    assert {each.path.name for each in found.recordings} == {"ben.mp4"}
    assert not found.problems


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ([("0", "10"), ("5", "20")], "line 3: this part of ben.mp4 overlaps that of line 2"),
        ([("", ""), ("5", "20")], "line 3: this part of ben.mp4 overlaps that of line 2"),
        ([("5", "20"), ("5", "20")], 'line 3: video "ben_5-20s" is listed already in line 2'),
        ([("20", "10")], "line 2: end 10 is not after start 20"),
        ([("1:75", "")], 'line 2: start "1:75" is neither seconds nor hh:mm:ss'),
        ([("0:0:0:1", "")], 'line 2: start "0:0:0:1" is neither seconds nor hh:mm:ss'),
        ([("-1", "")], 'line 2: start "-1" is neither seconds nor hh:mm:ss'),
        ([("1,234", "")], 'line 2: start "1,234" has a decimal comma or one that sets thousands'),
        ([("", "end")], 'line 2: end "end" is not a number'),
    ],
)
def test_parts_that_cannot_be_are_problems(folder, parts, problem):
    root = folder([[*ROWS[3], *part] for part in parts], [*HEADER, "start", "end"], separator=";")
    (only,) = find(root, FolderSettings()).problems
    assert problem in only

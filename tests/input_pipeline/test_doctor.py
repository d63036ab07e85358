"""Tests of the doctor: its report, and when it says that training cannot work."""

import dataclasses
import json
import shlex
import shutil
from pathlib import Path

import avec_trees
import numpy as np
import pytest

from configs import avec2013, avec2014
from hmhn_jax import tfds as avec_faces  # noqa: F401  registers the dataset
from hmhn_jax.base.errors import UserError
from hmhn_jax.input_pipeline import doctor
from hmhn_jax.input_pipeline.dataset import open_dataset
from hmhn_jax.recordings.subjects import LEAST_SUBJECTS

FOLDER_TABLE = "file,subject,score,split\n"


def settings(manual_dir, config=avec2014, **fields):
    data = config.get_config().data
    data.manual_dir = str(manual_dir)
    data.update(fields)
    return data


def report_of(workdir):
    return json.loads((workdir / "doctor.json").read_text())


@pytest.fixture(scope="module")
def workdir(tmp_path_factory, manual_dir):
    workdir = tmp_path_factory.mktemp("doctor")
    doctor.examine(settings(manual_dir), workdir)
    return workdir


@pytest.fixture
def folder(tmp_path, manual_dir):
    """Returns a function that makes a `folder` of one good video and a table's rows."""
    root = tmp_path / "manual" / "folder"
    root.mkdir(parents=True)
    shutil.copy(manual_dir / "traps" / "plain.mp4", root / "good.mp4")
    (root / "empty.mp4").touch()

    def write(rows, **fields):
        (root / "people.csv").write_text(FOLDER_TABLE + rows)
        fields = {"train_split": "train", "test_split": "train", **fields}
        return settings(root.parent, dataset="avec_faces/folder", **fields)

    return write


def test_counts_are_compared_with_the_release(workdir):
    report = report_of(workdir)
    assert report["counts"] == {
        "train": {"freeform": 3, "northwind": 2},
        "validation": {"freeform": 1, "northwind": 1},
        "test": {"freeform": 2, "northwind": 2},
    }
    assert report["expected"]["test"] == {"freeform": 50, "northwind": 50}
    assert report["subjects"] == {"train": 3, "validation": 1, "test": 2}
    assert report["subjects_in_two_splits"] == {"203": ["train", "test"]}
    assert report["severities"]["train"] == {
        "none or minimal": 4,
        "mild": 0,
        "moderate": 1,
        "severe": 0,
    }
    assert "session 206_1: no northwind video" in report["facts"]
    assert report["problems"] == []


def test_headers_are_read(workdir):
    for video in report_of(workdir)["videos"]:
        assert video["duration_s"] == pytest.approx(3, abs=0.3)
        assert video["fps"] == pytest.approx(4)
        assert (video["width"], video["height"]) == (640, 480)


def test_scores_that_the_years_disagree_on_are_named(workdir, manual_dir, tmp_path):
    differ = report_of(workdir)["years_differ"]
    assert [(each["session"], each["score"], each["other_score"]) for each in differ] == [
        ("205_1", 45, 20),
        ("206_1", 20, 45),
    ]
    assert str(manual_dir / "AVEC2013") in differ[0]["other_file"]
    doctor.examine(settings(manual_dir, avec2013), tmp_path)
    other = report_of(tmp_path)["years_differ"]
    assert [(each["session"], each["score"]) for each in other] == [("205_1", 20), ("206_1", 45)]


def test_length_and_score_are_correlated(folder, tmp_path, manual_dir, monkeypatch):
    lengths = {"good": 30.0, "b": 20.0, "c": 14.0}
    for name in ("b", "c"):
        shutil.copy(manual_dir / "traps" / "plain.mp4", tmp_path / "manual/folder" / f"{name}.mp4")
    header = doctor.probe(manual_dir / "traps" / "plain.mp4")
    monkeypatch.setattr(
        doctor,
        "probe",
        lambda path: doctor.dataclasses.replace(header, duration_s=lengths[path.stem]),
    )
    doctor.examine(folder("good.mp4,1,3,train\nb.mp4,2,9,train\nc.mp4,3,11,train\n"), tmp_path)
    expected = np.corrcoef(list(lengths.values()), [3, 9, 11])[0, 1]
    assert report_of(tmp_path)["correlations"] == {"video": pytest.approx(expected)}


def test_lengths_are_those_of_parts(folder, tmp_path):
    known = folder("")
    table = "file,subject,score,split,start,end\n"
    rows = "good.mp4,1,3,train,0:00.5,1\ngood.mp4,2,4,train,1,0:01:30\ngood.mp4,3,5,train,100,\n"
    (tmp_path / "manual" / "folder" / "people.csv").write_text(table + rows)
    with pytest.raises(UserError, match=r"1 of 3 videos are unreadable.*no frames from 100 s on"):
        doctor.examine(known, tmp_path)
    report = report_of(tmp_path)
    one, two, _ = report["videos"]
    assert one["duration_s"] == pytest.approx(0.5)
    assert two["duration_s"] == pytest.approx(2, abs=0.3)
    assert any("the part ends at 90 s, the video at 3.0 s" in fact for fact in report["warnings"])


def test_a_label_that_cannot_be_read_is_told_once(manual_dir, tmp_path):
    shutil.copytree(manual_dir, tmp_path / "manual")
    labels = [*(tmp_path / "manual").rglob("*_Depression.csv")]
    for path in labels:
        path.write_text("BDI\n12\n")
    with pytest.raises(UserError, match="expected one score and nothing else, got 2"):
        doctor.examine(settings(tmp_path / "manual"), tmp_path)
    report = report_of(tmp_path)
    assert all("expected one score" in problem for problem in report["problems"])
    assert not any("no label" in fact for fact in report["facts"])


def test_too_many_unreadable_videos_are_not_usable(manual_dir, tmp_path):
    traps = shutil.copytree(manual_dir / "traps", tmp_path / "manual" / "folder")
    with pytest.raises(UserError, match=r"not usable: 3 of 11 videos are unreadable, .* 10%: "):
        doctor.examine(settings(traps.parent, dataset="avec_faces/folder"), tmp_path)
    unreadable = [each for each in report_of(tmp_path)["videos"] if "unreadable" in each]
    assert [each["video_id"] for each in unreadable] == ["corrupt", "empty", "no_frames"]


def test_a_table_with_problems_is_not_usable_and_all_are_written(folder, tmp_path):
    rows = "good.mp4,1,3,train\nempty.mp4,2,70,train\nnone.mp4,3,3,train\n"
    with pytest.raises(UserError, match=r"people\.csv, line 3: score 70 .*\(and 1 more in "):
        doctor.examine(folder(rows), tmp_path)
    assert len(report_of(tmp_path)["problems"]) == 2


def test_scores_between_whole_points_have_a_level(folder, tmp_path, manual_dir):
    scores = {"a": 13.4, "b": 19.2, "c": 28.3}
    for name in scores:
        shutil.copy(manual_dir / "traps" / "plain.mp4", tmp_path / "manual/folder" / f"{name}.mp4")
    rows = "".join(f"{name}.mp4,{name},{score},train\n" for name, score in scores.items())
    doctor.examine(folder(rows), tmp_path)
    levels = [each["severity"] for each in report_of(tmp_path)["videos"]]
    assert levels == ["none or minimal", "mild", "moderate"]


def test_a_split_without_videos_is_not_usable(folder, tmp_path):
    with pytest.raises(UserError, match=r"config.data.test_split=test needs videos in test, got"):
        doctor.examine(folder("good.mp4,1,3,train\n", test_split="test"), tmp_path)


def test_from_the_command_line(run_afresh, manual_dir, tmp_path):
    flags = ["--mode=doctor", f"--config.data.manual_dir={manual_dir}"]
    flags += ["--config.data.dataset=avec_faces/avec2013"]
    finished = run_afresh("--workdir", tmp_path / "run", *flags)
    assert finished.returncode == 0, finished.stderr
    assert "northwind" not in finished.stdout
    assert "session 205_1: 20 here, 45 in" in finished.stdout
    assert (tmp_path / "run" / "doctor.json").exists()


def test_it_ends_with_the_command_to_run_next(run, folder, tmp_path):
    data = folder("good.mp4,1,3,train\n")
    fields = {name: data[name] for name in ("dataset", "train_split", "test_split", "manual_dir")}
    fields |= {"validation_split": "", "data_dir": tmp_path / "da ta"}
    flags = [f"--config.data.{name}={value}" for name, value in fields.items()]
    command = ["--workdir", tmp_path / "run", "--mode", "doctor", *flags]
    *_, last = run(*command).stdout.strip().splitlines()
    following = ["--workdir", str(tmp_path / "run"), *flags]
    said, _, script = last.partition(": python ")
    assert said == "next, to crop, train and evaluate"
    assert shlex.split(script)[1:] == following
    assert Path(shlex.split(script)[0]).name == "run.py"

    folder("good.mp4,1,99,train\n")
    *_, last = run(*command).stdout.strip().splitlines()
    said, _, script = last.partition(": python ")
    assert said == "mend the problems, then again"
    assert shlex.split(script)[1:] == list(map(str, command))


def test_clips_and_studies_too_small_are_warned_of(folder, tmp_path, manual_dir, monkeypatch):
    number = LEAST_SUBJECTS - 1
    lengths = {f"c{index}": 2.5 for index in range(number)} | {"c0": 2.0}
    header = doctor.probe(manual_dir / "traps" / "plain.mp4")
    monkeypatch.setattr(
        doctor,
        "probe",
        lambda path: dataclasses.replace(header, duration_s=lengths.get(path.stem, 9.0), notes=()),
    )
    names = [*lengths, f"c{number}"]
    for name in names:
        shutil.copy(manual_dir / "traps" / "plain.mp4", tmp_path / "manual/folder" / f"{name}.mp4")
    rows = [f"{name}.mp4,{name},3,train\n" for name in names]
    doctor.examine(folder("".join(rows[:-1])), tmp_path)
    study, clip = report_of(tmp_path)["warnings"]
    assert study.startswith("config.data.test_split=train has 9 people: too few for confidence")
    short = "too short for a score: 2 s are 2 frames; expected at least 3"
    assert clip == f"{tmp_path}/manual/folder/c0.mp4: {short}"
    doctor.examine(folder("".join(rows)), tmp_path)
    assert report_of(tmp_path)["warnings"] == [clip]


def test_after_a_build_it_says_what_the_build_warns_of(folder, tmp_path):
    data = folder("good.mp4,1,3,train\n", data_dir=str(tmp_path / "data"))
    doctor.examine(data, tmp_path)
    before = report_of(tmp_path)["warnings"]
    summary = Path(open_dataset(data).data_path) / "summary.json"
    content = json.loads(summary.read_text())
    content["videos"][0]["warnings"] = ["two people"]
    summary.write_text(json.dumps(content))
    doctor.examine(data, tmp_path)
    path = tmp_path / "manual" / "folder" / "good.mp4"
    assert report_of(tmp_path)["warnings"] == [*before, f"{path}: two people"]

    good = folder("good.mp4,1,4,train\n", data_dir=str(tmp_path / "data"))
    with pytest.raises(UserError, match=r"not usable: .* was built from other labels"):
        doctor.examine(good, tmp_path)


@pytest.mark.parametrize("name", ["synthetic", "none"])
def test_there_is_nothing_to_look_at_in_other_datasets(tmp_path, name):
    with pytest.raises(UserError, match=f"avec_faces/folder, got 'avec_faces/{name}'"):
        doctor.examine(settings(tmp_path, dataset=f"avec_faces/{name}"), tmp_path)


def test_columns_of_the_table_do_not_pass_for_what_the_doctor_saw(folder, tmp_path):
    known = folder("")
    table = "file,subject,score,split,severity,unreadable,duration_s\n"
    rows = "good.mp4,a,54,train,mild,yes,long\n"
    (tmp_path / "manual" / "folder" / "people.csv").write_text(table + rows)
    doctor.examine(known, tmp_path)
    report = report_of(tmp_path)
    assert report["severities"]["train"]["severe"] == 1
    (video,) = report["videos"]
    assert "unreadable" not in video
    assert video["duration_s"] > 0
    assert video["details"] == {"severity": "mild", "unreadable": "yes", "duration_s": "long"}


def test_names_are_escaped_for_the_terminal(folder, tmp_path, capsys):
    known = folder("")
    table = "file,subject,score,split,task\n"
    rows = "good.mp4,a,54,train,[/red]\x1b[2J\nempty.mp4,b,54,train,[bold]\n"
    (tmp_path / "manual" / "folder" / "people.csv").write_text(table + rows)
    with pytest.raises(UserError, match="not usable"):
        doctor.examine(known, tmp_path)
    said = capsys.readouterr().out
    assert r"[/red]\x1b[2J" in said
    assert "[bold]" in said
    assert "\x1b" not in said


def test_wrong_times_are_said(folder, manual_dir, tmp_path):
    known = folder("good.mp4,1,3,train\njoined.ts,2,9,train\n")
    joined = tmp_path / "manual" / "folder" / "joined.ts"
    avec_trees.write(joined, avec_trees.frames(1) * 2)
    joined.write_bytes(2 * joined.read_bytes())
    doctor.examine(known, tmp_path)
    facts = report_of(tmp_path)["warnings"]
    assert f"{joined}: its times go back or jump once: joined or damaged?" in facts


def test_it_asks_for_the_scale_and_then_speaks_of_it(folder, tmp_path, capsys):
    known = folder("good.mp4,a,27,train\n")
    table = tmp_path / "manual" / "folder" / "people.csv"
    table.write_text(table.read_text().replace("score", "PHQ-9"))
    with pytest.raises(
        UserError, match=r"not usable: .*people\.csv: expected to be told the scale"
    ):
        doctor.examine(known, tmp_path)

    known.scale = "phq9"
    doctor.examine(known, tmp_path)
    report, said = report_of(tmp_path), capsys.readouterr().out
    assert report["problems"] == []
    assert report["scale"]["name"] == "PHQ-9"
    assert report["severities"]["train"]["severe"] == 1
    assert report["histogram"][-1] == {
        "least": 26,
        "greatest": 27,
        "videos": 1,
        "bands": ["severe"],
    }
    assert "PHQ-9 scores, videos" in said
    assert "26 to 27" in said

    known.scale, known.columns = "bdi2", "score:PHQ-9"
    doctor.examine(known, tmp_path)
    assert any("largest score is 27" in line for line in report_of(tmp_path)["warnings"])

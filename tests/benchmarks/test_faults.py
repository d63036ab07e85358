"""Tests of what benchmarks.faults counts as a loss."""

import json
import random
import sys

import pytest

from benchmarks.faults import __main__, checks, damage, runs
from benchmarks.faults.runs import Place, Trial


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path, random.Random(0))


def write_run(workdir, losses, last=50):
    (workdir / "checkpoints" / str(last)).mkdir(parents=True)
    (workdir / "evaluation" / "test").mkdir(parents=True)
    (workdir / "evaluation" / "test" / "predictions.csv").write_text("a,1\n")
    lines = [json.dumps({"step": step, "loss": loss}) for step, loss in losses]
    (workdir / "scalars.jsonl").write_text("\n".join(lines) + "\n")


def test_a_run_is_compared_with_the_whole_one(place, tmp_path):
    write_run(place.whole, [(1, 0.5), (2, 0.25)])
    write_run(tmp_path / "same", [(1, 0.5), (2, 0.25), (2, 0.25)])
    assert checks.against_whole(place, tmp_path / "same") == ""
    write_run(tmp_path / "bit", [(1, 0.5), (2, 0.25 + 1e-16)])
    assert "steps [2]" in checks.against_whole(place, tmp_path / "bit")
    write_run(tmp_path / "short", [(1, 0.5)])
    assert "no losses of steps [2]" in checks.against_whole(place, tmp_path / "short")
    write_run(tmp_path / "early", [(1, 0.5), (2, 0.25)], last=45)
    assert "no last checkpoint" in checks.against_whole(place, tmp_path / "early")
    (tmp_path / "same" / "evaluation" / "test" / "predictions.csv").write_text("a,2\n")
    assert checks.against_whole(place, tmp_path / "same") == "other predictions"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("print('error: no FILE'); raise SystemExit(1)", ""),
        ("print('error: no file'); raise SystemExit(1)", "does not name"),
        ("print('error: no FILE')", "ended with 0"),
        ("print('error: a'); print('error: FILE'); raise SystemExit(1)", "not one line"),
        ("print('noise'); print('error: FILE'); raise SystemExit(1)", ""),
        ("print('error: FILE'); 1 / 0", "not one line"),
    ],
)
def test_a_refusal_is_one_line(place, code, problem):
    said = checks.refusal(runs.start(place, [sys.executable, "-c", code]), "FILE")
    assert said.startswith(problem)
    assert bool(said) == bool(problem)


def test_damage_changes_the_file_and_another_result_is_a_loss(tmp_path):
    path = tmp_path / "file"
    for seed in range(20):
        path.write_bytes(bytes(range(1, 200)))
        damage.damage(path, random.Random(seed))
        assert path.read_bytes() != bytes(range(1, 200))
    same = {"value": "v", "said": ""}
    assert damage._problem(same, "v", tmp_path) == ""
    assert damage._problem(same | {"value": "w"}, "v", tmp_path)
    assert damage._problem({"line": "it is wrong"}, "v", tmp_path)
    assert damage._problem({"line": f"{tmp_path} is wrong"}, "v", tmp_path) == ""


def test_what_a_reader_writes_does_not_reach_later_trials(place):
    place.whole.mkdir()
    (place.whole / "log").write_text("1")

    def reader(name, folder, whole):
        (folder / "log").write_text("2")
        return {"value": name, "said": ""}

    assert damage._allowed(place, reader, "lines", place.whole) == "lines"
    assert (place.whole / "log").read_text() == "1"


def test_the_table_counts():
    trials = [Trial("a", "", 1.0), Trial("b", "lost", 2.5)]
    assert __main__.table({"killed": trials}).splitlines()[-1] == "| killed | 2 | 1 | 1 | 2.5 |"

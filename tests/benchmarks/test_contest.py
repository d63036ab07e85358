import dataclasses
import importlib.metadata
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import faces, infer, pipeline, scaling, train
from benchmarks.contest import contest, process, results
from benchmarks.contest.workload import TINY


def test_faces_measures_speed_and_agreement(tmp_path):
    scale = dataclasses.replace(faces.QUICK, num_videos=1, frames_per_scene=10)
    results = faces.measure(scale, tmp_path)
    for values in results["programs"].values():
        assert values["crops_per_second"] > 0
        assert values["without_face"] == 0
    assert results["programs"][faces.UPSAMPLE]["frames"] == 4
    # A scene cut lies between.
    for error in results["eye_error_percent"].values():
        assert error["mean"] < 2
        assert error["max"] < 4

    text = faces.table(results)
    assert "| engine, two processes | " in text
    assert {line.count("|") for line in text.splitlines() if line.startswith("|")} == {8}


def test_eye_errors_are_percent_of_the_eye_distance():
    there = np.array([[0.0, 0.0], [50.0, 0.0]])
    here = there + np.array([0.0, 1.0])
    assert faces.eye_errors([here, None], [there, there]) == pytest.approx([2.0])


@pytest.fixture(autouse=True)
def contestants_are_found(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "support"))


def test_programs_take_turns_in_processes_of_their_own(tmp_path, monkeypatch):
    log = tmp_path / "log"
    both = [
        process.Contestant(name, "contestants", "program", {"name": name, "log": str(log)})
        for name in ("first", "second")
    ]
    missing = process.Contestant("missing", "contestants", "uninstalled", {})
    broken = process.Contestant("broken", "contestants", "broken", {})
    slow = process.Contestant("slow", "contestants", "slow", {}, first_limit_s=0.5)
    monkeypatch.setattr(contest, "MOST_TRIES", 1)
    found, absent = contest.hold([*both, missing, broken, slow], 2, 3, 1)

    warm_up = ["first"] * 2 + ["second"] * 2
    rounds = [["first"] * 3, ["second"] * 3, ["second"] * 3, ["first"] * 3]
    lines = [line.split() for line in log.read_text().splitlines()]
    names = [name for name, _ in lines]
    assert sorted(names[:4]) == warm_up
    assert names[4:] == [name for turn in rounds for name in turn]
    assert len(dict(lines)) == len({number for _, number in lines}) == 2
    assert absent == {
        "missing": "not installed (No module named 'no_such_module')",
        "broken": "failed (ValueError: of two lines)",
        "slow": "not ready within 0.5 s",
    }
    assert found["first"].output == 7
    assert len(found["first"].seconds) == 2
    # The first program held much more while it started, the second one while it ran.
    assert found["first"].peak_mib > found["second"].peak_mib + 50
    assert found["second"].running_mib > found["first"].running_mib + 50


def test_disturbed_rounds_do_not_count(monkeypatch):
    others = iter([0.0, 0.5, 0.01, 0.0, 0.02, 0.03, 0.3, 0.0])  # of four rounds of two
    turns = iter(range(8))

    def turn(*_):
        values = {"seconds": float(next(turns)), "cpu_seconds": 1.0, "running_mib": 1.0}
        return values | {"others": next(others)}

    monkeypatch.setattr(contest, "turn", turn)
    both = [
        process.Contestant(name, "contestants", "program", {"name": name, "log": os.devnull})
        for name in ("first", "second")
    ]
    found, _ = contest.hold(both, 2, 1, 1)
    assert found["first"].seconds == [3.0, 4.0]  # the second round begins with the other
    assert found["second"].seconds == [2.0, 5.0]
    assert next(turns) == 6  # and the fourth was not needed


def test_ratios_are_of_medians():
    def result(seconds, peak_mib, output):
        return contest.Result(
            seconds, seconds, 0.0, 1.0, None, peak_mib, peak_mib, [0.0], np.array(output)
        )

    ours = result([1.0, 9.0, 2.0], 100.0, [1.0, 2.0])
    peer = result([4.0, 4.0, 8.0], 400.0, [1.0, 2.5])
    summary = results.summarise({"ours": ours, "peer": peer}, {}, ("peer", "not there"))
    against = {"time": 0.5, "cpu": 0.5, "memory": 0.25, "difference": 0.2}
    assert summary["contestants"]["ours"]["against"] == {"peer": against}


# Little to compile: the trunk alone.
TRUNK = dataclasses.replace(
    TINY, fields={"width": 2, "use_gwa": False, "use_dff": False, "use_mab": False}
)


def columns(text):
    return {line.count("|") for line in text.splitlines() if line.startswith("|")}


def test_train_measures_a_step(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")  # compiles sooner
    other = f"{train.OURS}, jaxlib {importlib.metadata.version('jaxlib')}"
    outcome = train.measure(TRUNK, 1, 1, names=(train.PLAIN, other), other=sys.executable)
    assert list(outcome["contestants"]) == [other, train.PLAIN]
    values = outcome["contestants"][train.PLAIN]
    assert 0 < values["warm_first_s"] < values["first_s"]
    assert 0 < values["median_s"] < values["first_s"]
    assert columns(train.table(outcome)) == {12}


def test_infer_measures_scores():
    pytest.importorskip("torch", reason="PyTorch is not installed: see the extra 'parity'")
    outcome = infer.measure(TRUNK, 1, 1, names=(infer.OURS, infer.TORCH))
    assert outcome["contestants"][infer.OURS]["against"][infer.TORCH]["difference"] < 1e-4
    assert columns(infer.table([outcome])) == {12}


def test_pipeline_measures_epochs(tiny_dataset):
    scale = dataclasses.replace(
        pipeline.QUICK, dataset="avec_faces/tiny", data_dir=str(tiny_dataset)
    )
    outcome = pipeline.measure(scale, 1, 1, names=(pipeline.OURS,))
    # Standardised images of faces, neither empty nor out of range.
    assert 0.3 < outcome["contestants"][pipeline.OURS]["output"] < 3
    assert columns(pipeline.table(outcome)) == {7}


def test_scaling_changes_one_thing_at_a_time(tmp_path, monkeypatch):
    chosen = scaling.points(TINY, scaling.QUICK)
    assert [point.work.batch_size for point in chosen] == [4, 8, *[TINY.batch_size] * 6]
    assert [point.work.image_size for point in chosen] == [32, 32, 32, 64, *[32] * 4]
    assert [point.devices for point in chosen] == [1] * 7 + [2]
    fields = chosen[5].work.fields
    assert fields == TINY.fields | {"num_heads": 2}

    monkeypatch.setattr(contest, "hold", hold_nothing)
    outcome = scaling.measure(chosen, 1, 1)
    assert [point["value"] for point in outcome["points"]] == [4, 8, 32, 64, 1, 2, 1, 2]
    assert columns(scaling.table(outcome)) == {8}
    scaling.draw(outcome, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000


def hold_nothing(contestants, *_):
    """Returns a result of a tenth of a second per head; 64 pixels do not fit."""
    (each,) = contestants
    work = each.arguments["workload"]
    if work["image_size"] == 64:
        return {}, {each.name: "its process died"}
    seconds = [0.1 * work["fields"]["num_heads"]]
    held = contest.Result(seconds, seconds, 0, 1, None, 200, 100, [0], np.array(1.0))
    return {each.name: held}, {}

"""Tests of several processes: rows, output, and how all of them end."""

import contextlib
import csv
import json
import os
import re
import signal
import socket
import time

import jax
import numpy as np
import pytest

from hmhn_jax.runtime import processes
from hmhn_jax.workdir import scalars

LIMIT_S = 300
CLUSTERS = ("SLURM_", "KUBERNETES_", "OMPI_", "JAX_COORDINATOR")

WITHOUT_A_CLUSTER = """
from hmhn_jax.runtime import processes
from hmhn_jax.base.errors import UserError
for place in [
    (None, None, None),
    ("localhost:1", None, None),
    ("localhost:1", 2, None),
    (None, None, 1),
    ("localhost:1", 2, 2),
    ("localhost", 2, 0),
]:
    try:
        processes.join(*place)
    except UserError as error:
        print(error.exit_code, error)
"""

ONE_OF_SEVERAL = """
import sys, time
from pathlib import Path
import jax, numpy as np
from hmhn_jax.runtime import processes
from hmhn_jax.base.errors import UsageError, UserError

folder, what = Path(sys.argv[1]), sys.argv[2]
processes.SECONDS_OF_SILENCE = 8
processes.join(None, None, None)
with processes.together():
    with processes.first_alone("write"):
        if processes.is_first():
            time.sleep(1)
            if what == "fail":
                raise UserError("no room")
            (folder / "written").write_text("")
        assert (folder / "written").exists()
    ours = np.arange(8)[processes.own_rows(8)]
    print(processes.count(), processes.gather(ours).tolist(), flush=True)
    if what == "crash" and not processes.is_first():
        {}[0]
    if what in ("wait", "crash"):
        (folder / f"waiting{jax.process_index()}").write_text("")
        time.sleep(600)
    if what == "usage":
        raise UsageError("a wrong flag")
"""


@pytest.mark.parametrize("count", [1, 2, 4])
def test_each_row_is_of_one_process(monkeypatch, count):
    monkeypatch.setattr(jax, "process_count", lambda: count)
    rows = []
    for index in range(count):
        monkeypatch.setattr(jax, "process_index", lambda index=index: index)
        rows.append(np.arange(8)[processes.own_rows(8)])
    assert [len(each) for each in rows] == [8 // count] * count
    assert np.concatenate(rows).tolist() == list(range(8))


def test_one_process_alone():
    with processes.first_alone("anything"):
        pass
    with pytest.raises(ZeroDivisionError), processes.together():
        raise ZeroDivisionError
    assert processes.gather(np.arange(3)).tolist() == [[0, 1, 2]]


@pytest.fixture
def no_cluster(environment):
    return {name: value for name, value in environment.items() if not name.startswith(CLUSTERS)}


def test_what_the_environment_does_not_say_is_one_line(run, no_cluster, tmp_path):
    program = tmp_path / "without_a_cluster.py"
    program.write_text(WITHOUT_A_CLUSTER)
    tried = run(program=program, environment=no_cluster)
    lines = tried.stdout.splitlines()
    assert len(lines) == 6, tried.stderr
    assert all(line.startswith("2 ") for line in lines)
    for line in lines[:5]:
        assert "expected a cluster's environment or --coordinator, --num_processes" in line
    assert "process_id=2, num_processes=2" in lines[4]
    assert lines[5] == "2 --coordinator: expected HOST:PORT, got 'localhost'"


def test_a_number_of_a_process_alone_is_one_line(run, no_cluster, tmp_path):
    ended = run("--workdir", tmp_path / "run", "--process_id=1", environment=no_cluster)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: several processes: coordinator_address should be defined;")


@pytest.fixture
def on_slurm(start, no_cluster, tmp_path):
    """Returns on_slurm(what), which starts two processes as SLURM does; they end with the test."""
    program = tmp_path / "one_of_several.py"
    program.write_text(ONE_OF_SEVERAL)
    with contextlib.ExitStack() as stack:

        def start_two(what):
            job = {
                # From which JAX makes the port.
                "SLURM_JOB_ID": str(free_port() - (65535 - 2**12 + 1)),
                "SLURM_STEP_NODELIST": "localhost",
                "SLURM_NTASKS": "2",
            }
            started = []
            for index in range(2):
                task = {"SLURM_PROCID": str(index), "SLURM_LOCALID": str(index)}
                variables = no_cluster | job | task
                started.append(start(tmp_path, what, program=program, environment=variables))
                stack.callback(started[-1].send_signal, signal.SIGKILL)
            return started

        yield start_two


def free_port(lowest=65535 - 2**12 + 1):
    for port in np.random.default_rng(os.getpid()).permutation(np.arange(lowest, 65535)):
        with socket.socket() as found, contextlib.suppress(OSError):
            found.bind(("127.0.0.1", int(port)))
            return int(port)
    raise RuntimeError("no port is free")


def outcomes(started, limit_s=LIMIT_S):
    """Returns (exit code, lines of standard output, lines of error) of each."""
    ended = [process.wait(limit_s) for process in started]
    return [
        (
            each.returncode,
            each.stdout.splitlines(),
            [line for line in each.stderr.splitlines() if "error:" in line],
        )
        for each in ended
    ]


def test_the_first_goes_first_and_speaks_alone(on_slurm):
    first, second = outcomes(on_slurm("work"))
    assert (first[0], second[0]) == (0, 0)
    assert first[1][-1] == "2 [[0, 1, 2, 3], [4, 5, 6, 7]]"
    assert all("peer ranks" in line for line in second[1])


def test_what_the_first_cannot_do_ends_all(on_slurm):
    first, second = outcomes(on_slurm("fail"))
    assert (first[0], first[2]) == (1, ["error: no room"])
    assert (second[0], second[2]) == (
        1,
        ["error: the first process could not write; see its message"],
    )


def test_a_wrong_flag_is_said_once(on_slurm):
    first, second = outcomes(on_slurm("usage"))
    assert (first[0], first[2]) == (2, ["error: a wrong flag"])
    assert (second[0], second[2]) == (2, [])


def test_a_defect_in_one_ends_all(on_slurm):
    started = on_slurm("crash")
    first, second = outcomes(started, 90)
    assert second[0] == 70
    assert first[0] != 0  # JAX ends it, and says so


@pytest.mark.parametrize("victim", [0, 1])
def test_whoever_is_killed_the_other_ends(on_slurm, tmp_path, victim):
    started = on_slurm("wait")
    deadline = time.monotonic() + LIMIT_S
    while not all((tmp_path / f"waiting{index}").exists() for index in (0, 1)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    started[victim].send_signal(signal.SIGKILL)
    other = outcomes(started, 60)[1 - victim]
    assert other[0] != 0  # JAX ends it, and says so


# The whole program: two processes of two devices against one of four.

FIELDS = {
    "model.use_gwa": False,  # compiling takes most of the time
    "model.use_dff": False,
    "model.use_mab": False,
    "train.num_epochs": 2,
    # At higher rates rounding errors, which differ between the layouts, grow with each step.
    "optimizer.learning_rate": 1e-5,
    # A longer run is the same compiled step.
    "optimizer.schedule": "constant",
    "optimizer.warmup_epochs": 0,
}


@pytest.fixture(scope="module")
def launch(start, on_devices, tiny_flags):
    """Returns launch(workdir, processes, devices, *flags), which starts run.py until tests end."""
    own = [f"--config.{field}={value}" for field, value in FIELDS.items()]
    with contextlib.ExitStack() as stack:

        def launch(workdir, number, devices, *flags):
            command = ["--workdir", workdir, *tiny_flags, *own, *flags]
            address, started = f"localhost:{free_port()}", []
            for index in range(number):
                place = [f"--coordinator={address}", f"--num_processes={number}"]
                place += [f"--process_id={index}"]
                place = place if number > 1 else []
                started.append(start(*command, *place, environment=on_devices(devices)))
                stack.callback(started[-1].send_signal, signal.SIGKILL)
            return started

        yield launch


def wait_until(condition, started):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert all(process.is_running() for process in started), "ended before the signal"
        assert time.monotonic() < deadline
        time.sleep(0.005)


def steps(workdir):
    return [values["step"] for values in scalars.read(workdir)]


def saved(workdir):
    names = (path.name for path in (workdir / "checkpoints").glob("*"))
    return sorted(int(name) for name in names if name.isdigit())


def test_two_processes_train_like_one(launch, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    ((code, _, errors),) = outcomes(launch(one, 1, 4))
    assert code == 0, errors

    # One is killed: the other ends, too.
    started = launch(two, 2, 2)
    wait_until(lambda: saved(two), started)
    started[1].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    code, _, errors = outcomes(started)[0]
    assert time.monotonic() - killed < 60
    assert code != 0  # in a computation it says so itself, otherwise JAX does

    # Started again, they go on, and end as one process does.
    (code, out, errors), (other_code, other_out, _) = outcomes(launch(two, 2, 2))
    assert (code, other_code) == (0, 0), errors
    assert re.search("resuming from step (5|10)", "\n".join(out))
    assert [line for line in other_out if "peer ranks" not in line] == []
    ours, theirs = (
        {values["step"]: values["loss"] for values in scalars.read(workdir)}
        for workdir in (two, one)
    )
    assert sorted(ours) == list(range(1, 11))
    for step, loss in theirs.items():
        assert ours[step] == pytest.approx(loss, rel=1e-4)
    ours, theirs = (predictions(workdir) for workdir in (two, one))
    assert len(ours) == 3
    assert ours == pytest.approx(theirs, abs=1e-3)

    # One is asked to end: all save the same step.
    longer = ("--mode=train", "--config.train.num_epochs=400")
    started = launch(two, 2, 2, *longer)
    wait_until(lambda: max(steps(two)) > 11, started)
    started[1].send_signal(signal.SIGTERM)
    (code, out, _), (other_code, _, _) = outcomes(started)
    assert (code, other_code) == (75, 75)
    (step,) = re.findall(r"interrupted: saving step (\d+) of 2000", "\n".join(out))
    assert saved(two)[-1] == int(step) == max(steps(two))

    # A batch that the devices cannot share: said once, and nobody waits.
    started = launch(two, 2, 2, "--config.train.batch_size=6")
    (code, _, errors), (other_code, _, other_errors) = outcomes(started, 60)
    assert (code, other_code) == (2, 2)
    assert errors == ["error: config.train.batch_size must be a multiple of the 4 devices, got 6"]
    assert other_errors == []


def predictions(workdir):
    with (workdir / "evaluation" / "test" / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    scores = {row["video_id"]: float(row["prediction"]) for row in rows}
    assert len(scores) == len(rows)
    metrics = json.loads((workdir / "evaluation" / "test" / "metrics.json").read_text())
    assert metrics["num_videos"] == len(rows)
    return scores

"""Faults from outside: a second program in the workdir, clock jumps, killed workers."""

import os
import resource
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.faults.checks import against_whole, dataset_against_whole, digests, losses, refusal
from benchmarks.faults.runs import Place, Program, Trial, finish, start_build, start_run

TEN_YEARS = 315_360_000
# Found by Python at its start, in the program and in its workers.
SITE = """\
import os, time
_real, _begin = time.time, time.time()
_shift, _after = float(os.environ["FAULTS_SHIFT"]), float(os.environ["FAULTS_AFTER"])
time.time = lambda: _real() + (_shift if _real() >= _begin + _after else 0.0)
"""


def trials(place: Place, count: int) -> dict[str, list[Trial]]:
    """Tries a second program once, and the other faults this many times."""
    return {
        "a second program in the workdir": list(_second(place)),
        "clock jumps by 10 years": list(_clocks(place)),
        "worker killed or out of memory": list(_workers(place, count)),
    }


def _second(place: Place) -> Iterator[Trial]:
    workdir = place.new("locked")
    workdir.mkdir()
    (workdir / "lock").write_text("process 1 on elsewhere\n")  # of a program that is no more
    first = start_run(place, workdir)
    if not first.wait_until(lambda: len(losses(workdir)) > 2):
        raise RuntimeError(f"the first one ended:\n{first.text()[-2000:]}")
    for mode in ("train", "train_and_evaluate"):
        second = start_run(place, workdir, "--mode", mode)
        problem = refusal(second, "in use by another run", str(workdir))
        yield Trial(f"--mode {mode}", problem, second.seconds())
    seconds = finish(first)
    yield Trial("the first one, with another's old lock", against_whole(place, workdir), seconds)


def _clock(place: Place, shift: float, after: float) -> dict[str, str]:
    folder = place.folder / "site"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(SITE)
    return {"PYTHONPATH": str(folder), "FAULTS_SHIFT": str(shift), "FAULTS_AFTER": str(after)}


def _clocks(place: Place) -> Iterator[Trial]:
    workdir = place.new("clock")
    for shift, after in ((TEN_YEARS, 0.0), (-TEN_YEARS, 0.0), (TEN_YEARS, 9.0), (-TEN_YEARS, 9.0)):
        begin = len(losses(workdir))
        program = start_run(place, workdir, extra=_clock(place, shift, after))
        hit = program.wait_until(lambda begin=begin: len(losses(workdir)) > begin + 7)
        seconds = program.seconds()
        program.kill()
        problem = "" if hit else f"ended: {program.text()[-300:]}"
        yield Trial(f"training, {shift:+d} s after {after:g} s", problem, seconds)
    seconds = finish(start_run(place, workdir))
    yield Trial("the run to its end", against_whole(place, workdir), seconds)
    for shift, after in ((TEN_YEARS, 3.0), (-TEN_YEARS, 3.0)):
        data_dir = place.new("built")
        for _ in range(2):  # the second time the crops are there
            ignored = shutil.ignore_patterns("crops")
            if not data_dir.exists():
                shutil.copytree(
                    place.data_dir / "downloads", data_dir / "downloads", ignore=ignored
                )
            extra = _clock(place, shift, after)
            seconds = finish(start_build(place, data_dir, extra=extra))
            problem = dataset_against_whole(place, data_dir)
            yield Trial(f"build, {shift:+d} s", problem, seconds)
            shutil.rmtree(data_dir / "avec_faces")
            shift = -shift


def _workers(place: Place, count: int) -> Iterator[Trial]:
    expected = digests(place.data_dir / "downloads" / "avec_faces" / "crops", "*.crops")
    for number in range(count):
        data_dir = place.new("workers")
        ignored = shutil.ignore_patterns("crops")
        shutil.copytree(place.data_dir / "downloads", data_dir / "downloads", ignore=ignored)
        crops = data_dir / "downloads" / "avec_faces" / "crops"
        program = start_build(place, data_dir)
        wanted = place.rng.randint(0, 5)
        hit = program.wait_until(
            lambda crops=crops, wanted=wanted, program=program: (
                len(list(crops.glob("*.crops"))) >= wanted and len(_workers_of(program)) == 2
            )
        )
        problem = "" if hit else "ended before a worker was killed"
        worker = place.rng.choice(_workers_of(program) or [0])
        begin = time.monotonic()
        if worker and number % 2:
            os.kill(worker, signal.SIGKILL)
            what = f"killed after {wanted} videos"
        elif worker:
            used = int(Path(f"/proc/{worker}/statm").read_text().split()[0]) * 4096
            limit = used + place.rng.randint(0, 16) * 2**20
            resource.prlimit(worker, resource.RLIMIT_AS, (limit, limit))
            what = f"{(limit - used) >> 20} MiB left after {wanted} videos"
        problem = problem or _unlike(program, data_dir)
        seconds = time.monotonic() - begin
        cached = digests(crops, "*.crops")
        if wrong := [name for name, digest in cached.items() if expected[name] != digest]:
            problem = f"other crops in the cache: {wrong}"
        finish(start_build(place, data_dir))
        yield Trial(what, problem or dataset_against_whole(place, data_dir), seconds)
        shutil.rmtree(data_dir)


def _unlike(program: Program, data_dir: Path) -> str:
    """Returns what is wrong; nothing if the build ended well or in one line of error."""
    if program.wait() == 0:
        return ""
    built = (data_dir / "avec_faces" / "tiny" / "1.0.0").exists()
    return "a dataset in spite of an error" if built else refusal(program)


def _workers_of(program: Program) -> list[int]:
    """Returns the processes of a build that crop."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            command = (path / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if parent == program.process.pid and b"spawn_main" in command:
            found.append(int(path.name))
    return found

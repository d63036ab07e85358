"""Processes of a contest, from the parent's side; `benchmarks.contest.worker` is the other."""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contest import machine

ROOT = Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A program to measure.

    Attributes:
      name: in the table.
      module, function: what makes it: function(**arguments) returns a function without arguments,
        which does the work once and returns an array or a number, or None.
      arguments: plain values.
      environment: variables added to the process's.
      compiles: whether its first run also compiles, so that a second start is worth measuring.
      first_limit_s: how long it may take to be warm; one that takes longer is left out.
      python: the interpreter, with the packages installed for it.
    """

    name: str
    module: str
    function: str
    arguments: dict
    environment: dict = dataclasses.field(default_factory=dict)
    compiles: bool = False
    first_limit_s: float = 600.0
    python: str = sys.executable


def by_other(each: Contestant, python: str) -> Contestant:
    """Returns the same contestant run by another interpreter, and named after its jaxlib."""
    name = f"{each.name}, jaxlib {machine.jaxlib_of(python)}"
    return dataclasses.replace(each, name=name, python=python)


@contextlib.contextmanager
def started(
    each: Contestant, cores: list[int], caches: Path | None, output: Path | None
) -> Iterator[subprocess.Popen]:
    """Starts a contestant in a process that may use these cores, until the context ends.

    Args:
      each: the contestant.
      cores: their numbers.
      caches: where compiled programs are kept and found; None keeps none.
      output: gets what the first run returns, as NumPy writes it.
    """
    request = {
        "cores": cores,
        "module": each.module,
        "function": each.function,
        "arguments": each.arguments,
        "output": output and str(output),
    }
    # The PyTorch network is that of the tests.
    paths = [str(ROOT), str(ROOT / "tests" / "reference"), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "OMP_NUM_THREADS": str(len(cores)),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **(_caches(caches) if caches else {}),
        **each.environment,
    }
    worker = subprocess.Popen(
        [each.python, "-m", "benchmarks.contest.worker", json.dumps(request)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with worker:
        try:
            yield worker
        finally:
            worker.kill()


def first_answer(worker: subprocess.Popen, each: Contestant) -> dict:
    """Returns the process's answer once it is warm; {"absent": reason} if it cannot run."""
    start = time.monotonic()
    timer = threading.Timer(each.first_limit_s, worker.kill)
    timer.start()
    line = worker.stdout.readline()
    timer.cancel()
    if line:
        return json.loads(line)
    slow = time.monotonic() - start >= each.first_limit_s
    return {"absent": f"not ready within {each.first_limit_s:g} s" if slow else "its process died"}


def turn(worker: subprocess.Popen, repeats: int, cores: list[int]) -> dict:
    """Runs a turn; returns its measurements and the share of the cores that others used."""
    start, busy = time.monotonic(), _busy_seconds(cores)
    print(repeats, file=worker.stdin, flush=True)
    measured = json.loads(worker.stdout.readline())
    others = _busy_seconds(cores) - busy - repeats * measured["cpu_seconds"]
    return measured | {"others": max(0.0, others / (time.monotonic() - start) / len(cores))}


def _busy_seconds(cores):
    """Returns the seconds that these cores have worked since the start of the system."""
    ticks = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *numbers = line.split()
        if name in {f"cpu{core}" for core in cores}:
            user, nice, system, _, _, irq, softirq = map(int, numbers[:7])
            ticks += user + nice + system + irq + softirq
    return ticks / os.sysconf("SC_CLK_TCK")


def _caches(folder):
    """Returns environment variables that keep compiled programs in a folder of their own."""
    return {
        "JAX_COMPILATION_CACHE_DIR": str(folder / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor"),
    }

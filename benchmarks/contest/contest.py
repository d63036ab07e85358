"""Contests: programs that do the same work take turns, each in a process of its own.

A round is every program once, in an order that moves on by one with each round, while the others
wait. All have the same cores. Rounds go on until there are enough in which nothing else used these
cores; where that does not happen the calmest ones count. Needs Linux, for its /proc.
"""

import contextlib
import dataclasses
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.contest.process import Contestant, first_answer, started, turn

PAUSE_S = 0.05  # threads of the one before may spin for a moment
CALM = 0.05  # part of the cores that other programs may use
MOST_TRIES = 2  # times as many rounds as asked for, where calm ones are rare
MEASURED = ("seconds", "cpu_seconds", "running_mib", "others")


@dataclasses.dataclass(frozen=True)
class Result:
    """Measurements of one contestant.

    Attributes:
      seconds, cpu_seconds: of one run, a number a round; CPU time is that of all its threads.
      setup_s: until the first run: imports, weights.
      first_s: the first run, compilation included, without anything kept from before.
      warm_first_s: the same in a second process that finds what the first one compiled; None
        where nothing compiles.
      peak_mib: most memory of the process (VmHWM), from its start to the last round.
      running_mib: the same, of the rounds alone.
      others: what part of the cores other programs used meanwhile, a number a round.
      output: what the first run returned.
    """

    seconds: list[float]
    cpu_seconds: list[float]
    setup_s: float
    first_s: float
    warm_first_s: float | None
    peak_mib: float
    running_mib: float
    others: list[float]
    output: np.ndarray


def hold(
    contestants: list[Contestant], rounds: int, repeats: int, num_cores: int
) -> tuple[dict[str, Result], dict[str, str]]:
    """Lets all contestants take turns.

    Args:
      contestants: with names of their own.
      rounds: how many count.
      repeats: how often a contestant runs in a round; its time is the mean.
      num_cores: that each may use: the first ones of those this process may use.

    Returns:
      The results by name, and by name why others have none.
    """
    cores = sorted(os.sched_getaffinity(0))[:num_cores]
    warm, absent, starts, workers = {}, {}, {}, {}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        folder = Path(folder)
        caches = {each.name: folder / f"cache{i}" for i, each in enumerate(contestants)}
        output = folder / "output.npy"
        for each in contestants:
            worker = stack.enter_context(started(each, cores, caches[each.name], output))
            start = first_answer(worker, each)
            if "absent" in start:
                absent[each.name] = start["absent"]
                continue
            workers[each.name] = worker
            starts[each.name] = start | {"output": np.load(output)}
        turns = _calmest(_rounds(workers, rounds, repeats, cores), rounds)
        stack.close()
        for each in contestants:
            if each.compiles and each.name in workers:
                with started(each, cores, caches[each.name], None) as worker:
                    warm[each.name] = first_answer(worker, each).get("first_s")
    results = {}
    for name, start in starts.items():
        values = {key: [each[name][key] for each in turns] for key in MEASURED}
        values["running_mib"] = max(values["running_mib"])
        start["peak_mib"] = max(start["peak_mib"], values["running_mib"])
        results[name] = Result(**values, **start, warm_first_s=warm.get(name))
    return results, absent


def _rounds(workers, wanted, repeats, cores):
    """Measures rounds, each {name: its turn}, until enough are calm or there are too many."""
    names, rounds = list(workers), []
    for number in range(MOST_TRIES * wanted if names else 0):
        first = number % len(names)
        turns = {}
        for name in names[first:] + names[:first]:
            time.sleep(PAUSE_S)
            turns[name] = turn(workers[name], repeats, cores)
        rounds.append(turns)
        if sum(_disturbance(each) < CALM for each in rounds) == wanted:
            break
    return rounds


def _calmest(rounds, wanted):
    """Selects the rounds in which other programs used the cores least, whatever the times."""
    return sorted(rounds, key=_disturbance)[:wanted]


def _disturbance(turns):
    return max(each["others"] for each in turns.values())


def prepare(module: str, function: str, arguments: dict) -> str | None:
    """Runs function(**arguments), which returns None, in a process of its own.

    Returns:
      Why it could not, or None when it could.
    """
    each = Contestant(function, module, function, arguments)
    with started(each, sorted(os.sched_getaffinity(0)), None, None) as worker:
        return first_answer(worker, each).get("absent")

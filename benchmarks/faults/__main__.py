"""Fault campaign: data lost by killed runs, full disks and damaged files.

    python -m benchmarks.faults [--kills N] [--seed S] [--only NAME] [--json FILE]

Small runs, evaluations and builds meet one fault each. A trial is survived when nothing is lost
that was there or said before, nothing half-written is taken for whole, the same command goes on and
comes to what it comes to without a fault (losses in every bit, predictions, dataset), and the
program, where it could still speak, said one line. Prints a Markdown table and what went wrong;
ends with 1 if anything did. A quarter of an hour on two cores; full and read-only disks need root.
"""

import argparse
import dataclasses
import json
import random
import sys
import tempfile
from pathlib import Path

from benchmarks.contest import machine, results
from benchmarks.faults import damage, disk, kill, runs, world
from benchmarks.faults.runs import Place, Trial

CAMPAIGNS = {
    "kill": kill.trials,
    "disk": disk.trials,
    "damage": damage.trials,
    "world": world.trials,
}
PACKAGES = ("jax", "orbax-checkpoint", "tensorflow-datasets", "tensorflow", "numpy")


def table(found: dict[str, list[Trial]]) -> str:
    """Formats the trials of each fault as Markdown."""
    headers = ("fault", "trials", "survived", "lost", "slowest recovery, s")
    rows = []
    for name, each in found.items():
        lost = sum(bool(trial.problem) for trial in each)
        slowest = max((trial.seconds for trial in each), default=0.0)
        rows.append((name, len(each), len(each) - lost, lost, f"{slowest:.1f}"))
    return results.table(headers, rows)


def main() -> int:
    """Runs the trials, prints them, writes the JSON if asked; returns 1 when anything was lost."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--damages", type=int, default=24, help="of each kind of file")
    parser.add_argument("--disks", type=int, default=3, help="of each kind of full disk")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=list(CAMPAIGNS))
    parser.add_argument("--json", type=Path)
    flags = parser.parse_args()
    counts = dict(
        zip(CAMPAIGNS, (flags.kills, flags.disks, flags.damages, flags.workers), strict=True)
    )
    found: dict[str, list[Trial]] = {}
    with tempfile.TemporaryDirectory(
        prefix="hmhn_jax_faults_", ignore_cleanup_errors=True
    ) as folder:
        place = Place(Path(folder), random.Random(flags.seed))
        runs.prepare(place)
        for name, trials in CAMPAIGNS.items():
            if flags.only not in (None, name):
                continue
            print(f"{name} ...", file=sys.stderr, flush=True)
            place = Place(Path(folder), random.Random(f"{flags.seed} {name}"))
            found |= trials(place, counts[name])
    print(table(found))
    problems = [(name, trial) for name, each in found.items() for trial in each if trial.problem]
    for name, trial in problems:
        print(f"{name}: {trial.what}: {trial.problem}")
    described = machine.describe(PACKAGES)
    print(", ".join(f"{name} {value}" for name, value in described.items()))
    if flags.json:
        values = {name: [dataclasses.asdict(t) for t in each] for name, each in found.items()}
        text = json.dumps({"faults": values, "machine": described}, indent=2)
        flags.json.write_text(text + "\n")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())

"""Soak test: memory, open files, threads and child processes of a long training.

    python -m benchmarks.soak [--steps N] [--json FILE]

A small network trains for 5000 steps with validation and a checkpoint every 240. After the first
thousand steps, in which caches fill, memory may not grow by more than a hundredth in a thousand
steps, nor the numbers of files and threads at all; and no process of the run is there after it. A
few minutes.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import resume
from benchmarks.contest import machine, results
from benchmarks.faults.checks import losses

CHECKPOINT_EPOCHS = 20
STEPS_PER_EPOCH = 12
SETTLED_AFTER = 1000  # steps
LARGEST_GROWTH = 0.01  # of the memory, in a thousand steps
PACKAGES = ("jax", "flax", "optax", "orbax-checkpoint", "tensorflow-datasets", "numpy")


def look(pid: int) -> dict:
    """Returns a process's memory in MiB, and its numbers of files, threads and children."""
    process = Path(f"/proc/{pid}")
    lines = (process / "status").read_text().splitlines()
    fields = {name: value for name, _, value in (line.partition(":") for line in lines)}
    children = [
        task.read_text().split() for task in process.glob("task/*/children") if task.exists()
    ]
    return {
        "memory_mib": int(fields["VmRSS"].split()[0]) / 1024,
        "files": len(os.listdir(process / "fd")),
        "threads": int(fields["Threads"]),
        "children": sum(map(len, children)),
    }


def watch(num_steps: int, folder: Path) -> list[dict]:
    """Trains, and samples once a second: [{"step": 12, "memory_mib": 300.0, ...}].

    Raises:
      RuntimeError: when the run fails, or leaves processes behind.
    """
    settings = {
        "train.num_epochs": -(-num_steps // STEPS_PER_EPOCH),
        "train.checkpoint_every_epochs": CHECKPOINT_EPOCHS,
        "train.log_every_steps": STEPS_PER_EPOCH,
    }
    workdir, log = folder / "run", folder / "log.txt"
    (process,) = resume.start(resume.Layout(1, 1), workdir, log, settings)
    seen = []
    while process.poll() is None:
        time.sleep(1.0)
        if lines := losses(workdir):
            try:
                seen.append({"step": lines[-1][0], **look(process.pid)})
            except (OSError, KeyError):  # it has just ended
                break
    if process.wait(resume.LIMIT_S):
        raise RuntimeError(f"the run ended with {process.returncode}:\n{resume.end_of(log)}")
    if left := [each for each in command_lines() if str(workdir) in each]:
        raise RuntimeError(f"left behind: {left}")
    return seen


def command_lines() -> list[str]:
    """Returns the command lines of all other processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.parent.name != str(os.getpid()):
                found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def summarise(seen: list[dict]) -> dict:
    """Summarises the samples: level and growth after the warm-up.

    Raises:
      RuntimeError: for a run too short to say anything.
    """
    settled = [each for each in seen if each["step"] >= SETTLED_AFTER]
    steps = [each["step"] for each in settled]
    if len(settled) < 10 or steps[-1] - steps[0] < SETTLED_AFTER:
        raise RuntimeError(f"too short: looked {len(settled)} times after step {SETTLED_AFTER}")
    slopes = {
        name: 1000 * statistics.linear_regression(steps, [each[name] for each in settled]).slope
        for name in ("memory_mib", "files", "threads", "children")
    }
    half = len(settled) // 2
    medians = [
        {name: statistics.median(each[name] for each in part) for name in slopes}
        for part in (settled[:half], settled[half:])
    ]
    memory = slopes["memory_mib"] / medians[0]["memory_mib"]
    grows = memory > LARGEST_GROWTH or any(
        medians[1][name] > medians[0][name] for name in ("files", "threads", "children")
    )
    return {"growth_per_1000_steps": slopes, "medians": medians, "grows": grows, "seen": seen}


def table(outcome: dict) -> str:
    """Formats the outcome as Markdown."""
    names = {"memory_mib": "memory, MiB", "files": "open files", "threads": "threads"}
    names |= {"children": "child processes"}
    first, second = outcome["medians"]
    rows = [
        (
            text,
            f"{first[name]:.0f}",
            f"{second[name]:.0f}",
            f"{outcome['growth_per_1000_steps'][name]:+.2f}",
        )
        for name, text in names.items()
    ]
    headers = ("", "first half, median", "second half", "trend in 1000 steps")
    return results.table(headers, rows)


def main() -> int:
    """Measures, prints, writes the JSON if asked; returns 1 when something grows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--json", type=Path)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hmhn_jax_soak_") as folder:
        outcome = summarise(watch(flags.steps, Path(folder)))
    outcome["machine"] = machine.describe(PACKAGES)
    steps = outcome["seen"][-1]["step"]
    print(f"{table(outcome)}\n\nSteps {SETTLED_AFTER} to {steps}, looked at once a second.")
    print(", ".join(f"{name} {value}" for name, value in outcome["machine"].items()))
    if flags.json:
        flags.json.write_text(json.dumps(outcome, indent=2) + "\n")
    return int(outcome["grows"])


if __name__ == "__main__":
    sys.exit(main())

"""Interrupted training compared with training in one go, on several kinds of devices.

    python -m benchmarks.resume [--interruptions N] [--seed S] [--only NAME] [--json FILE]

A small network trains on a part of the embedded faces, 60 steps of 8 crops, with a checkpoint
every 12 steps; once in one go, and once interrupted at random steps, by SIGTERM and by SIGKILL in
turn. Of several processes one at random gets the signal. The losses of all steps, those done again
among them, must be the same in every bit. Ten minutes.
"""

import argparse
import dataclasses
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.contest import results
from benchmarks.faults.checks import losses

ROOT = Path(__file__).parents[1]
SETTINGS = {
    "data.train_split": "train[:5%]",
    "data.validation_split": "validation[:5%]",
    "data.image_size": 32,
    "model.width": 4,
    "model.lgfe_expansion": 1,
    "model.num_heads": 2,
    # At higher rates each step makes rounding errors several times larger, which differ with the
    # number of devices.
    "optimizer.learning_rate": 1e-5,
    "train.batch_size": 8,
    "train.num_epochs": 5,
    "train.log_every_steps": 1,
}
NUM_STEPS = 60
STEPS_COMPARED = 50  # between kinds of devices and processes
LIMIT_S = 600.0  # for any of the waits


@dataclasses.dataclass(frozen=True)
class Layout:
    """Number of processes, and of devices in each of them."""

    processes: int
    devices: int

    def __str__(self) -> str:
        one = f"{self.devices} device" + "s" * (self.devices > 1)
        return one if self.processes == 1 else f"{self.processes} processes x {one}"


LAYOUTS = (Layout(1, 1), Layout(1, 4), Layout(2, 2))


def start(
    layout: Layout, workdir: Path, log: Path, settings: dict | None = None
) -> list[subprocess.Popen]:
    """Starts the processes of one run; their output is appended to the log."""
    fields = SETTINGS | (settings or {})
    flags = [f"--config.{field}={value}" for field, value in fields.items()]
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{found.getsockname()[1]}"
    xla_flags = f"--xla_force_host_platform_device_count={layout.devices}"
    environment = os.environ | {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {xla_flags}"}
    processes = []
    for index in range(layout.processes):
        command = [sys.executable, ROOT / "run.py", "--workdir", workdir, "--mode", "train", *flags]
        if layout.processes > 1:
            command += ["--coordinator", address, "--num_processes", layout.processes]
            command += ["--process_id", index]
        with log.open("a") as file:
            processes.append(
                subprocess.Popen(
                    [str(part) for part in command], env=environment, stdout=file, stderr=file
                )
            )
    return processes


def train(layout: Layout, workdir: Path, log: Path) -> list[tuple[int, str]]:
    """Trains to the end without interruption, and returns the losses."""
    codes = [process.wait(LIMIT_S) for process in start(layout, workdir, log)]
    if any(codes):
        raise RuntimeError(f"{layout}: ended with {codes}:\n{end_of(log)}")
    return losses(workdir)


def interrupt(
    layout: Layout, workdir: Path, log: Path, step: int, number: int, rng: random.Random
) -> dict:
    """Starts a run and sends a signal after a step was logged.

    Returns:
      step: the last that was logged when the signal was sent.
      signal, exit_codes.
      seconds: until all processes had ended.
    """
    processes = start(layout, workdir, log)
    deadline = time.monotonic() + LIMIT_S
    lines_before = len(losses(workdir))
    while not any(done >= step for done, _ in losses(workdir)[lines_before:]):
        if any(process.poll() is not None for process in processes):
            raise RuntimeError(
                f"{layout}: ended before it was interrupted; the end of its log:\n{end_of(log)}"
            )
        if time.monotonic() > deadline:
            raise RuntimeError(
                f"{layout}: no step {step} within {LIMIT_S:g} s; the end of its log:\n{end_of(log)}"
            )
        time.sleep(0.002)
    last, sent = losses(workdir)[-1][0], time.monotonic()
    rng.choice(processes).send_signal(number)
    codes = [process.wait(LIMIT_S) for process in processes]
    return {
        "step": last,
        "signal": signal.Signals(number).name,
        "exit_codes": codes,
        "seconds": time.monotonic() - sent,
    }


def end_of(log: Path) -> str:
    """Returns the last lines of a log."""
    return "\n".join(log.read_text().splitlines()[-20:])


def campaign(layout: Layout, num_interruptions: int, folder: Path, rng: random.Random) -> dict:
    """Trains in one go and interrupted, and compares."""
    in_one_go = train(layout, folder / "whole", folder / "whole.txt")
    expected = dict(in_one_go)
    if sorted(expected) != list(range(1, NUM_STEPS + 1)):
        raise RuntimeError(f"{layout}: expected {NUM_STEPS} steps, got {sorted(expected)}")
    workdir, log = folder / "interrupted", folder / "interrupted.txt"
    steps = sorted(rng.sample(range(1, NUM_STEPS - 2), num_interruptions))
    signals = itertools.cycle((signal.SIGTERM, signal.SIGKILL))
    interruptions = [
        interrupt(layout, workdir, log, step, number, rng)
        for step, number in zip(steps, signals, strict=False)
    ]
    written = train(layout, workdir, log)
    return {
        "interruptions": interruptions,
        "losses": [expected[step] for step in sorted(expected)],
        "steps_written": len(written),
        "steps_missing": NUM_STEPS - len(dict(written)),
        "steps_unequal": sum(expected[step] != loss for step, loss in written),
    }


def distance(outcome: dict, other: dict) -> float:
    """Returns the largest relative difference of the first losses."""
    ours, theirs = (
        np.array([float.fromhex(loss) for loss in each["losses"][:STEPS_COMPARED]])
        for each in (outcome, other)
    )
    return float(np.max(np.abs(ours - theirs) / np.abs(theirs)))


def table(outcomes: dict[str, dict]) -> str:
    """Formats the outcomes as Markdown."""
    headers = ("run", "interrupted after step", "losses written", "steps missing")
    headers += ("losses that differ in a bit", "slowest end after a signal, s")
    headers += (f"largest distance from 1 device, first {STEPS_COMPARED} steps",)
    first = next(iter(outcomes.values()))
    rows = [
        (
            name,
            ", ".join(f"{each['step']} ({each['signal']})" for each in outcome["interruptions"]),
            str(outcome["steps_written"]),
            str(outcome["steps_missing"]),
            str(outcome["steps_unequal"]),
            f"{max(each['seconds'] for each in outcome['interruptions']):.1f}",
            f"{distance(outcome, first):.0e}",
        )
        for name, outcome in outcomes.items()
    ]
    return results.table(headers, rows)


def main() -> int:
    """Measures, prints, writes the JSON if asked; returns 1 when a loss differs or is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--interruptions", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=[str(each) for each in LAYOUTS])
    parser.add_argument("--json", type=Path)
    flags = parser.parse_args()
    outcomes = {}
    with tempfile.TemporaryDirectory(prefix="hmhn_jax_resume_") as folder:
        for layout in LAYOUTS:
            if flags.only not in (None, str(layout)):
                continue
            print(f"{layout} ...", file=sys.stderr, flush=True)
            place = Path(folder) / str(layout).replace(" ", "_")
            place.mkdir()
            rng = random.Random(f"{flags.seed} {layout}")
            outcomes[str(layout)] = campaign(layout, flags.interruptions, place, rng)
    print(table(outcomes))
    if flags.json:
        flags.json.write_text(json.dumps(outcomes, indent=2) + "\n")
    return int(any(each["steps_missing"] or each["steps_unequal"] for each in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())

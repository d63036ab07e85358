"""Small runs and builds for a fault campaign."""

import contextlib
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT_S = 300.0  # for any of the waits
VIDEOS = {"num_train": 7, "num_validation": 2, "num_test": 3, "num_frames": 5}
STEPS_PER_EPOCH, NUM_EPOCHS = 5, 10  # 35 crops in batches of 8
SETTINGS = {
    "data.dataset": "avec_faces/tiny",
    "data.image_size": 32,
    "model.width": 4,
    "model.lgfe_expansion": 1,
    "model.num_heads": 2,
    "train.batch_size": 8,
    "train.num_epochs": NUM_EPOCHS,
    "train.log_every_steps": 1,
    "evaluate.batch_size": 8,
}


@dataclasses.dataclass(frozen=True)
class Trial:
    """One fault and its outcome.

    Attributes:
      what: where the fault was.
      problem: what was lost or wrong; empty when nothing was.
      seconds: until the program had spoken, or the same command was at work again.
    """

    what: str
    problem: str
    seconds: float


@dataclasses.dataclass(frozen=True)
class Place:
    """The folder of a campaign.

    Attributes:
      folder: empty at first.
      rng: of all that is drawn.
    """

    folder: Path
    rng: random.Random

    @property
    def data_dir(self) -> Path:
        """The data_dir with a dataset that was built without a fault."""
        return self.folder / "data"

    @property
    def whole(self) -> Path:
        """The workdir of a run without a fault."""
        return self.folder / "whole"

    def new(self, name: str) -> Path:
        """Returns a path that does not exist yet."""
        return self.folder / f"{name}-{self.rng.getrandbits(32):08x}"


@dataclasses.dataclass
class Program:
    """A started command, leader of its process group, whose output goes to `log`."""

    process: subprocess.Popen
    log: Path
    started: float

    def wait(self) -> int:
        try:
            return self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """Sends SIGKILL to the program and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def seconds(self) -> float:
        return time.monotonic() - self.started

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until(self, holds: Callable[[], bool]) -> bool:
        """Waits for a condition; returns whether it came true before the program ended."""
        while not holds():
            if self.process.poll() is not None:
                return False
            if self.seconds() > LIMIT_S:
                self.kill()
                raise TimeoutError(f"nothing within {LIMIT_S:g} s:\n{self.text()[-2000:]}")
            time.sleep(0.001)
        return True


def start(place: Place, command: list, extra: dict[str, str] | None = None) -> Program:
    """Starts a command in this checkout."""
    log = place.new("log")
    compiled = {
        "JAX_COMPILATION_CACHE_DIR": str(place.folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    path = os.pathsep.join(part for part in ((extra or {}).get("PYTHONPATH"), str(ROOT)) if part)
    environment = os.environ | compiled | (extra or {}) | {"PYTHONPATH": path}
    with log.open("w") as file:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    return Program(process, log, time.monotonic())


def start_run(place: Place, workdir: Path, *flags, extra: dict | None = None) -> Program:
    """Starts a tiny `python run.py --workdir DIR ...`."""
    fields = {"data.data_dir": place.data_dir} | SETTINGS
    command = [sys.executable, ROOT / "run.py", "--workdir", workdir]
    command += [f"--config.{field}={value}" for field, value in fields.items()]
    return start(place, [*command, *flags], extra)


def start_build(place: Place, data_dir: Path, num_processes=2, extra=None) -> Program:
    """Starts a tiny `tfds build avec_faces`."""
    config = {"name": "tiny", "videos": VIDEOS, "num_processes": num_processes}
    command = [Path(sys.executable).with_name("tfds"), "build", "avec_faces"]
    command += ["--config", json.dumps(config), "--data_dir", data_dir]
    return start(place, command, extra)


def finish(program: Program) -> float:
    """Runs a command that must succeed, and returns its seconds."""
    if code := program.wait():
        raise RuntimeError(f"ended with {code}:\n{program.text()[-2000:]}")
    return program.seconds()


def prepare(place: Place) -> None:
    """Prepares the dataset and the run that all others are compared with."""
    finish(start_build(place, place.data_dir))
    finish(start_run(place, place.whole))

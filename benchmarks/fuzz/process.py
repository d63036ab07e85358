"""Worker processes of the fuzzing campaign: started, timed out and counted by the parent."""

import contextlib
import dataclasses
import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 120.0  # for the libraries, and the first file
FAILURES = ("exception", "crash", "hang", "leak")


@dataclasses.dataclass
class Tally:
    """Outcomes of one reader.

    Attributes:
      reader: as "module:function".
      counts: by outcome: "accepted", "refused", or one of `FAILURES`.
      seconds: of all its files together.
      failures: (outcome, file where the input is kept, detail).
    """

    reader: str
    counts: dict[str, int] = dataclasses.field(
        default_factory=lambda: dict.fromkeys(("accepted", "refused", *FAILURES), 0)
    )
    seconds: float = 0.0
    failures: list[tuple[str, Path, str]] = dataclasses.field(default_factory=list)

    @property
    def num_failures(self) -> int:
        return sum(self.counts[name] for name in FAILURES)


class Trier:
    """Tries readers on files; used in a `with` block, which ends all processes.

    Args:
      kept: the folder that gets the inputs of failures.
      limit_s: for one file; a process that takes longer is killed.
    """

    def __init__(self, kept: Path, limit_s: float):
        self._kept = kept
        self._limit_s = limit_s
        self._worker = None
        self._temporary = None
        self._warm = set()

    def __enter__(self) -> Self:
        self._temporary = tempfile.mkdtemp(prefix="fuzz-")
        return self

    def __exit__(self, *_) -> None:
        self._stop()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def warm_up(self, reader: str, path: Path) -> None:
        """Reads a sound file once, so that the reader loads its libraries."""
        self._warm.add((reader, path))
        # What is loaded stays open and is no leak.
        self._ask(reader, path, START_LIMIT_S)

    def try_on(self, tally: Tally, path: Path) -> str:
        """Passes a file to a reader and counts the outcome."""
        if self._worker is None:
            for reader, sound in sorted(self._warm):
                self._ask(reader, sound, START_LIMIT_S)
        start = time.monotonic()
        limit_s = self._limit_s if self._worker else START_LIMIT_S
        outcome, detail = self._ask(tally.reader, path, limit_s)
        tally.seconds += time.monotonic() - start
        tally.counts[outcome] += 1
        if outcome in FAILURES:
            tally.failures.append((outcome, self._keep(tally, path), detail))
        return outcome

    def _ask(self, reader, path, limit_s):
        worker = self._worker = self._worker or self._start()
        order = json.dumps({"reader": reader, "path": str(path)})
        with contextlib.suppress(BrokenPipeError):
            print(order, file=worker.stdin, flush=True)
        with selectors.DefaultSelector() as selector:
            selector.register(worker.stdout, selectors.EVENT_READ)
            if not selector.select(limit_s):
                self._stop()
                return "hang", f"no answer within {limit_s:g} s"
        line = worker.stdout.readline()
        if not line:
            status = worker.wait()
            self._stop()
            return "crash", f"the process ended with status {status}"
        answer = json.loads(line)
        if answer["outcome"] == "leak":
            self._stop()  # the next file must not be blamed for it
        return answer["outcome"], answer["detail"]

    def _start(self):
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "TMPDIR": self._temporary,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "JAX_PLATFORMS": "cpu",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.fuzz.worker"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def _stop(self):
        if self._worker is not None:
            self._worker.kill()
            with contextlib.suppress(BrokenPipeError):
                self._worker.communicate()
            self._worker = None

    def _keep(self, tally, path):
        self._kept.mkdir(parents=True, exist_ok=True)
        name = f"{tally.reader.partition(':')[2]}-{tally.num_failures}{path.suffix}"
        return Path(shutil.copyfile(path, self._kept / name))

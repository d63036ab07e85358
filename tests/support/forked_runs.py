"""Programs started as forks of a process that has imported the libraries, which takes 5 s.

Each has a process, environment, output and exit code of its own, imports all of this package, and
ends as Python does. JAX's own variables are those of the tests: it reads them when it is imported.
"""

import contextlib
import dataclasses
import importlib
import json
import os
import runpy
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

LIBRARIES = (
    "av",
    "cv2",
    "dlib",
    "flax.linen",
    "jax.experimental.multihost_utils",
    "matplotlib.figure",
    "optax.contrib",
    "orbax.checkpoint",
    "tensorflow",
    "tensorflow_datasets.core.decode",
)


@dataclasses.dataclass(frozen=True)
class Program:
    """A program that was started.

    Attributes:
      folder: with what it printed, stdout and stderr, its pid and at last its exit code.
    """

    folder: Path

    def is_running(self) -> bool:
        """Returns whether it has not ended."""
        return not (self.folder / "code").exists()

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.is_running():
            os.kill(int((self.folder / "pid").read_text()), number)

    def wait(self, limit_s: float = float("inf")) -> subprocess.CompletedProcess:
        """Waits until it has ended; returns what `subprocess.run` does."""
        start = time.monotonic()
        while self.is_running():
            assert time.monotonic() - start < limit_s, f"runs for more than {limit_s} s"
            time.sleep(0.005)
        code, out, err = ((self.folder / name).read_text() for name in ("code", "stdout", "stderr"))
        return subprocess.CompletedProcess("", int(code), out, err)


def start_server(environment: Mapping[str, str]) -> subprocess.Popen:
    """Starts the process that programs are forks of; it ends when its standard input is closed."""
    command = [sys.executable, __file__]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, text=True, bufsize=1)


def start(
    server: subprocess.Popen,
    program: Path,
    flags: list,
    environment: Mapping[str, str],
    cwd: Path,
    folder: Path,
) -> Program:
    """Starts `python PROGRAM FLAGS ...`; `folder` is that of the `Program`."""
    arguments = [str(program), *map(str, flags)]
    request = [arguments, dict(environment), str(cwd), str(folder)]
    print(json.dumps(request), file=server.stdin)
    while not (folder / "pid").exists():
        assert server.poll() is None, "the process to fork has ended"
        time.sleep(0.005)
    return Program(folder)


def _write(path, number):
    path.with_suffix(".part").write_text(str(number))
    path.with_suffix(".part").rename(path)


def _serve():
    for name in LIBRARIES:
        importlib.import_module(name)
    for line in sys.stdin:
        if not os.fork():
            return _start(*json.loads(line))
    with contextlib.suppress(ChildProcessError):  # their CPU time counts as that of the tests
        while True:
            os.wait()


def _start(arguments, environment, cwd, folder):
    """Runs in a fork, which waits for a fork of its own: that becomes the program."""
    if pid := os.fork():
        _write(Path(folder) / "pid", pid)
        _, status = os.waitpid(pid, 0)
        _write(Path(folder) / "code", os.waitstatus_to_exitcode(status))
        os._exit(0)
    files = (os.devnull, f"{folder}/stdout", f"{folder}/stderr")
    for number, name in enumerate(files):
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv = arguments
    sys.path[0] = os.path.dirname(arguments[0])
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    _serve()

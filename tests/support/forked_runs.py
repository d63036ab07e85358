"""Programs started as forks of a process that has imported the libraries, which takes 5 s.

Each has a process, environment, output and exit code of its own, and imports all of this package.
JAX's own variables are those of the tests, as JAX reads them when it is imported.
"""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

LIBRARIES = [
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
]


def start(
    program: Path, flags: list[str], environment: Mapping[str, str], output: Path
) -> BaseProcess:
    """Starts `python PROGRAM FLAGS ...`, which prints to `stdout` and `stderr` in a folder."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", environment["PYTHONPATH"])
        forkserver.ensure_running()
    arguments = (str(program), flags, dict(environment), output)
    process = context.Process(target=_become, args=arguments)
    process.start()
    return process


def _become(program, flags, environment, output):
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        with (output / name).open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [program, *flags]
    runpy.run_path(program, run_name="__main__")

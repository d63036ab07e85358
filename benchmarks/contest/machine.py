"""Hardware and software that a benchmark ran on."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path


def describe(packages: tuple[str, ...], num_cores: int | None = None) -> dict:
    """Describes the processor, the cores used, and the versions of installed packages."""
    machine = {
        "processor": processor(),
        "cores": num_cores or len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
    }
    for package in packages:
        try:
            machine[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return machine


def jaxlib_of(python: str) -> str:
    """Returns the version of jaxlib that another interpreter imports."""
    code = "from importlib.metadata import version; print(version('jaxlib'))"
    return subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def processor() -> str:
    """Returns the processor's name, where the system tells it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()

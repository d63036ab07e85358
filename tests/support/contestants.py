"""Programs for the tests of benchmarks/contest/contest.py."""

import os
import time

import numpy as np


def program(name, log):
    """Appends a line with its name and process; needs 128 MiB to start or 64 MiB to run."""
    if name == "first":
        np.ones(2**24)

    def run():
        if name == "second":
            np.ones(2**23)
        with open(log, "a") as file:
            file.write(f"{name} {os.getpid()}\n")
        return 7

    return run


def uninstalled():
    import no_such_module  # noqa: F401


def broken():
    raise ValueError("of two\nlines")


def slow():
    time.sleep(30)

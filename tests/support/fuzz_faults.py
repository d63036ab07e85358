"""Readers with faults, which `benchmarks.fuzz` must report."""

import os
import signal
import subprocess
import tempfile
import time

from hmhn_jax.base.errors import UserError

KEPT = []


def sound(path):
    text = path.read_text()
    if text == "bad":
        raise UserError(f"{path}: bad")
    return [f"{path}: odd"] if text == "odd" else []


def raises(path):
    raise ValueError("planted")


def says_two_lines(path):
    return [f"{path}: one\ntwo"]


def does_not_say_which(path):
    raise UserError("something is wrong")


def dies(path):
    os.kill(os.getpid(), signal.SIGSEGV)


def exits(path):
    os._exit(0)


def hangs(path):
    time.sleep(600)


def leaves_it_open(path):
    KEPT.append(path.open())
    return []


def leaves_a_file(path):
    path.with_suffix(".part").touch()
    return []


def leaves_a_temporary_file(path):
    os.close(tempfile.mkstemp()[0])
    return []


def leaves_a_process(path):
    KEPT.append(subprocess.Popen(["sleep", "30"]))
    return []

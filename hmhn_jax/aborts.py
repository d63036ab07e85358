"""What JAX's abort() ends in, by which it answers lost processes outside of computations.

A handler of Python's own would be called after abort(), which is never.
"""

import ctypes
import os
import signal
import sys
import time

from hmhn_jax.errors import UserError

SECONDS_TO_MEET = 300
SECONDS_TO_SPEAK = 2  # in which a process that fails says so itself
NOT_MET = (
    f"the processes of this run did not meet within {SECONDS_TO_MEET} s; start all of them, with "
    "one --coordinator that all can reach"
)
LOST = (
    "another process of this run ended or cannot be reached; start all of them again, and training "
    "goes on from its last checkpoint"
)


def end_without_others() -> None:
    """From now on abort() means that the processes did not meet."""
    _on_abort(_end_without_others)


def end_after_loss() -> None:
    """From now on abort() means that another process was lost."""
    _on_abort(_end_after_loss)


def _on_abort(handler):
    if sys.platform != "win32":
        ctypes.CDLL(None).signal(signal.SIGABRT, handler)


@ctypes.CFUNCTYPE(None, ctypes.c_int)
def _end_without_others(number):
    os.write(2, f"error: {NOT_MET} (JAX's message is above)\n".encode())
    os._exit(UserError.exit_code)


@ctypes.CFUNCTYPE(None, ctypes.c_int)
def _end_after_loss(number):
    time.sleep(SECONDS_TO_SPEAK)  # within a computation this process's own thread says it
    os.write(2, f"error: {LOST} (JAX's message is above)\n".encode())
    os._exit(UserError.exit_code)

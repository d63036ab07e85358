"""Signals that end the program: Ctrl-C, and SIGTERM, which clusters send before they kill.

Training saves at the end of its step. Everything else ends where it is: files are whole or not
there, and the same command makes them again.
"""

import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

# 75: sysexits.h's "try again later"
EXIT_CODES: dict[int, int] = {signal.SIGINT: 130, signal.SIGTERM: 75}
LINE = (
    "interrupted; run the same command again (training goes on where it was, a prediction starts "
    "again)"
)


class Interrupted(KeyboardInterrupt):
    """A signal asked the program to end, with `exit_code`."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.exit_code = EXIT_CODES[number]


def end_on_sigterm() -> None:
    """Makes SIGTERM end the program and its children by an exception, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> None:
    for process in multiprocessing.active_children():
        process.terminate()
    raise Interrupted(number)


@contextlib.contextmanager
def deferred() -> Iterator[Callable[[int], bool]]:
    """Yields asked(step), True after a signal to end; on leaving, `Interrupted` is raised.

    A second Ctrl-C does not wait. Only a program's main thread gets signals; in others nothing is
    deferred. Several processes agree on a step: a SIGTERM to one of them ends all, Ctrl-C is not
    deferred.
    """
    from hmhn_jax.runtime import processes  # JAX, which takes its time, is not for every program

    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if came and number == signal.SIGINT:
            raise Interrupted(number)
        came.append(number)

    def asked(step: int) -> bool:
        if processes.asked_to_end(step):
            came.append(signal.SIGTERM)
        return bool(came)

    before = {}
    if threading.current_thread() is threading.main_thread() and processes.count() == 1:
        # Programs in the background ignore Ctrl-C, and go on doing so.
        before = {
            number: signal.signal(number, note)
            for number in EXIT_CODES
            if signal.getsignal(number) is not signal.SIG_IGN
        }
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise Interrupted(came[0])

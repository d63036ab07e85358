"""What a failed save says once more, beside the error that is raised."""

import logging
import sys
import warnings

CLOSED = "Event loop is closed"


def silence() -> None:
    """Keeps back, for the rest of the program, what follows on an error in Orbax's event loop.

    Orbax writes many arrays at once and raises the first error, as of a full disk. The loop is
    closed then, and what was under way has nobody to tell: asyncio logs each error that nobody
    asked for, Python warns of each coroutine that never began, and each write that TensorStore ends
    finds the loop closed.
    """
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    before = sys.unraisablehook

    def say(unraisable):
        if not (unraisable.exc_type is RuntimeError and str(unraisable.exc_value) == CLOSED):
            before(unraisable)

    sys.unraisablehook = say

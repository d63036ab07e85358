"""What a failed save or restore says once more, beside the error that is raised."""

import logging
import sys
import types
import warnings
from pathlib import Path

CLOSED = "Event loop is closed"


def silence() -> None:
    """Keeps back, for the rest of the program, what follows on an error in Orbax's event loop.

    Orbax writes and reads many arrays at once and raises the first error, as of a full disk. The
    loop is closed then, and what was under way has nobody to tell: asyncio logs each error that
    nobody asked for, Python warns of each coroutine that never began and says what ends the others,
    and each write that TensorStore ends finds the loop closed.
    """
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    before = sys.unraisablehook

    def say(unraisable):
        finds_closed = unraisable.exc_type is RuntimeError and str(unraisable.exc_value) == CLOSED
        if not (finds_closed or _is_orbax(unraisable.object)):
            before(unraisable)

    sys.unraisablehook = say


def _is_orbax(ended):
    if not isinstance(ended, types.CoroutineType):
        return False
    return "orbax" in Path(ended.cr_code.co_filename).parts

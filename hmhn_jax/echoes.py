"""What a failed save or restore says once more, beside the error that is raised."""

import logging
import sys
import types
import warnings
from pathlib import Path

CLOSED = "Event loop is closed"


def silence_closed_loop() -> None:
    """Keeps back what finds Orbax's event loop closed, for the rest of the program.

    Orbax writes and reads many arrays at once and raises the first error, as of a full disk. The
    loop is closed then, and each write that TensorStore ends later, in a thread, has nobody to
    tell; nor have Orbax's coroutines when they are ended.
    """
    before = sys.unraisablehook
    if before.__module__ == __name__:
        return

    def say(unraisable):
        finds_closed = unraisable.exc_type is RuntimeError and str(unraisable.exc_value) == CLOSED
        if not (finds_closed or _is_orbax(unraisable.object)):
            before(unraisable)

    sys.unraisablehook = say


def silence_failed() -> None:
    """Keeps back what else is said when Orbax fails, for the rest of the program.

    asyncio logs each further error that nobody asked for, and Python warns of each coroutine that
    never began, some before the error is raised. Neither says whose it was, so this is for programs
    that run no asyncio of their own, or end now.
    """
    logger = logging.getLogger("asyncio")
    if _was_retrieved not in logger.filters:
        logger.addFilter(_was_retrieved)
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)


def _was_retrieved(record):
    return "was never retrieved" not in record.getMessage()


def _is_orbax(ended):
    if not isinstance(ended, types.CoroutineType):
        return False
    return "orbax" in Path(ended.cr_code.co_filename).parts

"""Memory of this process."""

import contextlib
import ctypes
import gc
from collections.abc import Iterator


def give_back() -> None:
    """Gives the system back what was freed but is still held.

    Compiling a network takes hundreds of MB, which the C library would keep beside what the
    network then needs. Only glibc can be asked; elsewhere nothing happens.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def no_collection() -> Iterator[None]:
    """Within it, Python does not look for unused cycles of objects.

    Tracing a network makes millions of objects that are used, and looking through all of them
    again and again takes a sixth of its time.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()

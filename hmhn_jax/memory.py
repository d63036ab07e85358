"""Memory of this process."""

import contextlib
import ctypes


def give_back() -> None:
    """Gives the system back what was freed but is still held.

    Compiling a network takes hundreds of MB, which the C library would keep beside what the
    network then needs. Only glibc can be asked; elsewhere nothing happens.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)

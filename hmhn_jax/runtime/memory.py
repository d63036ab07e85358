"""Memory of this process."""

import contextlib
import ctypes


def give_back() -> None:
    """Gives the system back what was freed but is still held.

    Compiling a network takes hundreds of MB, which the C library would keep in addition to what the
    network then needs. Only glibc can be asked; elsewhere nothing happens.
    """
    # Measured: the demo's training step compiled, 971 MiB resident before and 544 MiB after it.
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)

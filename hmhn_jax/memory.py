"""Memory of this process, where glibc manages it; elsewhere nothing happens here."""

import contextlib
import ctypes
import os

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # of mallopt(3)
_NEVER = -1


def keep_freed() -> None:
    """Lets the process keep large blocks that it frees, to use them again.

    Every step of training takes hundreds of MB and frees them. By default each such block comes
    from the system anew, which hands out page by page as they are touched, and fills them with
    zeros first: a tenth of a step's time. To be called before there are threads. Left alone where a
    MALLOC_ variable of the environment says otherwise.
    """
    if any(name.startswith("MALLOC_") for name in os.environ):
        return
    _set(M_ARENA_MAX, 1)  # others than the first cannot hold large blocks
    _set(M_MMAP_MAX, 0)
    _set(M_TRIM_THRESHOLD, _NEVER)


def give_back() -> None:
    """Gives the system back what was freed but is still held.

    Compiling a network takes hundreds of MB, which would stay beside what the network then needs.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _set(option: int, value: int) -> None:
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(option, value)

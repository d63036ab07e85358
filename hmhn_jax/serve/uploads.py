"""Streaming of a request's body to a file, never whole in memory."""

import asyncio
import contextlib
from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from hmhn_jax.serve.limits import Limits


class RefusedError(Exception):
    """A refused upload: HTTP status and one line."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status
        self.reason = reason


def too_large(max_bytes: int) -> RefusedError:
    """Returns the refusal of a file of more bytes."""
    return RefusedError(413, f"the file is too large: expected at most {max_bytes / 1e6:g} MB")


async def receive(request: Request, path: Path, max_bytes: int, stall_s: float) -> None:
    """Writes a request's body to `path`.

    Args:
      request: whose body.
      path: of a file that is not there yet.
      max_bytes: that it may have.
      stall_s: gives up when nothing comes for so many seconds.

    Raises:
      RefusedError: it is empty, too large or too slow, or there is no room for it.
      ClientDisconnect: the sender has gone.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and length.isascii() and float(length) > max_bytes:
        raise too_large(max_bytes)
    received = 0
    try:
        with path.open("xb") as file:
            async for chunk in _chunks(request, stall_s):
                received += len(chunk)
                if received > max_bytes:
                    raise too_large(max_bytes)
                file.write(chunk)
    except TimeoutError:
        raise RefusedError(408, f"nothing came for {stall_s:g} s") from None
    except OSError as error:
        raise RefusedError(507, f"cannot keep the file: {error.strerror}") from error
    if not received:
        raise RefusedError(400, "the file is empty (0 bytes)")


async def drain(request: Request, limits: Limits) -> None:
    """Reads and discards the rest, as a browser reads the answer only after sending its request.

    No more than an upload may have is read; a client that sends more is cut off.
    """
    received = 0
    with contextlib.suppress(TimeoutError, ClientDisconnect, RuntimeError):
        async for chunk in _chunks(request, limits.stall_s):
            received += len(chunk)
            if received > limits.max_bytes:
                return


async def _chunks(request, stall_s):
    stream = request.stream()
    while True:
        async with asyncio.timeout(stall_s):
            chunk = await anext(stream, b"")
        if not chunk:
            return
        yield chunk

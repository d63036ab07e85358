"""Progress of long work: a bar on a terminal, plain lines otherwise."""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

Item = TypeVar("Item")

SECONDS_BETWEEN_LINES = 10.0


def track(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Yields `items` unchanged and shows on stderr how many have been worked through.

    They are consumed lazily; `total` is their number where they have no length. `description` is
    what is being done, such as "rendering videos".
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    return (
        _bar(items, description, total)
        if sys.stderr.isatty()
        else _lines(items, description, total)
    )


def _bar(items, description, total):
    from rich.console import Console
    from rich.progress import Progress

    # Left to itself, it would send what is printed meanwhile to the terminal, not to stdout's file.
    redirect = sys.stdout.isatty()
    console = Console(stderr=True)
    with Progress(console=console, transient=True, redirect_stdout=redirect) as progress:
        yield from progress.track(items, total=total, description=description)


def _lines(items, description, total):
    last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES or done == total:
            print(f"{description}: {done}/{total}", file=sys.stderr, flush=True)
            last = time.monotonic()

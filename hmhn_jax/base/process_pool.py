"""Work spread over processes, with its results in order."""

import collections
import concurrent.futures
import contextlib
import itertools
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from hmhn_jax.base.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")

ITEMS_AHEAD_PER_PROCESS = 4  # keeps everyone busy while one long item is waited for


def num_usable_cores() -> int:
    """The cores this process may run on, which may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_order(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    num_processes: int | None = None,
    initializer: Callable[[], None] | None = None,
) -> Generator[Result]:
    """Yields `function(item)` for each item, in the items' order, computed by several processes.

    Items are taken only a few ahead of the results, so memory does not grow with their number.

    Args:
      function: importable by name from a module other than the program's own.
      items: what to work on; each must be picklable.
      num_processes: how many; all usable cores when None. With 1, no process is started.
      initializer: called once in each process before its first item.

    Raises:
      UserError: a process died, such as for lack of memory; or whatever `function` raises.
    """
    num_processes = num_processes or num_usable_cores()
    if num_processes == 1:
        yield from map(function, items)
        return
    items = iter(items)
    pending: collections.deque[concurrent.futures.Future[Result]] = collections.deque()
    with _executor(num_processes, initializer) as executor:
        while True:
            room = num_processes * ITEMS_AHEAD_PER_PROCESS - len(pending)
            for item in itertools.islice(items, room):
                with _hidden_main_module():
                    pending.append(executor.submit(function, item))
            if not pending:
                return
            yield pending.popleft().result()


def in_fresh_process(function: Callable[[Item], Result], item: Item) -> Result:
    """`function(item)` computed in a process of its own, whose end it does not outlive.

    Memory, device and settings it took are given back; what ends it does not end the caller. Raises
    what `function` raises, and UserError when the process died, such as for lack of memory.
    """
    with _executor(1) as executor:
        return executor.submit(function, item).result()


@contextlib.contextmanager
def _executor(num_processes, initializer=None):
    """Yields a pool of processes; that one of them died becomes a UserError."""
    # Not joblib's loky: cropping 80 videos by 2 processes took 12.7 and 16.0 s with it, 9.5 and
    # 12.6 s with these, and its workers outlive a program that is killed by half a minute and more.
    # Started afresh ("spawn"), not forked: a fork of a process with threads can hang, and JAX
    # and TensorFlow have threads.
    executor = concurrent.futures.ProcessPoolExecutor(
        num_processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_process,
        initargs=(initializer,),
    )
    try:
        yield executor
    except BrokenProcessPool:
        what = "a worker process was" if num_processes > 1 else "its process was"
        advice = "; fewer processes need less" if num_processes > 1 else ""
        raise UserError(
            f"{what} ended from outside, most likely for lack of memory{advice}"
        ) from None
    finally:
        executor.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _hidden_main_module() -> Iterator[None]:
    """Keeps new processes from importing the program that starts them.

    A spawned process would first run the imports of the main program, `tfds` or `run.py`: seconds
    and hundreds of megabytes for TensorFlow and JAX, which no work here needs.
    """
    main = sys.modules["__main__"]
    names = [name for name in ("__file__", "__spec__") if name in vars(main)]
    hidden: dict[str, Any] = {name: vars(main).pop(name) for name in names}
    main.__spec__ = None
    try:
        yield
    finally:
        vars(main).update(hidden)


def _start_process(initializer: Callable[[], None] | None) -> None:
    # Ctrl-C reaches all processes at once; here it ends the work without a traceback of its own.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as it is in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if initializer is not None:
        initializer()


def _end_with_parent() -> None:
    """Ends this process when its parent is killed; it would wait for work forever."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)

"""Process that tries readers on files and may crash, hang or leak; `benchmarks.fuzz` starts it.

Every line of its standard input is a JSON object: "reader", as "module:function", and "path". It
answers each with one: "outcome" is "accepted", "refused", "exception" or "leak", "detail" says
more. What a reader leaves behind (open files, processes, memory, files next to the input or in the
temporary folder) is a leak.
"""

import functools
import gc
import importlib
import json
import os
import resource
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from benchmarks.fuzz.readers import fault
from hmhn_jax.base.errors import UserError

MOST_MEMORY_MIB = 6000  # of the whole process, libraries included
ADDRESS_SPACE = 48 * 2**30  # bytes; more is asked for and not used


def answer(reader: str, path: Path) -> dict[str, str]:
    """Tries one reader on one file."""
    before = _held(path)
    outcome, detail = _tried(_function(reader), path)
    after = _held(path)
    if after != before:
        gc.collect()  # an exception's cycles are not the reader's
        after = _held(path)
    for what, now in after.items():
        if outcome != "exception" and now != before[what]:
            outcome, detail = "leak", f"{what}: {before[what]} before, {now} after"
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if peak_mib > MOST_MEMORY_MIB:
        outcome, detail = "leak", f"the process took {peak_mib:.0f} MiB"
    return {"outcome": outcome, "detail": detail}


@functools.cache
def _function(reader: str) -> Callable[[Path], list[str]]:
    module, _, name = reader.partition(":")
    return getattr(importlib.import_module(module), name)


def _tried(function, path):
    try:
        lines = function(path)
    except UserError as error:
        lines = [str(error)]
    except Exception:
        return "exception", traceback.format_exc()
    if reason := fault(lines, path):
        return "exception", reason
    return ("refused" if lines else "accepted"), "; ".join(lines[:1])


def _held(path):
    """Returns the resources that a reader must release."""
    return {
        "open files": len(os.listdir("/dev/fd")),
        "processes": _num_children(),
        "files next to the input": len(os.listdir(path.parent)),
        "temporary files": len(os.listdir(tempfile.gettempdir())),
    }


def _num_children():
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        return 0
    return sum(len((task / "children").read_text().split()) for task in tasks.iterdir())


def _serve(orders, answers):
    for line in orders:
        order = json.loads(line)
        print(json.dumps(answer(order["reader"], Path(order["path"]))), file=answers, flush=True)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Answers have the standard output for themselves; what libraries print goes to the errors.
    with os.fdopen(os.dup(1), "w") as stdout:
        os.dup2(2, 1)
        _serve(sys.stdin, stdout)

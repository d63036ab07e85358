"""Process of one contestant, so that time and memory are its own.

`benchmarks.contest.process` starts it with one argument, a JSON object: "cores" it may use,
"module" and "function" that make the program, "arguments" of the function, and "output", a file
for what the program returns first. It answers with a line of JSON once it is warm, and again after
every line with a number on its standard input: so often the program has run by then.
"""

import importlib
import json
import os
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any, TextIO

STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def serve(request: dict, orders: TextIO, answers: TextIO) -> None:
    """Makes the program, warms it up, and runs it as often as it is told.

    A function that returns None has done its work by then, and there is nothing to run.
    """

    def answer(**values: Any) -> None:
        print(json.dumps(values), file=answers, flush=True)

    os.sched_setaffinity(0, request["cores"])  # before any library counts them
    try:
        start = time.perf_counter()
        function = getattr(importlib.import_module(request["module"]), request["function"])
        program = function(**request["arguments"])
        ready = time.perf_counter()
        if program is None:
            return answer()
        output = program()
        first_s = time.perf_counter() - ready
    except ImportError as error:
        return answer(absent=f"not installed ({error})")
    except Exception as error:  # one that fails is left out, and the others go on
        reason = " ".join(str(error).split())[:200]
        return answer(absent=f"failed ({type(error).__name__}: {reason})")
    if request["output"]:
        import numpy as np

        np.save(request["output"], np.asarray(output))
    answer(setup_s=ready - start, first_s=first_s, peak_mib=peak_mib())
    program()  # what is done once more, lazily, is not measured either
    CLEAR_REFS.write_text("5")  # from now on the peak is that of running alone
    for line in orders:
        repeats = int(line)
        start, cpu_start = time.perf_counter(), _cpu_seconds()
        for _ in range(repeats):
            program()
        answer(
            seconds=(time.perf_counter() - start) / repeats,
            cpu_seconds=(_cpu_seconds() - cpu_start) / repeats,
            running_mib=peak_mib(),
        )


def peak_mib() -> float:
    """Returns the peak memory of this process (VmHWM), in MiB."""
    return int(re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text()).group(1)) / 1024


def _cpu_seconds() -> float:
    """Returns the CPU seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    # Answers have the standard output for themselves; what libraries print goes to the errors.
    with os.fdopen(os.dup(1), "w") as stdout:
        os.dup2(2, 1)
        serve(json.loads(sys.argv[1]), sys.stdin, stdout)

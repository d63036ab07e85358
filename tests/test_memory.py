"""Large blocks of memory are used again, and given back when asked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Fills and frees 64 MiB some times; prints the page faults of the later times as parts of the
# block's pages, and how many MiB are held then, and after giving back.
PROGRAM = """
import ctypes, re, resource, sys
from pathlib import Path
from hmhn_jax import memory

def held():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmRSS:\\s*(\\d+)", status)[1]) / 1024

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
size, page = 64 << 20, resource.getpagesize()
if sys.argv[1] == "keep":
    memory.keep_freed()
before = held()
for turn in range(6):
    if turn == 1:
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = libc.malloc(size)
    ctypes.memset(block, 1, size)
    libc.free(block)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
kept = held() - before
memory.give_back()
print(faults / 5 * page / size, kept, held() - before)
"""


def measure(how, **variables):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    environment |= {"PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-c", PROGRAM, how]
    printed = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    return map(float, printed.split())


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="counts as Linux does")
def test_a_block_that_is_kept_needs_no_new_pages():
    faults, kept, left = measure("keep")
    assert faults < 0.1
    assert kept > 60
    assert left < 10


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="counts as Linux does")
def test_the_users_own_settings_stay():
    usual, _, _ = measure("as usual")
    assert usual > 0.5  # otherwise the test above shows nothing
    own, _, _ = measure("keep", MALLOC_MMAP_THRESHOLD_="100000")
    assert own > 0.5

"""What is kept back of a failed save or restore, and what is not."""

import subprocess
import sys

from hmhn_jax import echoes

FAILED = '''\
import asyncio, gc

loop = asyncio.new_event_loop()
loop.create_future().set_exception(OSError("nobody asks"))

async def nothing():
    pass

nothing()

READ = """
async def read_{}():
    try:
        await asyncio.sleep(9)
    except BaseException:
        raise Exception("cannot read an array")
"""
for name, file in (("theirs", "site-packages/orbax/checkpoint/read.py"), ("ours", "read.py")):
    exec(compile(READ.format(name), file, "exec"))
began = [read_theirs(), read_ours()]
asyncio._set_running_loop(loop)
for each in began:
    each.send(None)
asyncio._set_running_loop(None)
del each, began

class Late:
    def __init__(self, act):
        self.act = act

    def __del__(self):
        self.act()

loop.close()
Late(lambda: loop.call_soon_threadsafe(print))
Late(lambda: loop.no_such_thing)
gc.collect()
'''


def said(before):
    command = [sys.executable, "-c", f"{before}\n{FAILED}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


ECHOES = ("never retrieved", "never awaited", "Event loop is closed", "object read_theirs")
OTHERS = ("no_such_thing", "object read_ours")


def test_what_finds_orbaxs_loop_closed_is_kept_back():
    loud = said("")
    quiet = said("from hmhn_jax import echoes; echoes.silence_closed_loop()")
    assert all(each in loud for each in ECHOES + OTHERS)
    assert [each for each in ECHOES + OTHERS if each not in quiet] == list(ECHOES[2:])


def test_where_it_is_asked_for_the_rest_is_kept_back_too():
    both = "echoes.silence_closed_loop(); echoes.silence_failed()"
    quiet = said(f"from hmhn_jax import echoes; {both}")
    assert [each for each in ECHOES + OTHERS if each in quiet] == list(OTHERS)


def test_is_done_once():
    hook = sys.unraisablehook
    try:
        echoes.silence_closed_loop()
        first = sys.unraisablehook
        echoes.silence_closed_loop()
        assert sys.unraisablehook is first
    finally:
        sys.unraisablehook = hook

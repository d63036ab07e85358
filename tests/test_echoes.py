"""What is kept back of a failed save or restore, and what is not."""

import subprocess
import sys

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


def test_only_the_echoes_of_orbax_are_kept_back():
    echoes = ("never retrieved", "never awaited", "Event loop is closed", "object read_theirs")
    loud, quiet = said(""), said("from hmhn_jax import echoes; echoes.silence()")
    assert [echo for echo in echoes if echo not in loud] == []
    assert [echo for echo in echoes if echo in quiet] == []
    assert "no_such_thing" in quiet
    assert "object read_ours" in quiet

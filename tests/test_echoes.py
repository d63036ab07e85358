"""What is kept back of a failed save, and what is not."""

import subprocess
import sys

FAILED_SAVE = """\
import asyncio, gc
from hmhn_jax import echoes
{call}
loop = asyncio.new_event_loop()

async def nothing():
    pass

class Late:
    def __init__(self, act):
        self.act = act
    def __del__(self):
        self.act()

loop.create_future().set_exception(OSError("nobody asks"))
nothing()
loop.close()
Late(lambda: loop.call_soon_threadsafe(print))
Late(lambda: loop.no_such_thing)
gc.collect()
"""


def said(call):
    command = [sys.executable, "-c", FAILED_SAVE.format(call=call)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def test_only_the_echoes_of_a_failed_save_are_kept_back():
    echoes = ("never retrieved", "never awaited", "Event loop is closed")
    loud, quiet = said(""), said("echoes.silence()")
    assert [echo for echo in echoes if echo not in loud] == []
    assert [echo for echo in echoes if echo in quiet] == []
    assert "no_such_thing" in quiet

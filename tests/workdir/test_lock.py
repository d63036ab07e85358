"""Tests of the lock: one training per workdir."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from hmhn_jax.base.errors import UserError
from hmhn_jax.workdir import lock

HOLDER = """
import sys, time
from pathlib import Path
from hmhn_jax.workdir import lock
with lock.held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_run_is_refused_and_told_the_holder(tmp_path):
    with (
        lock.held(tmp_path),
        pytest.raises(UserError) as raised,
        lock.held(tmp_path),
    ):
        pass
    first = f"process {os.getpid()} on {platform.node()}"
    assert str(raised.value).startswith(f"{tmp_path} is in use by another run ({first})")
    assert "\n" not in str(raised.value)


def test_the_lock_is_released_at_the_end(tmp_path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), lock.held(tmp_path):
            raise ZeroDivisionError


def test_the_lock_of_a_killed_program_is_released(tmp_path, environment):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], env=environment, stdout=subprocess.PIPE
    )
    holder.stdout.readline()
    message = f"another run .process {holder.pid} on"
    with pytest.raises(UserError, match=message), lock.held(tmp_path):
        pass
    holder.kill()
    holder.communicate()
    assert f"process {holder.pid} " in (tmp_path / "lock").read_text()
    with lock.held(tmp_path):
        assert f"process {os.getpid()} " in (tmp_path / "lock").read_text()


def test_file_systems_without_locks_are_used_unlocked(tmp_path, monkeypatch):
    def no_locks(file, operation):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", no_locks)
    with lock.held(tmp_path):
        pass


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with (
        pytest.raises(UserError, match=r"cannot write .*lock: No such file"),
        lock.held(Path(tmp_path) / "none"),
    ):
        pass

"""Tests of signals that ask the program to end."""

import multiprocessing
import os
import signal
import threading
import time

import pytest

from hmhn_jax.runtime import processes, signals
from hmhn_jax.runtime.signals import Interrupted


@pytest.fixture(autouse=True)
def handlers():
    """Sets the signal handlers of a program in the foreground; restores the tests' own."""
    before = {number: signal.getsignal(number) for number in signals.EXIT_CODES}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_sigterm_ends_the_program_and_what_it_started():
    signals.end_on_sigterm()
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    child = context.Process(target=sleep_like_a_worker, args=[ready])
    child.start()
    assert ready.wait(30)
    with pytest.raises(Interrupted) as raised:
        signal.raise_signal(signal.SIGTERM)
    assert raised.value.exit_code == 75
    child.join(30)
    assert child.exitcode == -signal.SIGTERM


def code_of_interrupted(block):
    """Returns the exit code of the `Interrupted` that a block raises."""
    with pytest.raises(Interrupted) as raised:
        block()
    return raised.value.exit_code


def sleep_like_a_worker(ready):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ready.set()
    time.sleep(600)


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_signal_waits_for_the_end_of_the_block(number, exit_code):
    before = signal.getsignal(number)
    reached = []

    def block():
        with signals.deferred() as asked:
            assert not asked(1)
            signal.raise_signal(number)
            assert asked(2)
            assert signal.getsignal(number) != before
            reached.append("end")

    assert code_of_interrupted(block) == exit_code
    assert reached == ["end"]
    assert signal.getsignal(number) == before


def test_without_a_signal_nothing_is_raised():
    before = signal.getsignal(signal.SIGTERM)
    with signals.deferred() as asked:
        assert not asked(1)
    assert signal.getsignal(signal.SIGTERM) == before


def test_an_error_in_the_block_is_not_hidden():
    before = signal.getsignal(signal.SIGTERM)

    def block():
        with signals.deferred():
            signal.raise_signal(signal.SIGTERM)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        block()
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_ctrl_c_does_not_wait(first):
    reached = []

    def block():
        with signals.deferred():
            signal.raise_signal(first)
            reached.append("first")
            signal.raise_signal(signal.SIGINT)
            reached.append("second")

    code = code_of_interrupted(block)
    assert reached == ["first"]
    assert code == 130


def test_ctrl_c_stays_ignored_in_the_background():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with signals.deferred() as asked:
        os.kill(os.getpid(), signal.SIGINT)
        assert not asked(1)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_other_threads_get_no_signals():
    seen = []

    def in_a_thread():
        with signals.deferred() as asked:
            seen.append((asked(1), signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
    assert seen == [(False, signal.SIG_DFL)]


def test_several_processes_end_after_the_step_they_agreed_on(monkeypatch):
    monkeypatch.setattr(processes, "count", lambda: 2)
    monkeypatch.setattr(processes, "asked_to_end", lambda step: step == 3)
    before = signal.getsignal(signal.SIGTERM)

    def block():
        with signals.deferred() as asked:
            assert signal.getsignal(signal.SIGTERM) == before  # JAX's, which tells the others
            assert [asked(step) for step in (1, 2, 3)] == [False, False, True]

    assert code_of_interrupted(block) == 75

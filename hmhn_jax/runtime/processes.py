"""Processes of a run, on one host or several; the only module that uses `jax.distributed`.

All of them do the same, each on its own devices and with its own rows of every batch. The first one
speaks and writes.
"""

import contextlib
import itertools
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from typing import NoReturn

import jax
import numpy as np
import orbax.checkpoint as ocp
from jax.experimental import multihost_utils

from hmhn_jax.base.errors import SoftwareFault, UsageError, UserError, reason_of
from hmhn_jax.runtime import signals

SECONDS_TO_MEET = 300
SECONDS_OF_SILENCE = 30  # after which a process counts as lost
SECONDS_TO_SPEAK = 2  # in which the others can say why they end
NOT_MET = (
    f"the processes of this run did not meet within {SECONDS_TO_MEET} s; start all of them, with "
    "one --coordinator that all can reach"
)
LOST = (
    "another process of this run ended or cannot be reached; start all of them again, and training "
    "goes on from its last checkpoint"
)
LONGEST_WAIT_S = 7 * 24 * 3600  # as for data that the first process prepares
_meetings = itertools.count()  # the name of a meeting must not come twice


def join(coordinator: str | None, num_processes: int | None, process_id: int | None) -> None:
    """Makes this process one of several; to be called before JAX has looked for devices.

    The first of `num_processes` listens at the coordinator, HOST:PORT; this one is `process_id`,
    from 0. What is None comes from the cluster's environment, as SLURM and Open MPI set it. JAX
    then gives the process one GPU, that of its number on the host. Where nothing is None, no
    environment is looked at and all GPUs are the process's.

    Raises UsageError where the environment does not say it either, or what is said cannot be;
    UserError when the processes do not meet.
    """
    if coordinator is not None and not _has_port(coordinator):
        raise UsageError(f"--coordinator: expected HOST:PORT, got {coordinator!r}")
    all_given = None not in (coordinator, num_processes, process_id)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing is lost yet
    # SIGTERM to any of them: all stop after the same step.
    jax.config.update("jax_enable_preemption_service", True)
    try:
        jax.distributed.initialize(
            coordinator,
            num_processes,
            process_id,
            initialization_timeout=SECONDS_TO_MEET,
            heartbeat_timeout_seconds=SECONDS_OF_SILENCE,
            cluster_detection_method="deactivate" if all_given else None,
        )
    except ValueError as error:
        raise UsageError(
            f"several processes: {str(error).rstrip('.')}; expected a cluster's environment or "
            "--coordinator, --num_processes and --process_id"
        ) from error
    except RuntimeError as error:
        raise UserError(f"{NOT_MET}: {reason_of(error)}") from error


def _has_port(address):
    host, _, port = address.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) < 2**16


def count() -> int:
    return jax.process_count()


def is_first() -> bool:
    """Returns whether this process is the one that prints and writes."""
    return jax.process_index() == 0


@contextlib.contextmanager
def first_alone(what: str) -> Iterator[None]:
    """Runs the block in the first process, then in the others, however long it takes.

    Raises UserError in the others when the first one failed to do `what`, as "open the dataset".
    """
    if not is_first() and not _first_is_done(True):
        raise UserError(f"the first process could not {what}; see its message")
    done = False
    try:
        yield
        done = True
    finally:
        if count() > 1 and is_first():
            _first_is_done(done)


def wait_for_all() -> None:
    """Waits until all processes are here, for days if need be.

    A collective would not do: Gloo's first one waits 30 s for the others.
    """
    wait = ocp.multihost.get_barrier_sync_fn()
    wait(key=f"{__name__} {next(_meetings)}", timeout_ms=LONGEST_WAIT_S * 1000)


def _first_is_done(done):
    wait_for_all()
    return bool(gather(np.array(done)).all())


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Prints what the block prints once, by the first process; an error ends all of them.

    Of several processes, one that fails says why, unless the first one says the same, and ends at
    once: the others might not answer any more, and wait for it. One process alone is left as it is.
    """
    if not jax.distributed.is_initialized():
        yield
        return
    try:
        with contextlib.ExitStack() as stack:
            if not is_first():
                nowhere = stack.enter_context(open(os.devnull, "w"))
                stack.enter_context(contextlib.redirect_stdout(nowhere))
                stack.enter_context(contextlib.redirect_stderr(nowhere))
            yield
    except (UserError, SoftwareFault) as error:
        # All have the same flags.
        is_said = isinstance(error, UsageError) and not is_first()
        _leave("" if is_said else f"error: {error}\n", error.exit_code)
    except jax.errors.JaxRuntimeError as error:
        _leave(f"error: {LOST} ({reason_of(error)})\n", UserError.exit_code)
    except signals.Interrupted:
        raise  # all know, and have saved
    except KeyboardInterrupt:
        _leave(f"{signals.LINE}\n", signals.EXIT_CODES[signal.SIGINT])
    except Exception:
        _leave(traceback.format_exc(), SoftwareFault.exit_code)


def _leave(text: str, exit_code: int) -> NoReturn:
    """Ends this process at once; the first one last, as without it the others cannot say why."""
    sys.stdout.flush()
    print(text, end="", file=sys.stderr, flush=True)
    if is_first():
        time.sleep(SECONDS_TO_SPEAK)
    os._exit(exit_code)


def own_rows(batch_size: int) -> slice:
    """Returns this process's rows of a batch, a multiple of the processes."""
    size = batch_size // count()
    return slice(jax.process_index() * size, (jax.process_index() + 1) * size)


def gather(array: np.ndarray) -> np.ndarray:
    """Gathers the arrays [...] of all processes, of one shape: [processes, ...]."""
    return array[None] if count() == 1 else multihost_utils.process_allgather(array)


def asked_to_end(step: int) -> bool:
    """Returns whether a process got SIGTERM, and all have agreed to end after this step."""
    return count() > 1 and multihost_utils.reached_preemption_sync_point(step)

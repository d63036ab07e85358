"""A run's processes, on one host or several; the only module that knows `jax.distributed`.

All of them do the same, each on its own devices and with its own rows of every batch. The first one
speaks and writes.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

import jax
import numpy as np
from jax.experimental import multihost_utils

from hmhn_jax.errors import UsageError, UserError

SECONDS_TO_MEET = 300
SECONDS_OF_SILENCE = 30  # after which a process counts as lost
LOST = (
    "another process of this run ended or cannot be reached; start all of them again, and training "
    "goes on from its last checkpoint"
)


def join(coordinator: str | None, num_processes: int | None, process_id: int | None) -> None:
    """Makes this process one of several; to be called before JAX has looked for devices.

    Args:
      coordinator: HOST:PORT where the first process listens.
      num_processes: how many there are.
      process_id: which one this is, from 0. What is None comes from the cluster's environment, as
        SLURM and Open MPI set it.

    Raises:
      UsageError: where the environment does not say it either.
      UserError: when the processes do not meet.
    """
    # SIGTERM to any of them: all stop after the same step.
    jax.config.update("jax_enable_preemption_service", True)
    try:
        jax.distributed.initialize(
            coordinator,
            num_processes,
            process_id,
            initialization_timeout=SECONDS_TO_MEET,
            heartbeat_timeout_seconds=SECONDS_OF_SILENCE,
        )
    except ValueError as error:
        raise UsageError(
            f"--distributed: {error}; expected a cluster's environment or --coordinator, "
            "--num_processes and --process_id"
        ) from error
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"the processes did not meet at {coordinator or 'the coordinator'} within "
            f"{SECONDS_TO_MEET} s: {reason}"
        ) from error


def count() -> int:
    return jax.process_count()


def is_first() -> bool:
    """Whether this process is the one that speaks and writes."""
    return jax.process_index() == 0


@contextlib.contextmanager
def first_alone(what: str) -> Iterator[None]:
    """The first process does what the block does, then the others."""
    if not is_first():
        multihost_utils.sync_global_devices(what)
    yield
    if count() > 1 and is_first():
        multihost_utils.sync_global_devices(what)


@contextlib.contextmanager
def together() -> Iterator[None]:
    """What the block prints is printed once, by the first process.

    Raises:
      UserError: when the others cannot be reached any more.
    """
    with contextlib.ExitStack() as stack:
        if not is_first():
            nowhere = stack.enter_context(open(os.devnull, "w"))
            stack.enter_context(contextlib.redirect_stdout(nowhere))
            stack.enter_context(contextlib.redirect_stderr(nowhere))
        try:
            yield
        except jax.errors.JaxRuntimeError as error:
            if count() == 1:
                raise
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"{LOST} ({reason})") from error


def leave(exit_code: int) -> None:
    """Ends this process at once where there are others, which might not answer any more."""
    if count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)


def own_rows(batch_size: int) -> slice:
    """This process's rows of a batch, a multiple of the processes."""
    size = batch_size // count()
    return slice(jax.process_index() * size, (jax.process_index() + 1) * size)


def gather(array: np.ndarray) -> np.ndarray:
    """The arrays [...] of all processes, of one shape: [processes, ...]."""
    return array[None] if count() == 1 else multihost_utils.process_allgather(array)


def asked_to_end(step: int) -> bool:
    """Whether a process got SIGTERM, and this is the step that all have agreed on to end after."""
    return count() > 1 and multihost_utils.reached_preemption_sync_point(step)

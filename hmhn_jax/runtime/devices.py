"""Work shared between devices; the only module that uses `pmap`."""

import contextlib
import ctypes
import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import PartitionSpec

from hmhn_jax.base.errors import UsageError, reason_of
from hmhn_jax.models.layers import average_over
from hmhn_jax.runtime import compiler_options, processes

AXIS = "batch"


def count() -> int:
    """Counts the devices that share the work, those of other processes included."""
    return jax.device_count()


def check_found() -> None:
    """Finds the devices; to be called once all processes of a run have joined.

    Raises UsageError when there are none of the kind that JAX_PLATFORMS asks for.
    """
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:
        asked = os.environ.get("JAX_PLATFORMS", "")
        reason = str(error) and reason_of(error)
        raise UsageError(
            f"JAX_PLATFORMS={asked}, but JAX finds no such device"
            + (f" ({reason})" if reason else "")
            + "; install jax[cuda12] or jax[cuda13] for a GPU, or unset the variable"
        ) from error


def check_batch_size(field: str, batch_size: int) -> None:
    """Raises UsageError when the devices cannot share a batch equally."""
    if batch_size % count():
        raise UsageError(
            f"config.{field} must be a multiple of the {count()} devices, got {batch_size}"
        )


def parallel_step(step: Callable, donate_state: bool = True) -> Callable:
    """Compiles `step(state, batch) -> (state, metrics)` to run on all devices.

    Each device gets the same state and its rows of the batch; each process hands in the rows of its
    own devices. What `step` returns must be the same on all of them, so `step` averages over
    `AXIS`. The old state's memory is reused.
    """
    mapped = jax.pmap(
        step,
        axis_name=AXIS,
        in_axes=(None, 0),
        out_axes=None,
        donate_argnums=(0,) if donate_state else (),
    )
    return _compiled(mapped, PartitionSpec())


def parallel_map(function: Callable) -> Callable:
    """Compiles `function(shared, batch) -> [rows, ...]` to run on all devices.

    What comes back has this process's devices as first axis: [devices, rows, ...]. All processes
    must call it equally often.
    """
    return _compiled(jax.pmap(function, axis_name=AXIS, in_axes=(None, 0)), PartitionSpec(AXIS))


def _compiled(mapped, results):
    """Compiles for each shape of batch, and frees the memory that compiling took.

    `mapped` is a `jax.pmap` of (shared, batch), `results` how what it returns lies on the devices.
    """
    programs = {}

    def run(shared, batch):
        shapes = tuple((leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(batch))
        if shapes not in programs:
            lowered = mapped.lower(shared, batch)
            programs[shapes] = lowered.compile(compiler_options=compiler_options.for_network())
            give_memory_back()
            processes.wait_for_all()  # in the first exchange, the others wait for 30 s only
        if processes.count() == 1:
            return programs[shapes](shared, batch)
        # A compiled program takes the arrays of all processes, not those of a single one.
        mesh = jax.sharding.Mesh(jax.devices(), (AXIS,))
        shared = multihost_utils.host_local_array_to_global_array(shared, mesh, PartitionSpec())
        batch = multihost_utils.host_local_array_to_global_array(batch, mesh, PartitionSpec(AXIS))
        returned = programs[shapes](shared, batch)
        return multihost_utils.global_array_to_host_local_array(returned, mesh, results)

    return run


def give_memory_back() -> None:
    """Gives the system back what compiling took, hundreds of MB that the C library would keep.

    Only glibc can be asked; elsewhere nothing happens.
    """
    # Measured: the demo's training step compiled, 971 MiB resident before and 544 MiB after it.
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def replicate(tree: Any) -> Any:
    """Copies the same arrays to every device of this process, laid out as a step returns them.

    A first state that lay on one device would have the step compiled once more for it.
    """
    return jax.device_put(tree, _sharding())


def split_batch(batch: Any) -> Any:
    """Splits every array [B, ...] of a tree -> this process's [devices, B/devices, ...]."""
    local = jax.local_device_count()
    return jax.tree.map(lambda array: np.reshape(array, (local, -1, *np.shape(array)[1:])), batch)


def put_batch(batch: Any) -> Any:
    """Puts `split_batch`'s rows on their devices, so that a step takes them without a further copy.

    Returns before the copies are made; the arrays of `batch` must not change any more.
    """
    return jax.device_put(split_batch(batch), _sharding(AXIS))


def are_done(tree: Any) -> bool:
    """Returns whether all arrays are computed, without waiting for them."""
    return all(array.is_ready() for array in jax.tree.leaves(tree))


def _sharding(*axes):
    mesh = jax.sharding.Mesh(jax.local_devices(), (AXIS,))
    return jax.sharding.NamedSharding(mesh, PartitionSpec(*axes))


def average(tree: Any) -> Any:
    """Averages over the devices, inside a step."""
    return average_over(AXIS, tree)


def row_indices(rows: int) -> jax.Array:
    """Returns the positions of this device's rows in the whole batch, i32[rows], inside a step."""
    return jax.lax.axis_index(AXIS) * rows + jax.numpy.arange(rows)

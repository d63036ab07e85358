"""Contestants of `benchmarks.gpu` that run this package on a GPU.

Imports nothing but what a machine for JAX has: jax, flax, optax, einops and numpy.
"""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
from plain_hmhn import PlainHMHN

from benchmarks.contest import dispatch
from benchmarks.contest.workload import Workload
from benchmarks.gpu.rows import Rows
from hmhn_jax.input_pipeline.augment import AugmentSettings, standardise
from hmhn_jax.models import HMHN
from hmhn_jax.models.deploy.fold import fold
from hmhn_jax.models.deploy.forward import forward
from hmhn_jax.runtime import devices
from hmhn_jax.training.step import init_state, make_optimizer, make_train_step

# Those of configs/avec2014.py, which a machine without ml_collections cannot read.
OPTIMIZER = SimpleNamespace(
    learning_rate=1e-3,
    schedule="constant",
    warmup_epochs=0.0,
    weight_decay=0.01,
    clip_norm=1.0,
    plateau_factor=0.1,
    plateau_patience=5,
)
LOSS = SimpleNamespace(partition_weight=1.0, partition_ddof=1, partition_epsilon=1e-6)
NO_AUGMENTATION = AugmentSettings(False, *[0.0] * 6)


def train_step(workloads: list, file: str, rounds: int, gpu: bool, dtype: str, fast: bool) -> None:
    """Times training steps, and appends a row for each workload."""
    rows = Rows(file, describe_device(gpu))
    for workload in workloads:
        work = Workload(**workload)
        rows.append(work.batch_size, _time_training(work, rounds, dtype, fast), peak_mib())


def _time_training(work, rounds, dtype, fast):
    model = (HMHN if fast else PlainHMHN)(
        **work.fields, dtype=jnp.dtype(dtype), axis_name=devices.AXIS
    )
    optimizer = make_optimizer(OPTIMIZER, steps_per_epoch=1000, num_steps=1000)
    step = devices.parallel_step(make_train_step(model, optimizer, NO_AUGMENTATION, LOSS, 0))
    state, metrics = devices.replicate(init_state(model, optimizer, work.image_size, 0)), None
    batch = devices.split_batch({"images": work.crops(), "scores": work.scores()})
    batch = jax.device_put(batch) if devices.count() == 1 else batch

    def one() -> None:
        nonlocal state, metrics
        state, metrics = step(state, batch)

    return dispatch.measure(one, lambda: jax.block_until_ready((state, metrics)), rounds)


def infer(workloads: list, file: str, rounds: int, gpu: bool, dtype: str) -> None:
    """Times scores with folded weights, and appends a row for each workload."""
    rows = Rows(file, describe_device(gpu))
    for workload in workloads:
        work = Workload(**workload)
        rows.append(work.batch_size, _time_scores(work, rounds, dtype), peak_mib())


def _time_scores(work, rounds, dtype):
    model = HMHN(**work.fields, dtype=jnp.dtype(dtype))
    images = jnp.zeros((1, work.image_size, work.image_size, 3))
    weights = fold(model, jax.jit(model.init)(jax.random.key(0), images), for_cpu=False)
    score = jax.jit(lambda weights, crops: forward(model, weights, standardise(crops))[0])
    crops, scores = jax.device_put(work.crops()), None

    def one() -> None:
        nonlocal scores
        scores = score(weights, crops)

    return dispatch.measure(one, lambda: jax.block_until_ready(scores), rounds)


def describe_device(gpu: bool) -> str:
    """Returns the name of the device that computes.

    Raises:
      RuntimeError: if it should be a GPU and is not.
    """
    device = jax.devices()[0]
    if gpu and device.platform != "gpu":
        raise RuntimeError(f"expected a GPU, JAX {jax.__version__} found {device.device_kind}")
    return device.device_kind


def peak_mib() -> float | None:
    """Returns the peak device memory in MiB, or None where the device does not report it."""
    statistics = jax.devices()[0].memory_stats() or {}
    peak = statistics.get("peak_bytes_in_use")
    return peak and peak / 2**20

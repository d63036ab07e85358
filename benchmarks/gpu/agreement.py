"""Accuracy of scores and gradients on a device, compared with float64 on the host's CPU.

The reference is the network of tests/reference/plain_hmhn.py; weights, images and targets are the
same, as numbers of float32. Its normalisations remember the statistics of the batch, so that
inference is of a network whose features have the sizes of a trained one's.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from plain_hmhn import PlainHMHN

from benchmarks.contest.workload import Workload
from benchmarks.gpu.ours import LOSS, describe_device
from benchmarks.gpu.rows import Rows
from hmhn_jax.models import HMHN
from hmhn_jax.models.deploy.fold import fold
from hmhn_jax.models.deploy.forward import forward
from hmhn_jax.models.layers import MOMENTUM
from hmhn_jax.training.losses import mean_squared_error, partition_loss

NO_GRADIENT = 1e-9  # of the largest: a bias before a normalisation, which takes it off again


def measure(workload: dict, file: str, gpu: bool, variants: list) -> None:
    """Appends a row for each of the variants (type, fast), such as ("bfloat16", False)."""
    rows = Rows(file, describe_device(gpu))
    work = Workload(**workload)
    with jax.default_device(jax.devices("cpu")[0]):
        variables, reference = _reference(work)
    inferred = {}
    for dtype, fast in variants:
        network = HMHN if fast else PlainHMHN
        model = network(**work.fields, dropout_rate=0.0, dtype=jnp.dtype(dtype))
        _, grads, _ = jax.jit(gradients(model))(variables, pictures(work), work.scores())
        if dtype not in inferred:  # folded weights are computed with in one way
            weights = fold(model, variables, for_cpu=False)
            infer = jax.jit(lambda *inputs, model=model: forward(model, *inputs))
            inferred[dtype] = infer(weights, pictures(work))
        scores, aux = inferred[dtype]
        rows.write(
            {
                "dtype": dtype,
                "fast": fast,
                "batch_size": work.batch_size,
                "features": difference(aux["features"], reference["features"]),
                "scores": difference(scores, reference["scores"]),
                **compare_gradients(grads, reference["grads"]),
            }
        )


def _reference(work):
    """Returns float32 variables and their float64 outputs, all in the host's memory."""
    # A CPU would be a device of its own, were these arrays JAX's.
    model = PlainHMHN(**work.fields, dropout_rate=0.0)
    variables = jax.device_get(jax.jit(model.init)(jax.random.key(0), pictures(work)[:1]))
    with jax.enable_x64(True):
        model = model.clone(dtype=jnp.float64)
        doubles = (_as(tree, np.float64) for tree in (variables, pictures(work), work.scores()))
        variables64, images, targets = doubles
        _, grads, stats = jax.jit(gradients(model))(variables64, images, targets)
        # One update from where they start; solved for the batch's own.
        stats = jax.tree.map(
            lambda new, old: (np.asarray(new) - MOMENTUM * old) / (1 - MOMENTUM),
            jax.device_get(stats),
            variables64["batch_stats"],
        )
        variables = {"params": variables["params"], "batch_stats": _as(stats, np.float32)}
        scores, aux = jax.jit(model.apply)(_as(variables, np.float64), images)
        reference = {"grads": grads, "scores": scores, "features": aux["features"]}
        return variables, jax.device_get(reference)


def pictures(work: Workload) -> np.ndarray:
    """Draws f32[B,S,S,3] of coarse squares, each picture with colours of its own.

    Noise has the same features in every picture; the last normalisation would make scores of the
    rounding errors between them.
    """
    rng = np.random.default_rng(2)
    cells = rng.normal(size=(work.batch_size, 7, 7, 3)) + rng.normal(
        size=(work.batch_size, 1, 1, 3)
    )
    side = -(-work.image_size // 7)
    whole = cells.repeat(side, axis=1).repeat(side, axis=2)
    return whole[:, : work.image_size, : work.image_size].astype(np.float32)


def _as(tree, dtype):
    return jax.tree.map(lambda leaf: np.asarray(leaf, dtype), tree)


def gradients(model: HMHN) -> Callable:
    """Returns function(variables, images, targets) -> loss, gradients, new batch statistics."""

    def loss_fn(params: Any, stats: Any, images: jax.Array, targets: jax.Array):
        (predictions, aux), updates = model.apply(
            {"params": params, "batch_stats": stats}, images, train=True, mutable=["batch_stats"]
        )
        loss = mean_squared_error(predictions, targets)
        if "heads" in aux:
            parted = partition_loss(aux["heads"], LOSS.partition_ddof, LOSS.partition_epsilon)
            loss += LOSS.partition_weight * parted
        return loss, updates["batch_stats"]

    def function(variables, images, targets):
        (loss, stats), grads = jax.value_and_grad(loss_fn, has_aux=True)(
            variables["params"], variables["batch_stats"], images, targets
        )
        return loss, grads, stats

    return function


def compare_gradients(grads: Any, reference: Any) -> dict:
    """Compares gradients as a whole, and each array by itself.

    Returns:
      "gradient": the norm of the difference of all, relative to that of the reference;
      "worst_gradient": the largest `difference` of an array, whose name is "worst_array". Arrays
      that have no gradient but rounding errors do not count.
    """
    named = jax.tree_util.tree_leaves_with_path(reference)
    pairs = [
        (jax.tree_util.keystr(path), np.asarray(ours, np.float64), np.asarray(theirs))
        for (path, theirs), ours in zip(named, jax.tree.leaves(grads), strict=True)
    ]
    largest = max(np.abs(theirs).max() for _, _, theirs in pairs)
    off, norm = (
        np.sqrt(sum(np.square(array).sum() for array in arrays))
        for arrays in (
            [ours - theirs for _, ours, theirs in pairs],
            [theirs for *_, theirs in pairs],
        )
    )
    worst, name = max(
        (difference(ours, theirs), name)
        for name, ours, theirs in pairs
        if np.abs(theirs).max() > NO_GRADIENT * largest
    )
    return {"gradient": float(off / norm), "worst_gradient": worst, "worst_array": name}


def difference(ours: Any, reference: np.ndarray) -> float:
    """Returns the largest distance, relative to the largest number of the reference."""
    distances = np.abs(np.asarray(ours, np.float64) - reference)
    return float(distances.max() / np.abs(reference).max())

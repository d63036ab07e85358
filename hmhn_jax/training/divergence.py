"""Numerical health of training: the block in which numbers first were not finite."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from hmhn_jax.base.errors import UserError

BLOCKS = ("gwa", "dff", "trunk", "mab", "afb", "regression")  # as a forward pass meets them
SEEN_IN_AUX = {"grid_weights": "gwa", "features": "trunk", "attention": "mab", "heads": "afb"}
FINITE = "finite/"  # metrics that are looked at, and not logged


def gradient_norms(grads: dict) -> dict[str, jax.Array]:
    """Computes the gradient's norms f32[], whole and by block: grad_norm, grad_norm/trunk, ..."""
    blocks = {name: optax.tree.norm(grads[name]) for name in BLOCKS if name in grads}
    norms = {f"grad_norm/{name}": norm for name, norm in blocks.items()}
    return {"grad_norm": optax.tree.norm(blocks), **norms}


def forward_flags(batch_stats: dict, aux: dict) -> dict[str, jax.Array]:
    """Flags a finite forward pass, by block: {"finite/trunk": f32[]}, 1 or 0.

    What is no longer finite within a block shows in its batch statistics, as the step updated them,
    what leaves it in `aux`, as `HMHN` returns it.
    """
    seen = {name: [batch_stats.get(name, {})] for name in BLOCKS}
    for name, array in aux.items():
        seen[SEEN_IN_AUX[name]].append(array)
    return {
        FINITE + name: jnp.isfinite(ravel_pytree(arrays)[0]).all().astype(jnp.float32)
        for name, arrays in seen.items()
        if jax.tree.leaves(arrays)
    }


def check(metrics: Sequence[dict[str, Any]], step: int) -> None:
    """Raises UserError when a number is no longer finite, and says where that began.

    `metrics` are those of the steps up to `step`, with `gradient_norms` and `forward_flags`.
    """
    first_step = step - len(metrics) + 1
    for number, each in enumerate(metrics, start=first_step):
        if not _is_sound(each):
            losses = {name: each[name] for name in ("loss", "grad_norm")}
            numbers = ", ".join(f"{name} {value:g}" for name, value in losses.items())
            raise UserError(
                f"training stopped at step {number}: expected finite numbers, got {numbers}; they "
                f"were not finite first in {_origin(each)}; checkpoints written before are kept; "
                "try a lower config.optimizer.learning_rate"
            )


def check_validation_mae(mae: float, step: int) -> None:
    """Raises UserError when the validation MAE, which selects checkpoints, is not finite."""
    if not math.isfinite(mae):
        raise UserError(
            f"training stopped at step {step}: expected a finite validation MAE, got {mae:g}; "
            "checkpoints written before are kept; try a lower config.optimizer.learning_rate"
        )


def _is_sound(metrics):
    flags = (value for name, value in metrics.items() if name.startswith(FINITE))
    return all(map(math.isfinite, metrics.values())) and all(flag == 1 for flag in flags)


def _origin(metrics):
    for name in BLOCKS:
        if metrics.get(FINITE + name, 1.0) < 1.0:
            return f"the forward pass of {name}"
    if not math.isfinite(metrics["loss"]):
        return "the loss"
    for name in reversed(BLOCKS):  # as a gradient meets them
        if not math.isfinite(metrics.get(f"grad_norm/{name}", 0.0)):
            return f"the gradient of {name}"
    return "the metrics"

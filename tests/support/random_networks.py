"""Networks in which no weight or running statistic has its initial value."""

import jax
import numpy as np
from flax import traverse_util
from plain_hmhn import plain

from hmhn_jax.models import HMHN

MOMENTUM = 0.9  # of running statistics, Flax's: what stays of them after a batch
OUTPUT_NORM, SCORES = "output_bn", {"scale": 12.0, "bias": 17.0}  # it starts at spread and mean


def random_network(seed: int = 0, dtype: str = "float32", **fields) -> tuple[HMHN, dict]:
    """Returns a network with these fields, and variables like those of a trained one.

    Running statistics are near what a batch of random images gives, but not equal to it.
    """
    model = HMHN(dropout_rate=0.0, dtype=dtype, **fields)
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(8, 64, 64, 3)).astype(dtype)
    shapes = jax.eval_shape(model.init, jax.random.key(0), images)
    variables = jax.tree.map_with_path(lambda path, leaf: _drawn(path, leaf, rng, dtype), shapes)
    nothing = jax.tree.map(np.zeros_like, variables["batch_stats"])
    train = jax.jit(
        lambda params: plain(model).apply(
            {"params": params, "batch_stats": nothing}, images, True, mutable=["batch_stats"]
        )[1]["batch_stats"],
        compiler_options={"xla_backend_optimization_level": 0},
    )
    after = traverse_util.flatten_dict(jax.device_get(train(variables["params"])))
    batch = {path: value / (1 - MOMENTUM) for path, value in after.items()}
    moved = {path: _moved(path, batch, rng) for path in batch}
    return model, variables | {"batch_stats": traverse_util.unflatten_dict(moved)}


def _drawn(path, leaf, rng, dtype):
    layer, name = path[-2].key, path[-1].key
    if layer == OUTPUT_NORM and name in SCORES:
        values = np.full(leaf.shape, SCORES[name])
    elif name == "kernel":
        fan_in = np.prod(leaf.shape[:-1])
        values = rng.normal(0, (2 / fan_in) ** 0.5, leaf.shape)
    elif name in ("scale", "var"):
        values = rng.uniform(0.5, 1.5, leaf.shape)
    elif name == "negative_slope":
        values = rng.uniform(0.1, 0.4, leaf.shape)
    else:
        values = rng.normal(0, 0.3, leaf.shape)
    return np.asarray(values, dtype)


def _moved(path, batch, rng):
    """Multiplies a running variance by 0.5 to 1.5, moves a running mean by 0.3 of the spread."""
    value = batch[path]
    if path[-1] == "var":
        return value * rng.uniform(0.5, 1.5, value.shape).astype(value.dtype)
    spread = np.sqrt(batch[*path[:-1], "var"])
    return value + 0.3 * spread * rng.normal(size=value.shape).astype(value.dtype)

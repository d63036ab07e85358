"""The network that a config describes."""

from typing import Any

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from hmhn_jax.models.hmhn import HMHN


def make_model(config: ConfigDict, **fields) -> HMHN:
    """Builds the network of `config.model`; `fields` are those of `HMHN` that a run adds."""
    settings = dict(config.model)
    settings["dtype"] = jnp.dtype(settings["dtype"])
    return HMHN(**settings, **fields)


def variable_shapes(config: ConfigDict) -> Any:
    """Returns the network's variables as `jax.ShapeDtypeStruct`s; nothing is computed."""
    size = config.data.image_size
    images = jax.ShapeDtypeStruct((1, size, size, 3), jnp.float32)
    return jax.eval_shape(make_model(config).init, jax.random.key(0), images)

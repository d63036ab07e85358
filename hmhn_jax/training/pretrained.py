"""Initial weights of a new run: PyTorch's, or random ones."""

from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from hmhn_jax.interop import torch_weights
from hmhn_jax.models import factory


def check(config: ConfigDict) -> None:
    """Raises UserError unless `config.init_from` can be used, before hours of cropping."""
    if config.init_from:
        shapes = factory.variable_shapes(config)
        torch_weights.load(Path(config.init_from).expanduser(), shapes)


def start(config: ConfigDict, variables: Any) -> tuple[Any, dict | None]:
    """Loads the weights of `config.init_from` into new variables, and prints what was taken.

    An empty `init_from` changes nothing. Returns the variables, and for `Provenance.init_from` the
    file, its sha256 and the parts. Raises UserError when the file cannot be used.
    """
    if not config.init_from:
        return variables, None
    variables, loaded = torch_weights.load(Path(config.init_from).expanduser(), variables)
    print(f"starting from {loaded.file}: {', '.join(loaded.parts)}", flush=True)
    notes = loaded.notes
    if "heads" in loaded.parts and config.model.spatial_reduce == "mean":
        channels = 8 * config.model.width
        notes += (
            f"DAN's spatial maps are sums over {channels} channels; "
            f"config.model.spatial_reduce='mean' divides them by {channels}",
        )
    for note in notes:
        print(f"note: {note}", flush=True)
    parts = list(loaded.parts)
    return variables, {"file": loaded.file, "sha256": loaded.sha256, "parts": parts}

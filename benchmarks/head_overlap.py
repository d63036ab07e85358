"""Do the attention heads look at different regions of the face?

    python run.py --workdir runs/on --mode train
    python run.py --workdir runs/off --mode train --config.loss.partition_weight=0.0
    python -m benchmarks.head_overlap runs/on runs/off [--json FILE]

Looks at the heads of trained networks over the validation crops, and at those of the same networks
before training; prints a Markdown table and then the same as JSON. All values are means over crops
and, where two heads are compared, over pairs of heads. A map is made to sum to 1 over the image and
a vector over its channels before two of them are compared: only their shape counts.

- overlap: the sum of the smaller one of both; 1 for the same, 0 for disjoint ones.
- correlation: Pearson's, over positions or channels.
- chance: the overlap of one head's map with another head's of another crop, and with another
  head's whose positions were shuffled. Heads that have parted lie below the second.
- flatness: the overlap of a map with the flat one. Near 1, a head looks everywhere.
- size: the largest head's sum over the smallest one's, of what is not made to sum to 1.
"""

import argparse
import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from configs import default
from data import avec_faces  # noqa: F401  registers the dataset
from hmhn_jax import checkpoints
from hmhn_jax import config as config_lib
from hmhn_jax.augment import standardise
from hmhn_jax.dataset import open_dataset
from hmhn_jax.errors import UserError
from hmhn_jax.input_pipeline import Crops, evaluation_batches, read_crops
from hmhn_jax.losses import partition_loss
from hmhn_jax.models import HMHN
from hmhn_jax.models.mab import MAB
from hmhn_jax.progress import track

COLUMNS = {
    "map_overlap": "map overlap",
    "chance_other_crop": "chance, other crop",
    "chance_shuffled": "chance, shuffled",
    "map_correlation": "map correlation",
    "map_flatness": "map flatness",
    "map_size": "map size",
    "vector_overlap": "vector overlap",
    "vector_correlation": "vector correlation",
    "vector_size": "vector size",
    "partition_loss": "partition loss",
}


def shares(heads: jax.Array) -> jax.Array:
    """Nonnegative f[B,K,...] -> f[B,K,N]: each head's share of its sum, flat where that is 0."""
    flat = heads.reshape(*heads.shape[:2], -1)
    sums = flat.sum(axis=-1, keepdims=True)
    return jnp.where(sums > 0, flat / jnp.where(sums > 0, sums, 1.0), 1.0 / flat.shape[-1])


def mean_overlap(heads: jax.Array, others: jax.Array | None = None) -> jax.Array:
    """The overlap of two heads, f[B,K,...] nonnegative -> f32[], over pairs and crops.

    Args:
      heads: maps or vectors of K > 1 heads; their scale does not matter.
      others: what the second head of a pair is taken from; the same when left out.
    """
    ours, theirs = shares(heads), shares(heads if others is None else others)
    first, second = np.triu_indices(ours.shape[1], k=1)
    return jnp.minimum(ours[:, first], theirs[:, second]).sum(axis=-1).mean()


def mean_correlation(heads: jax.Array) -> jax.Array:
    """Pearson's correlation of two heads over positions, f[B,K,...] -> f32[], over pairs and crops.

    A head that is the same everywhere correlates with none, and counts as 0.
    """
    deviations = heads.reshape(*heads.shape[:2], -1)
    deviations = deviations - deviations.mean(axis=-1, keepdims=True)
    norms = jnp.linalg.norm(deviations, axis=-1, keepdims=True)
    units = deviations / jnp.where(norms > 0, norms, 1.0)
    first, second = np.triu_indices(units.shape[1], k=1)
    return (units[:, first] * units[:, second]).sum(axis=-1).mean()


def describe(maps: np.ndarray, vectors: np.ndarray) -> dict[str, float]:
    """What the module's docstring says, of maps f[B,K,H,W] and vectors f[B,K,C]."""
    rng = np.random.default_rng(0)
    flat = maps.reshape(*maps.shape[:2], -1)
    values = {
        "map_overlap": mean_overlap(maps),
        # Rolling the crops by half puts others, of other videos, in their places.
        "chance_other_crop": mean_overlap(maps, np.roll(maps, len(maps) // 2, axis=0)),
        "chance_shuffled": mean_overlap(flat, rng.permuted(flat, axis=-1)),
        "map_correlation": mean_correlation(maps),
        "map_flatness": jnp.minimum(shares(maps), 1.0 / flat.shape[-1]).sum(axis=-1).mean(),
        "map_size": _size(flat),
        "vector_overlap": mean_overlap(vectors),
        "vector_correlation": mean_correlation(vectors),
        "vector_size": _size(vectors),
        "partition_loss": partition_loss(jnp.asarray(vectors)),
    }
    return {name: float(value) for name, value in values.items()}


def _size(heads_BxKxN):
    sums = heads_BxKxN.sum(axis=-1)
    return (sums.max(axis=1) / np.maximum(sums.min(axis=1), 1e-12)).mean()


def look(model: HMHN, variables: dict, crops: Crops, trained: bool) -> tuple:
    """The heads' maps f32[B,K,H,W] and vectors f32[B,K,C] before AFB, of all crops.

    An untrained network has no running statistics yet, so those of the batch take their place.
    """

    @jax.jit
    def apply(images):
        _, changed = model.apply(
            variables,
            standardise(images),
            train=not trained,
            rngs={"dropout": jax.random.key(0)},
            mutable=["batch_stats", "intermediates"],
            capture_intermediates=lambda module, _: isinstance(module, MAB),
        )
        vectors, maps = changed["intermediates"]["mab"]["__call__"][0]
        return maps, vectors

    batches = list(track(list(evaluation_batches(crops, 32)), "looking"))
    seen = [[part[batch["mask"]] for part in apply(batch["images"])] for batch in batches]
    maps, vectors = (np.concatenate(parts).astype(np.float32) for parts in zip(*seen, strict=True))
    return maps, vectors


def examine(workdir: Path) -> dict[str, dict[str, float]]:
    """Describes the heads of a workdir's last checkpoint and those it started from.

    Raises:
      UserError: without a checkpoint, or for a model without several heads.
    """
    checkpoints.check_exists(workdir)
    config = config_lib.load(workdir, default.get_config())
    if config is None:
        raise UserError(f"expected {config_lib.config_path(workdir)}, found none; train first")
    if not config.model.use_mab or config.model.num_heads < 2:
        raise UserError(f"expected a model of several heads in {workdir}, got one without")
    model = config_lib.make_model(config)
    images = jnp.zeros((1, config.data.image_size, config.data.image_size, 3))
    untrained = jax.jit(model.init)(jax.random.key(config.seed), images)
    with checkpoints.open_manager(workdir) as manager:
        step = checkpoints.choose_step(manager, "last")
        variables = checkpoints.restore(manager, step, {"variables": untrained})["variables"]
    crops = read_crops(open_dataset(config.data), config.data.validation_split, config.data)
    return {
        "untrained": describe(*look(model, untrained, crops, trained=False)),
        "trained": describe(*look(model, variables, crops, trained=True)),
    }


def table(results: dict) -> str:
    """Gives the results as Markdown."""
    lines = [f"| | {' | '.join(COLUMNS.values())} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for workdir, states in results.items():
        for state, values in states.items():
            shown = " | ".join(f"{values[name]:.2f}" for name in COLUMNS)
            lines.append(f"| {workdir}, {state} | {shown} |")
    return "\n".join(lines)


def main() -> int:
    """Looks, prints, and writes the JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workdirs", type=Path, nargs="+", help="of training runs")
    parser.add_argument("--json", type=Path, help="write the results here too")
    flags = parser.parse_args()
    try:
        results = {str(workdir): examine(workdir) for workdir in flags.workdirs}
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(table(results), "\n")
    print(json.dumps(results, indent=2))
    if flags.json:
        flags.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

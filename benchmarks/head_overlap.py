"""Overlap of the attention heads: do they look at different regions of the face?

    python run.py --workdir runs/on --mode train
    python run.py --workdir runs/off --mode train --config.loss.partition_weight=0.0
    python -m benchmarks.head_overlap runs/on runs/off [--json FILE]

Looks at the heads of trained networks over the validation crops, and at those of the same networks
before training; prints a Markdown table and then the same as JSON. All values are means over crops
and over heads or pairs of heads. A map is made to sum to 1 over the image, and a vector over its
channels, before two of them are compared: only their shape counts.

- overlap: the sum of the smaller one of both; 1 for the same, 0 for disjoint ones.
- correlation: Pearson's, over positions or channels.
- overlap by chance: one head's map with another head's whose positions were shuffled. Heads that
  avoid each other lie below it.
- overlap in another video: one head's map with another head's of a crop of another video, and with
  its own there. Where the last is high, a head looks at a place and not at what is there.
- flatness: the overlap of a map with the flat one. Near 1, a head looks everywhere.
- blind: the share of maps that weigh less than a thousandth of the mean map. They have no shape,
  and are left out where maps are compared.
- largest head: its share of the sum of all heads' vectors; at least 1/K.
"""

import argparse
import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from hmhn_jax import tfds as avec_faces  # noqa: F401  registers the dataset
from hmhn_jax.base.errors import UserError
from hmhn_jax.base.progress import track
from hmhn_jax.input_pipeline.augment import standardise
from hmhn_jax.input_pipeline.crops import Crops, evaluation_batches, read_crops
from hmhn_jax.input_pipeline.dataset import open_dataset
from hmhn_jax.models import HMHN, factory
from hmhn_jax.models.mab import MAB
from hmhn_jax.training.losses import partition_loss
from hmhn_jax.workdir import checkpoints, restore, stored_config

BLIND = 1e-3  # of the mean map's weight


def shares(heads: np.ndarray) -> np.ndarray:
    """Divides nonnegative f[B,K,...] by each head's sum, f[B,K,N]; 0 where that is 0."""
    flat = heads.reshape(*heads.shape[:2], -1).astype(np.float64)
    return _divide(flat, flat.sum(axis=-1, keepdims=True))


def mean_overlap(heads: np.ndarray, others: np.ndarray | None = None) -> float:
    """Averages the overlap of two heads over pairs and crops, without those where one is 0.

    Args:
      heads: nonnegative f[B,K,...], maps or vectors of K > 1 heads; their scale does not matter.
      others: what the second head of a pair is taken from; the same when left out.
    """
    first, second = np.triu_indices(heads.shape[1], k=1)
    ours, theirs = heads[:, first], (heads if others is None else others)[:, second]
    return _mean_where_both(np.minimum(shares(ours), shares(theirs)).sum(axis=-1), ours, theirs)


def mean_correlation(heads: np.ndarray) -> float:
    """Averages the correlation of two heads over pairs and crops, f[B,K,...]; as `mean_overlap`.

    A head that is the same everywhere correlates with none, and counts as 0.
    """
    flat = heads.reshape(*heads.shape[:2], -1).astype(np.float64)
    deviations = flat - flat.mean(axis=-1, keepdims=True)
    units = _divide(deviations, np.linalg.norm(deviations, axis=-1, keepdims=True))
    first, second = np.triu_indices(heads.shape[1], k=1)
    products = (units[:, first] * units[:, second]).sum(axis=-1)
    return _mean_where_both(products, heads[:, first], heads[:, second])


def _divide(values, by):
    return np.divide(values, by, out=np.zeros_like(values), where=by > 0)


def _mean_where_both(values_BxP, ours, theirs):
    there = [np.any(each != 0, axis=tuple(range(2, each.ndim))) for each in (ours, theirs)]
    return float(values_BxP[there[0] & there[1]].mean())


def describe(maps: np.ndarray, vectors: np.ndarray) -> dict[str, float]:
    """Computes the module's measures of maps f[B,K,H,W] and vectors f[B,K,C]."""
    weights = maps.sum(axis=(2, 3))
    blind = weights < BLIND * weights.mean()
    maps = np.where(blind[..., None, None], 0.0, maps)
    flat = maps.reshape(*maps.shape[:2], -1)
    shuffled = np.random.default_rng(0).permuted(flat, axis=-1)
    # Crops lie in the order of their videos: half of them further on is another one.
    elsewhere = np.roll(maps, len(maps) // 2, axis=0)
    own = np.minimum(shares(maps), shares(elsewhere)).sum(axis=-1)
    flatness = np.minimum(shares(maps)[~blind], 1 / flat.shape[-1]).sum(axis=-1)
    sums = vectors.sum(axis=-1)
    return {
        "map overlap": mean_overlap(maps),
        "by chance": mean_overlap(flat, shuffled),
        "in another video": mean_overlap(maps, elsewhere),
        "own, in another video": _mean_where_both(own, maps, elsewhere),
        "map correlation": mean_correlation(maps),
        "flatness": float(flatness.mean()),
        "blind": float(blind.mean()),
        "vector overlap": mean_overlap(vectors),
        "vector correlation": mean_correlation(vectors),
        "largest head": float((sums.max(axis=1) / sums.sum(axis=1)).mean()),
        "partition loss": float(partition_loss(jnp.asarray(vectors))),
    }


def look(model: HMHN, variables: dict, crops: Crops, trained: bool) -> tuple:
    """Computes the heads' maps f32[B,K,H,W] and vectors f32[B,K,C] before AFB, of all crops.

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
    seen = [apply(images) for images in batches]
    maps, vectors = (np.concatenate(parts).astype(np.float32) for parts in zip(*seen, strict=True))
    return maps[: len(crops)], vectors[: len(crops)]


def examine(workdir: Path) -> dict[str, dict[str, float]]:
    """Describes the heads of a workdir's last checkpoint and those it started from.

    Raises:
      UserError: without a checkpoint, or for a model without several heads.
    """
    checkpoints.check_exists(workdir)  # then there is a config, too
    config = stored_config.load(workdir)
    if not config.model.use_mab or config.model.num_heads < 2:
        raise UserError(f"expected a model of several heads in {workdir}, got one without")
    model = factory.make_model(config)
    images = jnp.zeros((1, config.data.image_size, config.data.image_size, 3))
    untrained = jax.jit(model.init)(jax.random.key(config.seed), images)
    with checkpoints.open_to_read(workdir) as manager:
        step = checkpoints.choose_step(manager, "last")
        variables = restore.restore(manager, step, {"variables": untrained})["variables"]
    crops = read_crops(open_dataset(config.data), config.data.validation_split, config.data)
    return {
        "untrained": describe(*look(model, untrained, crops, trained=False)),
        "trained": describe(*look(model, variables, crops, trained=True)),
    }


def table(results: dict) -> str:
    """Formats the results as Markdown."""
    lines = []
    for workdir, states in results.items():
        for state, values in states.items():
            lines += (
                [] if lines else [f"| | {' | '.join(values)} |", "|---" * len(values) + "|---|"]
            )
            shown = " | ".join(f"{value:.2f}" for value in values.values())
            lines.append(f"| {workdir}, {state} | {shown} |")
    return "\n".join(lines)


def main() -> int:
    """Measures, prints, and writes the JSON if asked."""
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

"""Ablation of four choices that make HMHN trainable from scratch at the paper's setting.

    python -m benchmarks.conditioning --output DIR [--share 1/2]

Trains the network of configs/default.py on the synthetic faces at the paper's batch size of 64 and
its constant rate of 1e-3 for 200 steps, in each of 16 ways: maps summed or averaged over channels,
with and without output normalisation, warm-up over one epoch, and clipping. About an hour and a
half on one core; `--share 1/2` and `--share 2/2`, one core each, take half of the runs each.

DIR/results.jsonl gets a line as soon as a run has ended, and runs found in it are not done again.
When all are there, a Markdown table is printed and DIR/conditioning.png is drawn. At every step:

- loss, mse, partition_loss, grad_norm: as in training; gradients before clipping.
- grad_norm/BLOCK: of gwa, dff, trunk, mab and regression.
- head_spread: the standard deviation over the heads of their vectors, mean over samples and
  channels. AFB's log-softmax takes the same number off all heads of a channel, so this is the same
  before and after it, and so is the partition loss.
- largest_share: the largest of AFB's softmax over the heads, mean over samples and channels; 1/K
  where all heads agree, 1 where one of them is all that counts.
- map_overlap: of the heads' maps, as in benchmarks/head_overlap.py; a map that is 0 counts as flat.
"""

import argparse
import itertools
import json
import math
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from benchmarks.conditioning import report
from configs import default
from hmhn_jax import config as config_lib
from hmhn_jax import tfds as avec_faces  # noqa: F401  registers the dataset
from hmhn_jax.base.progress import track
from hmhn_jax.evaluation.metrics import mean_absolute_error
from hmhn_jax.input_pipeline.augment import AugmentSettings
from hmhn_jax.input_pipeline.crops import Crops, read_crops, training_batches
from hmhn_jax.input_pipeline.dataset import open_dataset
from hmhn_jax.models import factory
from hmhn_jax.prediction.scoring import fold_weights, make_score_frames, score_videos
from hmhn_jax.runtime import devices
from hmhn_jax.training.step import init_state, make_optimizer, make_train_step
from hmhn_jax.workdir import stored_config

NUM_STEPS = 200
# Column of the table: field, and its values with their names; the first is what the paper prints.
FACTORS = {
    "maps": ("model.spatial_reduce", {"sum": "sum", "mean": "mean"}),
    "output norm": ("model.use_output_norm", {False: "no", True: "yes"}),
    "warm-up": ("optimizer.warmup_epochs", {0.0: "no", 1.0: "yes"}),
    "clipping": ("optimizer.clip_norm", {0.0: "no", 1.0: "yes"}),
}


def paper_setting() -> ConfigDict:
    """Returns the demo's config with the paper's optimiser at a constant rate."""
    fields = {
        "optimizer.schedule": "constant",
        "optimizer.learning_rate": 1e-3,
        "optimizer.plateau_factor": 1.0,
        "train.batch_size": 64,
    }
    return config_lib.override(default.get_config(), fields)


def combinations(config: ConfigDict) -> list[ConfigDict]:
    """Returns the config in all 16 ways; the first is as printed in the paper."""
    fields, values = zip(*FACTORS.values(), strict=True)
    choices = itertools.product(*values)
    return [config_lib.override(config, dict(zip(fields, each, strict=True))) for each in choices]


def measure(aux: dict) -> dict[str, jax.Array]:
    """Returns what each step logs besides its own metrics; see the module's docstring."""
    heads = aux["heads"]
    return {
        "head_spread": jnp.std(heads, axis=1, ddof=1).mean(),
        "largest_share": jnp.exp(heads).max(axis=1).mean(),
        "map_overlap": _overlap(aux["attention"]),
    }


def _overlap(maps_BxKxHxW):
    flat = maps_BxKxHxW.reshape(*maps_BxKxHxW.shape[:2], -1)
    sums = flat.sum(axis=-1, keepdims=True)
    shares = jnp.where(sums > 0, flat / jnp.where(sums > 0, sums, 1.0), 1.0 / flat.shape[-1])
    first, second = np.triu_indices(shares.shape[1], k=1)
    return jnp.minimum(shares[:, first], shares[:, second]).sum(axis=-1).mean()


def train(config: ConfigDict, crops: Crops, validation: Crops, num_steps: int) -> dict:
    """Trains in one way and returns the line of results.jsonl."""
    started = time.monotonic()
    model = factory.make_model(
        config,
        axis_name=devices.AXIS,
        score_mean=float(crops.scores.mean()),
        score_std=float(crops.scores.std()),
    )
    steps_per_epoch = math.ceil(len(crops) / config.train.batch_size)
    optimizer = make_optimizer(config.optimizer, steps_per_epoch, num_steps)
    augmentation = AugmentSettings(**config.augment)
    step = devices.parallel_step(
        make_train_step(model, optimizer, augmentation, config.loss, config.seed, measure)
    )
    state = devices.replicate(init_state(model, optimizer, config.data.image_size, config.seed))
    batches = training_batches(
        crops, config.train.batch_size, config.seed, first_step=0, put=devices.put_batch
    )
    history = []
    for _ in track(range(num_steps), _title(config)):
        state, metrics = step(state, next(batches))
        history.append(jax.device_get(metrics))
    weights = fold_weights(model, state.variables)
    means = score_videos(make_score_frames(model), weights, validation, config.evaluate.batch_size)
    baseline = np.full_like(validation.scores, crops.scores.mean())
    return {
        "factors": describe(config),
        "config": config.to_dict(),
        "num_steps": num_steps,
        "steps_per_epoch": steps_per_epoch,
        "validation_mae": mean_absolute_error(means.compute(validation.scale), validation.scores),
        "baseline_mae": mean_absolute_error(baseline, validation.scores),
        "seconds": round(time.monotonic() - started),
        "steps": {
            name: [float(f"{metrics[name]:.5g}") for metrics in history] for name in history[0]
        },
    }


def train_all(configs: list[ConfigDict], path: Path, num_steps: int) -> None:
    """Appends a line to `path` for each config that it does not have yet."""
    done = [
        (_as_json(stored_config.from_dict(line["config"])), line["num_steps"])
        for line in read(path)
    ]
    configs = [each for each in configs if (_as_json(each), num_steps) not in done]
    if not configs:
        return
    builder = open_dataset(configs[0].data)
    crops, validation = (
        read_crops(builder, split, configs[0].data)
        for split in (configs[0].data.train_split, configs[0].data.validation_split)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    for config in configs:
        line = json.dumps(train(config, crops, validation, num_steps))
        with path.open("a") as file:
            file.write(line + "\n")


def read(path: Path) -> list[dict]:
    """Reads the results written so far."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _as_json(config: ConfigDict) -> dict:
    return json.loads(json.dumps(config.to_dict()))


def describe(config: ConfigDict) -> dict[str, str]:
    """Describes the values of the factors in words."""
    fields = config_lib.flatten(config)
    return {name: values[fields[field]] for name, (field, values) in FACTORS.items()}


def _title(config):
    return ", ".join(f"{name} {value}" for name, value in describe(config).items())


def _share(text: str) -> slice:
    """Parses "1/2", the first of two shares of a list."""
    index, _, count = text.partition("/")
    return slice(int(index) - 1, None, int(count))


def main() -> None:
    """Trains, and writes the report when no run is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.conditioning", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the results")
    parser.add_argument("--share", type=_share, default="1/1", help="such as 1/2, half of the runs")
    flags = parser.parse_args()
    configs = combinations(paper_setting())
    path = flags.output / "results.jsonl"
    train_all(configs[flags.share], path, NUM_STEPS)
    wanted = [_as_json(config) for config in configs]
    results = [line for line in read(path) if line["config"] in wanted]
    if len(results) < len(configs):
        print(f"{len(results)} of {len(configs)} runs are done: {path}")
        return
    results.sort(key=lambda line: wanted.index(line["config"]))
    report.draw(results, flags.output / "conditioning.png")
    print(report.table(results))


if __name__ == "__main__":
    sys.exit(main())

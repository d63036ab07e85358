"""Contestants that run this package."""

import itertools
import pickle
from collections.abc import Callable
from pathlib import Path

import flax.serialization
import jax
import numpy as np
from plain_hmhn import plain

from benchmarks.contest.workload import Workload
from configs import avec2014
from hmhn_jax.input_pipeline.augment import AugmentSettings, augment, standardise
from hmhn_jax.input_pipeline.crops import Crops, Video, read_crops, training_batches
from hmhn_jax.input_pipeline.dataset import open_dataset
from hmhn_jax.models import HMHN, factory
from hmhn_jax.models.deploy.fold import fold
from hmhn_jax.models.deploy.forward import forward
from hmhn_jax.runtime import compiler_options, devices
from hmhn_jax.runtime.environment import set_environment
from hmhn_jax.training.step import init_state, make_optimizer, make_train_step


def train_step(workload: dict, fast: bool = True) -> Callable[[], float]:
    """Runs training steps at configs/avec2014.py's settings, with augmentation off."""
    set_environment()  # as run.py does
    work = Workload(**workload)
    config = avec2014.get_config()
    config.augment = dict.fromkeys(config.augment, 0.0)
    config.model.update(work.fields)
    model = factory.make_model(config, axis_name=devices.AXIS)
    model = model if fast else plain(model)
    optimizer = make_optimizer(config.optimizer, steps_per_epoch=1000, num_steps=1000)
    augmentation = AugmentSettings(**config.augment)
    step = devices.parallel_step(
        make_train_step(model, optimizer, augmentation, config.loss, config.seed)
    )
    state = devices.replicate(init_state(model, optimizer, work.image_size, config.seed))
    batch = devices.split_batch({"images": work.crops(), "scores": work.scores()})
    batch = jax.device_put(batch) if devices.count() == 1 else batch

    def run() -> float:
        nonlocal state
        state, metrics = jax.block_until_ready(step(state, batch))
        return float(metrics["loss"])

    return run


def plain_scores(workload: dict, folder: str) -> Callable[[], np.ndarray]:
    """Scores a batch by the network of tests/reference, each layer Flax's own."""
    set_environment()  # as run.py does
    work = Workload(**workload)
    model = plain(HMHN(**work.fields))
    variables = _variables(folder)
    score = jax.jit(
        lambda variables, images: model.apply(variables, images)[0],
        compiler_options=compiler_options.for_network(),
    )
    images = work.images()
    return lambda: np.asarray(score(variables, images))


def deployed_scores(workload: dict, folder: str) -> Callable[[], np.ndarray]:
    """Scores a batch with folded weights."""
    set_environment()  # as run.py does
    work = Workload(**workload)
    model = HMHN(**work.fields)
    weights = fold(model, _variables(folder))
    images = work.images()
    score = jax.jit(lambda weights, images: forward(model, weights, images)[0])
    score = score.lower(weights, images).compile(compiler_options=compiler_options.for_network())
    devices.give_memory_back()  # as evaluation does
    return lambda: np.asarray(score(weights, images))


def _variables(folder):
    content = (Path(folder) / "variables.msgpack").read_bytes()
    return jax.device_put(flax.serialization.msgpack_restore(content))


def extract_jpegs(folder: str, dataset: str, data_dir: str, count: int) -> None:
    """Writes the first `count` JPEGs of a dataset's training split, as a list."""
    from hmhn_jax import tfds as avec_faces  # noqa: F401, registers the dataset

    config = avec2014.get_config()
    config.data.update({"dataset": dataset, "data_dir": data_dir, "cache_gib": 0.0})
    crops = read_crops(open_dataset(config.data), "train", config.data)
    jpegs = list(itertools.islice(itertools.cycle(crops.jpegs), count))
    (Path(folder) / "jpegs.pickle").write_bytes(pickle.dumps(jpegs))


def batches(folder: str, batch_size: int, image_size: int) -> Callable[[], float]:
    """Runs an epoch of the JPEGs: decoded by the input pipeline, augmented as in the compiled step.

    Decoded crops are not kept, so each epoch decodes all of them.
    """
    set_environment()
    jpegs = pickle.loads((Path(folder) / "jpegs.pickle").read_bytes())
    video = Video("video", "subject", "session", "task", 0.0)
    crops = Crops(jpegs, np.zeros(len(jpegs), np.int32), [video], image_size)
    upcoming = enumerate(training_batches(crops, batch_size, seed=0, first_step=0))

    @jax.jit
    def process(images, step):
        keys = jax.random.split(jax.random.fold_in(jax.random.key(0), step), batch_size)
        return standardise(augment(images, keys, AugmentSettings()))

    def run() -> float:
        for _ in range(len(jpegs) // batch_size):
            step, batch = next(upcoming)
            images = process(batch["images"], step)
        return float(np.asarray(images).std())

    return run

"""The training run: from prepared data to checkpoints in a workdir."""

import dataclasses
import math
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from hmhn_jax import checkpoints, devices, pretrained, scalars, versions
from hmhn_jax import config as config_lib
from hmhn_jax.checkpoints import Provenance
from hmhn_jax.data_wait import next_batch
from hmhn_jax.errors import UserError
from hmhn_jax.input_pipeline import Crops, read_crops, training_batches
from hmhn_jax.metrics import mean_absolute_error
from hmhn_jax.progress import track
from hmhn_jax.protocols import subject_means
from hmhn_jax.scoring import fold_weights, make_score_frames, score_videos
from hmhn_jax.train_step import TrainState, init_state, make_optimizer, make_train_step

STEPS_DEPEND_ON = (
    "seed",
    "init_from",
    "data.train_split",
    "data.image_size",
    "train.batch_size",
)
NOTABLE_WAIT = 0.05  # part of the time


def train(config: ConfigDict, workdir: Path, builder: Any) -> None:
    """Trains, or goes on where the last checkpoint in the workdir was written.

    Args:
      config: checked by `config.check`.
      workdir: gets config.json, checkpoints/, scalars.jsonl and tensorboard/.
      builder: the prepared TFDS builder of `config.data`.

    Raises:
      UserError: when the workdir belongs to other data or another architecture, when it cannot be
        written, when a new run cannot start from `config.init_from`, or when the loss is no longer
        a finite number.
    """
    devices.check_batch_size("train.batch_size", config.train.batch_size)
    devices.check_batch_size("evaluate.batch_size", config.evaluate.batch_size)
    crops = read_crops(builder, config.data.train_split, config.data)
    validation = None
    if config.data.validation_split:
        validation = read_crops(builder, config.data.validation_split, config.data)
    provenance = Provenance(
        config=config.to_dict(),
        data=dict(builder.info.metadata),
        score_mean=float(crops.scores.mean()),
        score_std=float(crops.scores.std()),
        subject_means=subject_means(crops.videos),
        versions=versions.installed(),
    )
    steps_per_epoch = math.ceil(len(crops) / config.train.batch_size)
    num_steps = config.train.num_epochs * steps_per_epoch
    steps_per_checkpoint = config.train.checkpoint_every_epochs * steps_per_epoch
    model = config_lib.make_model(
        config,
        axis_name=devices.AXIS,
        score_mean=provenance.score_mean,
        score_std=provenance.score_std,
        fast=devices.on_cpu(),  # elsewhere nobody measured it yet
    )
    optimizer = make_optimizer(config.optimizer, steps_per_epoch, num_steps)
    train_step = devices.parallel_step(
        make_train_step(
            model, optimizer, config_lib.augment_settings(config), config.loss, config.seed
        )
    )
    score_frames = make_score_frames(model)

    with checkpoints.open_manager(workdir) as manager, scalars.open_writers(workdir) as write:
        state = init_state(model, optimizer, config.data.image_size, config.seed)
        if manager.latest_step() is not None:
            state, provenance = _resume(manager, devices.replicate(state), config, provenance)
        else:
            variables, loaded = pretrained.start(config, state.variables)
            state = devices.replicate(state.replace(variables=variables))
            provenance = dataclasses.replace(provenance, init_from=loaded)
        first_step = int(state.step)
        print(
            f"training on {len(crops)} crops of {len(crops.videos)} videos: {num_steps} steps, "
            f"{steps_per_epoch} an epoch, on {devices.count()} device(s)",
            flush=True,
        )
        if first_step >= num_steps:
            print(f"nothing left to train: {first_step} steps are done", flush=True)
        batches = training_batches(
            crops, config.train.batch_size, config.seed, first_step, devices.put_batch
        )
        recent, waited, started = [], 0.0, time.monotonic()
        for step in track(range(first_step + 1, num_steps + 1), "training"):
            batch, seconds = next_batch(batches, recent[-1:])
            waited += seconds
            state, metrics = train_step(state, batch)
            recent.append(metrics)
            checkpoint_due = step % steps_per_checkpoint == 0 or step == num_steps
            if not checkpoint_due and step % config.train.log_every_steps:
                continue
            # Only here does the host wait for the devices.
            means = _mean_metrics(recent, step)
            crops_seen = len(recent) * config.train.batch_size
            elapsed = time.monotonic() - started
            means["crops_per_second"] = crops_seen / elapsed
            means["data_wait_fraction"] = waited / elapsed
            if checkpoint_due:
                if validation is not None:
                    weights = fold_weights(model, state.variables)
                    means["validation_mae"] = _validation_mae(
                        score_frames, weights, validation, config.evaluate.batch_size
                    )
                config_lib.save(config, workdir)  # from now on the workdir is of this config
                checkpoints.save(
                    manager,
                    step,
                    {"variables": state.variables, "optimizer": state.opt_state},
                    provenance,
                    means.get("validation_mae"),
                )
                epoch = f"epoch {step / steps_per_epoch:g}/{config.train.num_epochs}"
                print(f"{epoch}: {figures(means)}", flush=True)
            write(step, means)
            recent, waited, started = [], 0.0, time.monotonic()


def figures(means: dict[str, float]) -> str:
    """What the line of an epoch says: errors, and a wait for data that is worth a look."""
    parts = [f"{name} {means[name]:.2f}" for name in ("loss", "validation_mae") if name in means]
    if means["data_wait_fraction"] > NOTABLE_WAIT:
        parts.append(f"waited for data {means['data_wait_fraction']:.0%}".replace("%", " %"))
    return ", ".join(parts)


def _resume(
    manager: Any, state: TrainState, config: ConfigDict, provenance: Provenance
) -> tuple[TrainState, Provenance]:
    step = checkpoints.choose_step(manager, "last")
    stored = checkpoints.read_provenance(manager, step)
    stored.check_same_model(config, manager.directory)
    stored_config = config_lib.from_dict(stored.config)
    if changed := config_lib.differences(config, stored_config, STEPS_DEPEND_ON):
        raise UserError(
            f"{manager.directory} was trained with another config: {'; '.join(changed)}; the run "
            "cannot go on with it: use another --workdir"
        )
    if stored.data.get("fingerprint") != provenance.data.get("fingerprint"):
        raise UserError(
            f"{manager.directory} was trained on other data (fingerprint "
            f"{stored.data.get('fingerprint')}) than are in {config.data.dataset} now "
            f"({provenance.data.get('fingerprint')}); use another --workdir"
        )
    if changed := config_lib.differences(config, stored_config):
        print(f"note: resuming with a changed config: {'; '.join(changed)}", flush=True)
    restored = checkpoints.restore(
        manager, step, {"variables": state.variables, "optimizer": state.opt_state}
    )
    print(f"resuming from step {step}", flush=True)
    state = state.replace(
        step=devices.replicate(np.int32(step)),
        variables=restored["variables"],
        opt_state=restored["optimizer"],
    )
    return state, dataclasses.replace(provenance, init_from=stored.init_from)


def _mean_metrics(recent: list[dict], step: int) -> dict[str, float]:
    """The mean of each metric over the recent steps; a loss that is not finite ends the run."""
    recent = jax.device_get(recent)
    means = {name: float(np.mean([each[name] for each in recent])) for name in recent[0]}
    if not all(map(math.isfinite, means.values())):
        figures = ", ".join(f"{name} {value:g}" for name, value in means.items())
        raise UserError(
            f"training stopped at step {step}: expected finite numbers, got {figures}; "
            "checkpoints written before are kept; try a lower config.optimizer.learning_rate"
        )
    return means


def _validation_mae(score_frames, weights, crops: Crops, batch_size: int) -> float:
    means = score_videos(score_frames, weights, crops, batch_size)
    return mean_absolute_error(means.compute(), crops.scores)

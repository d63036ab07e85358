"""The training run: from prepared data to checkpoints in a workdir."""

import math
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from hmhn_jax import checkpoints, devices, health, interruption, processes, scalars, versions
from hmhn_jax import config as config_lib
from hmhn_jax.input_pipeline import Crops, read_crops, training_batches
from hmhn_jax.metrics import mean_absolute_error
from hmhn_jax.progress import track
from hmhn_jax.protocols import subject_means
from hmhn_jax.provenance import Provenance
from hmhn_jax.resumption import start
from hmhn_jax.scoring import fold_weights, make_score_frames, score_videos
from hmhn_jax.step_timer import StepTimer
from hmhn_jax.train_step import init_state, make_optimizer, make_train_step

NOTABLE_WAIT = 0.05  # part of the time


def train(config: ConfigDict, workdir: Path, builder: Any) -> None:
    """Trains, or goes on where the last checkpoint in the workdir was written.

    The numbers do not depend on where it was interrupted. Ctrl-C and SIGTERM end it after the step
    under way, which is saved.

    Args:
      config: checked by `config.check`.
      workdir: gets config.json, checkpoints/, scalars.jsonl and tensorboard/.
      builder: the prepared TFDS builder of `config.data`.

    Raises:
      UserError: when the workdir belongs to other data or another architecture, when it cannot be
        written, when a new run cannot start from `config.init_from`, or when the loss is no longer
        a finite number.
      Interrupted: when it was asked to end, after saving.
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

    with (
        interruption.deferred() as interrupted,
        checkpoints.open_manager(workdir, alone=True) as manager,
        scalars.open_writers(workdir) as write,
    ):
        state = init_state(model, optimizer, config.data.image_size, config.seed)
        begin = start(manager, state, config, provenance)
        state, provenance, recent = begin.state, begin.provenance, begin.unlogged
        first_step = int(state.step)
        print(
            f"training on {len(crops)} crops of {len(crops.videos)} videos: {num_steps} steps, "
            f"{steps_per_epoch} an epoch, on {devices.count()} device(s)",
            flush=True,
        )
        if first_step >= num_steps:
            print(f"nothing left to train: {first_step} steps are done", flush=True)
        batches = training_batches(
            crops,
            config.train.batch_size,
            config.seed,
            first_step,
            devices.put_batch,
            processes.own_rows(config.train.batch_size),
        )
        timer = StepTimer()
        for step in track(range(first_step + 1, num_steps + 1), "training"):
            batch = timer.wait(batches, recent[-1:])
            state, metrics = train_step(state, batch)
            recent.append(metrics)
            checkpoint_due = step % steps_per_checkpoint == 0 or step == num_steps
            means = {}
            if checkpoint_due or step % config.train.log_every_steps == 0:
                # Only here does the host wait for the devices.
                means, recent = _mean_metrics(recent, step), []
                means |= timer.lap(config.train.batch_size)
            if checkpoint_due and validation is not None:
                weights = fold_weights(model, state.variables)
                means["validation_mae"] = _validation_mae(
                    score_frames, weights, validation, config.evaluate.batch_size
                )
                health.check_validation_mae(means["validation_mae"], step)
            if means:
                write(step, means)
            stop = interrupted(step)
            if stop and recent:  # what is saved last must be fit to go on with
                health.check(jax.device_get(recent), step)
            if checkpoint_due or stop:
                if processes.is_first():
                    config_lib.save(config, workdir)  # from now on the workdir is of this config
                checkpoints.save(
                    manager,
                    step,
                    {"variables": state.variables, "optimizer": state.opt_state},
                    provenance,
                    means.get("validation_mae"),
                    recent,
                )
            if checkpoint_due:
                epoch = f"epoch {step / steps_per_epoch:g}/{config.train.num_epochs}"
                print(f"{epoch}: {figures(means)}", flush=True)
            if means:
                timer.restart()
            if stop:
                print(f"interrupted: saving step {step} of {num_steps}", flush=True)
                break


def figures(means: dict[str, float]) -> str:
    """What the line of an epoch says: errors, and a wait for data that is worth a look."""
    parts = [f"{name} {means[name]:.2f}" for name in ("loss", "validation_mae") if name in means]
    if means["data_wait_fraction"] > NOTABLE_WAIT:
        parts.append(f"waited for data {means['data_wait_fraction']:.0%}".replace("%", " %"))
    return ", ".join(parts)


def _mean_metrics(recent: list[dict], step: int) -> dict[str, float]:
    """The mean of each metric over the recent steps; a number that is not finite ends the run."""
    recent = jax.device_get(recent)
    health.check(recent, step)
    logged = (name for name in recent[0] if not name.startswith(health.FINITE))
    return {name: float(np.mean([each[name] for each in recent])) for name in logged}


def _validation_mae(score_frames, weights, crops: Crops, batch_size: int) -> float:
    means = score_videos(score_frames, weights, crops, batch_size)
    return mean_absolute_error(means.compute(), crops.scores)

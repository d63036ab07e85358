"""The training loop: from prepared data to checkpoints in a workdir."""

import shlex
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from hmhn_jax.base.progress import track
from hmhn_jax.evaluation.metrics import mean_absolute_error
from hmhn_jax.input_pipeline.crops import Crops
from hmhn_jax.prediction.scoring import fold_weights, make_score_frames, score_videos
from hmhn_jax.runtime import devices, processes, signals
from hmhn_jax.training import divergence
from hmhn_jax.training.resume import start
from hmhn_jax.training.run import Run, build
from hmhn_jax.training.step import TrainState
from hmhn_jax.training.timer import StepTimer
from hmhn_jax.workdir import checkpoints, scalars, stored_config
from hmhn_jax.workdir.provenance import Provenance

NOTABLE_WAIT = 0.05  # part of the time
TIMED_LAP = 2  # the first one compiles


def train(config: ConfigDict, workdir: Path, builder: Any) -> None:
    """Trains, or goes on from the last checkpoint in the workdir.

    The numbers do not depend on where a run was interrupted. Ctrl-C and SIGTERM end it after the
    step under way, which is saved.

    Args:
      config: checked by `config.check`.
      workdir: gets config.json, checkpoints/, scalars.jsonl and tensorboard/.
      builder: the prepared TFDS builder of `config.data`.

    Raises:
      UserError: the workdir belongs to other data or another architecture, or cannot be written; a
        new run cannot start from `config.init_from`; or the loss is no longer a finite number.
      Interrupted: it was asked to end, and has saved.
    """
    run = build(config, workdir, builder)
    with (
        signals.deferred() as interrupted,
        checkpoints.open_manager(workdir, alone=True) as manager,
        scalars.open_writers(workdir) as write,
    ):
        begin = start(manager, run.first_state, config, run.provenance)
        state, recent = begin.state, begin.unlogged
        done = int(state.step)
        print(opening_line(run, done), flush=True)
        batches, timer, laps = run.batches(done), StepTimer(), 0
        for step in track(range(done + 1, run.num_steps + 1), "training"):
            batch = timer.wait(batches, recent[-1:])
            state, metrics = run.step(state, batch)
            recent.append(metrics)
            save_due, stop, logged = run.saves_after(step), interrupted(step), {}
            if run.logs_after(step):  # only here does the host wait for the devices
                logged = mean_metrics(recent, step) | timer.lap(config.train.batch_size)
                recent = []
            if save_due and run.validation is not None:
                logged["validation_mae"] = validate(run, run.validation, state, step)
            if logged:
                write(step, logged)
                laps += 1
            if logged and laps == TIMED_LAP and step < run.num_steps:
                print(time_line(run, step, logged["crops_per_second"]), flush=True)
            if save_due or stop:
                divergence.check(jax.device_get(recent), step)  # it must be fit to go on with
                save(manager, workdir, config, state, begin.provenance, logged, recent)
            if save_due:
                print(epoch_line(run, step, logged), flush=True)
            if logged:
                timer.restart()
            if stop:
                print(f"interrupted: saving step {step} of {run.num_steps}", flush=True)
                break
    if processes.is_first():
        board = shlex.join(["tensorboard", "--logdir", str(Path(workdir) / "tensorboard")])
        print(f"curves: {board} (pip install tensorboard)", flush=True)


def mean_metrics(recent: list[dict], step: int) -> dict[str, float]:
    """Returns each metric's mean over the recent steps; raises UserError if one is not finite."""
    recent = jax.device_get(recent)
    divergence.check(recent, step)
    logged = (name for name in recent[0] if not name.startswith(divergence.FINITE))
    return {name: float(np.mean([each[name] for each in recent])) for name in logged}


def validate(run: Run, crops: Crops, state: TrainState, step: int) -> float:
    """Returns the MAE over the validation videos; raises UserError if it is not finite."""
    weights = fold_weights(run.model, state.variables)
    batch_size = run.config.evaluate.batch_size
    means = score_videos(make_score_frames(run.model), weights, crops, batch_size)
    mae = float(mean_absolute_error(means.compute(crops.scale), crops.scores))
    divergence.check_validation_mae(mae, step)
    return mae


def save(
    manager: Any,
    workdir: Path,
    config: ConfigDict,
    state: TrainState,
    provenance: Provenance,
    logged: dict[str, float],
    unlogged: list[dict],
) -> None:
    """Saves a checkpoint; from now on the workdir is of this config.

    `logged` has metrics of this step, `unlogged` those of steps whose mean was not written yet.
    """
    if processes.is_first():
        stored_config.save(config, workdir)
    arrays = {"variables": state.variables, "optimizer": state.opt_state}
    mae = logged.get("validation_mae")
    checkpoints.save(manager, int(state.step), arrays, provenance, mae, unlogged)


def opening_line(run: Run, done: int) -> str:
    """Says what is trained on, how long and with what."""
    if done >= run.num_steps:
        return f"nothing left to train: {done} steps are done"
    return (
        f"training on {len(run.crops)} crops of {len(run.crops.videos)} videos: "
        f"{run.num_steps} steps, {run.steps_per_epoch} an epoch, on {devices.count()} device(s)"
    )


def time_line(run: Run, step: int, crops_per_second: float) -> str:
    """Says how long training will take after some steps, without validation."""
    steps_per_second = crops_per_second / run.config.train.batch_size
    minutes = (run.num_steps - step) / steps_per_second / 60
    epoch = run.steps_per_epoch / steps_per_second
    return (
        f"about {minutes:.1f} minutes to train: {1 / crops_per_second:.3f} s a crop, "
        f"{epoch:.0f} s an epoch"
    )


def epoch_line(run: Run, step: int, logged: dict[str, float]) -> str:
    """Says an epoch's errors, and a wait for data that is worth a look."""
    names = [name for name in ("loss", "validation_mae") if name in logged]
    parts = [f"{name} {logged[name]:.2f}" for name in names]
    if logged["data_wait_fraction"] > NOTABLE_WAIT:
        parts.append(f"waited for data {100 * logged['data_wait_fraction']:.0f} %")
    epoch = f"epoch {step / run.steps_per_epoch:g}/{run.config.train.num_epochs}"
    return f"{epoch}: {', '.join(parts)}"

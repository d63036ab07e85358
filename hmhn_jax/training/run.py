"""A training run as its config describes it: network, step, crops and number of steps."""

import dataclasses
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from hmhn_jax.evaluation.protocols import subject_means
from hmhn_jax.input_pipeline import split
from hmhn_jax.input_pipeline.augment import AugmentSettings
from hmhn_jax.input_pipeline.crops import Crops, training_batches
from hmhn_jax.models import HMHN, factory
from hmhn_jax.runtime import devices, processes
from hmhn_jax.training.step import TrainState, init_state, make_optimizer, make_train_step
from hmhn_jax.workdir import versions
from hmhn_jax.workdir.provenance import Provenance


@dataclasses.dataclass(frozen=True)
class Run:
    """Parts of a training run.

    Attributes:
      config: checked.
      crops: of the training split.
      validation: crops of the validation split; None without one.
      provenance: of a new run's checkpoints.
      model: the network, with the training scores' mean and standard deviation.
      optimizer: of Optax.
      step: step(state, batch) -> (state, metrics), on all devices.
      steps_per_epoch, num_steps: of the whole run.
    """

    config: ConfigDict
    crops: Crops
    validation: Crops | None
    provenance: Provenance
    model: HMHN
    optimizer: Any
    step: Callable
    steps_per_epoch: int
    num_steps: int

    def first_state(self) -> TrainState:
        """Returns the state before the first step."""
        size, seed = self.config.data.image_size, self.config.seed
        return init_state(self.model, self.optimizer, size, seed)

    def batches(self, first_step: int) -> Iterator[dict]:
        """Yields this process's part of each batch from a step on, already on its devices."""
        size = self.config.train.batch_size
        rows = processes.own_rows(size)
        return training_batches(
            self.crops, size, self.config.seed, first_step, devices.put_batch, rows
        )

    def saves_after(self, step: int) -> bool:
        """Returns whether a checkpoint is due after a step."""
        every = self.config.train.checkpoint_every_epochs * self.steps_per_epoch
        return step % every == 0 or step == self.num_steps

    def logs_after(self, step: int) -> bool:
        """Returns whether scalars are due after a step."""
        return self.saves_after(step) or step % self.config.train.log_every_steps == 0


def build(config: ConfigDict, workdir: Path, builder: Any) -> Run:
    """Builds the run of a checked config, on the prepared TFDS builder of `config.data`.

    In a fold of a cross-validation the workdir says who is trained on. Raises UserError when the
    data do not have a split or batch that the config asks for.
    """
    devices.check_batch_size("train.batch_size", config.train.batch_size)
    devices.check_batch_size("evaluate.batch_size", config.evaluate.batch_size)
    crops = split.read(config, workdir, builder, config.data.train_split)
    validation = None
    if config.data.validation_split:
        validation = split.read(config, workdir, builder, config.data.validation_split)
    mean, std = float(crops.scores.mean()), float(crops.scores.std())
    steps_per_epoch = math.ceil(len(crops) / config.train.batch_size)
    num_steps = config.train.num_epochs * steps_per_epoch
    model = factory.make_model(
        config,
        axis_name=devices.AXIS,
        score_mean=mean,
        score_std=std,
    )
    optimizer = make_optimizer(config.optimizer, steps_per_epoch, num_steps)
    augmentation = AugmentSettings(**config.augment)
    step = make_train_step(model, optimizer, augmentation, config.loss, config.seed)
    provenance = Provenance(
        config=config.to_dict(),
        data=dict(builder.info.metadata),
        score_mean=mean,
        score_std=std,
        subject_means=subject_means(crops.videos),
        versions=versions.installed(),
    )
    return Run(
        config,
        crops,
        validation,
        provenance,
        model,
        optimizer,
        devices.parallel_step(step),
        steps_per_epoch,
        num_steps,
    )

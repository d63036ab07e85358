"""One training step, as a pure function of the state and a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import flax.struct
import jax
import jax.numpy as jnp
import optax

from hmhn_jax.input_pipeline.augment import AugmentSettings, augment, standardise
from hmhn_jax.models import HMHN
from hmhn_jax.runtime import devices
from hmhn_jax.training import divergence
from hmhn_jax.training.losses import mean_squared_error, partition_loss

if TYPE_CHECKING:  # any settings with these fields will do
    from ml_collections import ConfigDict


@flax.struct.dataclass
class TrainState:
    """State of a step: steps taken i32[], {"params", "batch_stats"}, and that of the optimiser."""

    step: jax.Array
    variables: Any
    opt_state: Any


def make_optimizer(
    settings: ConfigDict, steps_per_epoch: int, num_steps: int
) -> optax.GradientTransformationExtraArgs:
    """Makes AdamW, its rate reduced when the training loss stops falling (section 4.2.1).

    The paper's "adaptive learning rate strategy" with "learning factor 0.1" is read as: times 0.1
    after `plateau_patience` epochs whose mean training loss is no lower than the lowest before. The
    cosine schedule ends after `num_steps`; the settings are `config.optimizer`.
    """
    warmup = round(settings.warmup_epochs * steps_per_epoch)
    rate = settings.learning_rate
    if settings.schedule == "cosine":
        after = optax.cosine_decay_schedule(rate, max(1, num_steps - warmup))
    else:
        after = optax.constant_schedule(rate)
    schedule = optax.join_schedules([optax.linear_schedule(0.0, rate, warmup), after], [warmup])
    parts = [optax.adamw(schedule, weight_decay=settings.weight_decay)]
    if settings.clip_norm:
        parts.insert(0, optax.clip_by_global_norm(settings.clip_norm))
    if settings.plateau_factor < 1:
        parts.append(
            optax.contrib.reduce_on_plateau(
                factor=settings.plateau_factor,
                patience=settings.plateau_patience,
                accumulation_size=steps_per_epoch,
            )
        )
    return optax.with_extra_args_support(optax.chain(*parts))


def init_state(
    model: HMHN, optimizer: optax.GradientTransformation, image_size: int, seed: int
) -> TrainState:
    """Makes the state before the first step; the same for the same seed."""

    @jax.jit  # one compilation instead of one for every kind of operation
    def init() -> TrainState:
        images = jnp.zeros((1, image_size, image_size, 3))
        variables = model.init(jax.random.key(seed), images)
        return TrainState(jnp.zeros((), jnp.int32), variables, optimizer.init(variables["params"]))

    return init()


def make_train_step(
    model: HMHN,
    optimizer: optax.GradientTransformationExtraArgs,
    augmentation: AugmentSettings,
    loss_settings: ConfigDict,
    seed: int,
    measure: Callable[[dict], dict] | None = None,
) -> Callable:
    """Makes the function that `devices.parallel_step` compiles.

    Args:
      model: built with `axis_name=devices.AXIS`.
      optimizer: gets the loss as `value`.
      augmentation: of the crops.
      loss_settings: `config.loss`.
      seed: of everything random.
      measure: measure(aux) -> {"name": f32[]}, further metrics of what the model returned, which
        are averaged over the devices.

    Returns:
      step(state, batch) -> (state, metrics), where the batch is {"images": u8[B,S,S,3],
      "scores": f32[B]} and the metrics are f32[]: loss, mse, partition_loss and those of
      `divergence`. Everything random in it depends on (seed, step) and on an example's place in the
      whole batch.
    """

    def step(state: TrainState, batch: dict) -> tuple[TrainState, dict]:
        augment_key, dropout_key = jax.random.split(
            jax.random.fold_in(jax.random.key(seed), state.step)
        )
        rows = devices.row_indices(len(batch["scores"]))
        keys = jax.vmap(lambda row: jax.random.fold_in(augment_key, row))(rows)
        images = standardise(augment(batch["images"], keys, augmentation))

        def loss_fn(params):
            (predictions, aux), updates = model.apply(
                {"params": params, "batch_stats": state.variables["batch_stats"]},
                images,
                train=True,
                rngs={"dropout": dropout_key},
                mutable=["batch_stats"],
            )
            losses = {"mse": mean_squared_error(predictions, batch["scores"])}
            loss = losses["mse"]
            if "heads" in aux:  # a model without MAB has no heads to part
                losses["partition_loss"] = partition_loss(
                    aux["heads"], loss_settings.partition_ddof, loss_settings.partition_epsilon
                )
                loss += loss_settings.partition_weight * losses["partition_loss"]
            return loss, (losses | {"loss": loss}, updates["batch_stats"], aux)

        params = state.variables["params"]
        grads, (losses, batch_stats, aux) = jax.grad(loss_fn, has_aux=True)(params)
        grads, losses = devices.average((grads, losses))
        updates, opt_state = optimizer.update(grads, state.opt_state, params, value=losses["loss"])
        variables = {"params": optax.apply_updates(params, updates), "batch_stats": batch_stats}
        metrics = losses | divergence.gradient_norms(grads)
        metrics |= devices.average(divergence.forward_flags(batch_stats, aux))
        if measure is not None:
            metrics |= devices.average(measure(aux))
        return TrainState(state.step + 1, variables, opt_state), metrics

    return step

"""Attention fusion (AFB): normalises over the heads, sums them, and regresses the score."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.nn import initializers

from hmhn_jax.models.layers import at_least_float32, batch_norm


class AFB(nn.Module):
    """Fusion of the heads (section 3.5): log-softmax over them, then their sum.

    There is nothing to learn here; the partition loss acts on what this returns. One head alone is
    passed on as it is: its log-softmax would be 0 whatever the image.
    """

    @nn.compact
    def __call__(self, heads: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Fuses f[B,K,C] -> the fused vector f32[B,C] and the normalised heads f32[B,K,C]."""
        normalised = at_least_float32(heads)
        if heads.shape[1] > 1:
            normalised = jax.nn.log_softmax(normalised, axis=1)
        return normalised.sum(axis=1), normalised


class Regression(nn.Module):
    """Output layer: dropout, Dense to one number, batch normalisation of that number.

    Attributes:
      dropout_rate: share of the inputs set to zero in training.
      use_output_norm: whether the batch normalisation is there. Without it the scores start
        around 0, and training with summed maps is slow (docs/science/conditioning.md).
      score_mean, score_std: mean and standard deviation of the training scores;
        where the normalisation's bias and scale start.
      axis_name: device axis over which batch statistics are averaged.
    """

    dropout_rate: float = 0.2
    use_output_norm: bool = True
    score_mean: float = 0.0
    score_std: float = 1.0
    axis_name: str | None = None

    @nn.compact
    def __call__(self, features: jax.Array, train: bool) -> jax.Array:
        """Regresses f[B,C] -> scores f32[B], in points. Needs the rng "dropout" in training."""
        if train and self.dropout_rate > 0:
            keep = 1.0 - self.dropout_rate
            mask = batch_mask(self.make_rng("dropout"), keep, features.shape, self.axis_name)
            features = jnp.where(mask, features / keep, 0.0)
        score = nn.Dense(1, name="dense")(at_least_float32(features))
        if self.use_output_norm:
            score = batch_norm(
                train,
                self.axis_name,
                scale_init=initializers.constant(self.score_std),
                bias_init=initializers.constant(self.score_mean),
                # At first the spread of these numbers is tiny compared with their mean.
                use_fast_variance=False,
                name="output_bn",
            )(score)
        return score[:, 0]


def batch_mask(
    rng: jax.Array, keep: float, shape: tuple[int, ...], axis_name: str | None
) -> jax.Array:
    """Draws True with probability `keep`, bool[B,C]: this device's rows of the whole batch's mask.

    Drawn for the whole batch, so that an example's mask depends on its place in the batch and
    not on how many devices share the work (`nn.Dropout` would draw one for each device).
    """
    if axis_name is None:
        return jax.random.bernoulli(rng, keep, shape)
    rows = shape[0]
    whole = jax.random.bernoulli(rng, keep, (jax.lax.axis_size(axis_name) * rows, shape[1]))
    return jax.lax.dynamic_slice_in_dim(whole, jax.lax.axis_index(axis_name) * rows, rows)

"""Training losses (Eq. 10-11)."""

import jax
import jax.numpy as jnp

from hmhn_jax.base.shapes import check_same_shape


def mean_squared_error(predictions: jax.Array, scores: jax.Array) -> jax.Array:
    """Computes L_mse of Eq. 10 of f32[B] and f32[B], f32[] in squared points.

    Raises ValueError for unequal shapes; [B] against [B, 1] would silently broadcast to [B, B].
    """
    check_same_shape(predictions=predictions, scores=scores)
    return jnp.mean(jnp.square(predictions - scores))


def partition_loss(heads: jax.Array, ddof: int = 1, epsilon: float = 1e-6) -> jax.Array:
    """Computes L_att of Eq. 11, f32[], which is small when the heads differ from each other.

    The mean over samples and channels of log(1 + K / variance over the K heads); 0 for one head,
    which has nothing to differ from.

    Args:
      heads: f32[B,K,C], the heads after AFB's log-softmax; anything else raises ValueError.
      ddof: 1 divides the variance by K-1, as PyTorch does by default; 0 by K.
      epsilon: added to the variance, which is 0 when all heads agree.
    """
    if heads.ndim != 3:
        raise ValueError(f"heads must be [B, K, C], got shape {heads.shape}")
    num_heads = heads.shape[1]
    if num_heads == 1:
        return jnp.zeros((), heads.dtype)
    variance = jnp.var(heads, axis=1, ddof=ddof)
    return jnp.mean(jnp.log1p(num_heads / (variance + epsilon)))

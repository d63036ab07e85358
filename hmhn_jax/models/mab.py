"""Multi-head cross attention (MAB): several heads attend to regions of the face."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from hmhn_jax.models.fast.fused_batch_norm import FusedBatchNorm
from hmhn_jax.models.layers import batch_norm, conv

Kernels = Sequence[tuple[int, int]]

dense_init = nn.initializers.normal(stddev=0.001)  # as DAN starts its channel attention


class AttentionHead(nn.Module):
    """One head: spatial attention (Eq. 8), then channel attention (Eq. 9).

    Attributes:
      kernels: sizes of the parallel convolutions of the spatial attention.
      spatial_reduce: whether the spatial map is the "sum" or the "mean" over channels.
      axis_name, dtype: of `HMHN`.
    """

    kernels: Kernels = ((3, 3), (1, 3), (3, 1))
    spatial_reduce: str = "mean"
    axis_name: str | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, features: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
        """Attends f[B,H,W,C] -> the attended vector f[B,C] and the spatial map f[B,H,W]."""
        channels = features.shape[-1]

        def normalise(x, name):
            if x.ndim == 4:
                return FusedBatchNorm(axis_name=self.axis_name, name=name)(x, train)
            return batch_norm(train, self.axis_name, dtype=self.dtype, name=name)(x)

        reduced = conv(channels // 2, (1, 1), dtype=self.dtype, name="reduce_conv")(features)
        reduced = normalise(reduced, "reduce_bn")
        branches = 0.0
        for index, (height, width) in enumerate(self.kernels, start=1):
            name = f"branch{index}_{height}x{width}"
            branch = conv(channels, (height, width), dtype=self.dtype, name=f"{name}_conv")(reduced)
            branches = branches + normalise(branch, f"{name}_bn")
        reduce = {"sum": jnp.sum, "mean": jnp.mean}[self.spatial_reduce]
        spatial = reduce(nn.relu(branches), axis=-1)

        pooled = jnp.mean(features * spatial[..., None], axis=(1, 2))
        squeezed = nn.Dense(
            channels // 16, kernel_init=dense_init, dtype=self.dtype, name="squeeze_dense"
        )(pooled)
        squeezed = nn.relu(normalise(squeezed, "squeeze_bn"))
        gate = nn.Dense(channels, kernel_init=dense_init, dtype=self.dtype, name="excite_dense")
        return pooled * nn.sigmoid(gate(squeezed)), spatial


class MAB(nn.Module):
    """Parallel, independent heads (section 3.4), which have all fields but their number."""

    num_heads: int = 4
    kernels: Kernels = ((3, 3), (1, 3), (3, 1))
    spatial_reduce: str = "mean"
    axis_name: str | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, features: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
        """Attends f[B,H,W,C] -> the heads' vectors f[B,K,C] and their spatial maps f[B,K,H,W]."""
        heads, maps = zip(
            *(
                AttentionHead(
                    self.kernels,
                    self.spatial_reduce,
                    self.axis_name,
                    self.dtype,
                    name=f"head{index + 1}",
                )(features, train)
                for index in range(self.num_heads)
            ),
            strict=True,
        )
        return jnp.stack(heads, axis=1), jnp.stack(maps, axis=1)

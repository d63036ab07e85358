"""Hybrid multi-head cross attention network, HMHN (Li et al. 2023)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from hmhn_jax.models.afb import AFB, Regression
from hmhn_jax.models.dff import DFF
from hmhn_jax.models.gwa import GWA
from hmhn_jax.models.layers import at_least_float32
from hmhn_jax.models.mab import MAB, Kernels
from hmhn_jax.models.resnet import ResNet18


class HMHN(nn.Module):
    """The network: face image -> score (section 3, Fig. 2); 19.72 M parameters by default.

    Attributes:
      num_heads: K of MAB.
      grid: (h, w) of GWA.
      kernels: sizes of the parallel convolutions in MAB (Table 5).
      use_gwa, use_dff, use_mab: which blocks are there (Tables 3-4). Without MAB (and AFB with
        it) the trunk's features are averaged over the image. DFF needs GWA.
      width: channels of the trunk's first stage.
      lgfe_expansion: k of Table 2.
      gwa_softmax_axis: "grid" or "last", see `GWA`.
      spatial_reduce: "sum" or "mean", see `AttentionHead`.
      dropout_rate: before the last layer.
      use_output_norm, score_mean, score_std: of the last layer, see `Regression`.
      axis_name: device axis over which batch statistics are averaged in training.
      dtype: type of the computation; statistics, softmaxes and scores are at least float32.

    Raises:
      ValueError: for DFF without GWA.
    """

    num_heads: int = 4
    grid: tuple[int, int] = (3, 3)
    kernels: Kernels = ((3, 3), (1, 3), (3, 1))
    use_gwa: bool = True
    use_dff: bool = True
    use_mab: bool = True
    width: int = 64
    lgfe_expansion: int = 16
    gwa_softmax_axis: str = "grid"
    spatial_reduce: str = "mean"
    dropout_rate: float = 0.2
    use_output_norm: bool = True
    score_mean: float = 0.0
    score_std: float = 1.0
    axis_name: str | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, images: jax.Array, train: bool = False
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """Scores face images.

        Args:
          images: f[B,H,W,3], standardised.
          train: dropout on, batch statistics of the batch. Needs the rng "dropout".

        Returns:
          The scores f32[B] in points of the scale, unclipped, and what people look at:
            grid_weights: f32[B,h,w,3], GWA's weight of each grid and channel.
            features: f[B,H',W',C], the trunk's output.
            attention: f[B,K,H',W'], each head's spatial map.
            heads: f32[B,K,C], after the log-softmax.
          The entries of blocks that are switched off are absent.
        """
        if self.use_dff and not self.use_gwa:
            raise ValueError(
                "use_dff=True needs use_gwa=True: DFF fuses the image with GWA's output"
            )
        shared = {"axis_name": self.axis_name, "dtype": self.dtype}
        aux = {}
        images = images.astype(self.dtype)
        x = images
        if self.use_gwa:
            gwa = GWA(self.grid, self.lgfe_expansion, self.gwa_softmax_axis, **shared, name="gwa")
            x, aux["grid_weights"] = gwa(images, train)
        if self.use_dff:
            x = DFF(**shared, name="dff")(images, x, train)
        features = aux["features"] = ResNet18(self.width, **shared, name="trunk")(x, train)
        if self.use_mab:
            mab = MAB(self.num_heads, self.kernels, self.spatial_reduce, **shared, name="mab")
            heads, aux["attention"] = mab(features, train)
            fused, aux["heads"] = AFB(name="afb")(heads)
        else:
            fused = at_least_float32(features).mean(axis=(1, 2))
        regression = Regression(
            self.dropout_rate,
            self.use_output_norm,
            self.score_mean,
            self.score_std,
            self.axis_name,
            name="regression",
        )
        return regression(fused, train), aux

"""Network: pure Flax modules of (variables, images, rng), no I/O."""

from hmhn_jax.models.afb import AFB
from hmhn_jax.models.dff import DFF
from hmhn_jax.models.gwa import GWA
from hmhn_jax.models.hmhn import HMHN
from hmhn_jax.models.mab import MAB, AttentionHead
from hmhn_jax.models.resnet import ResNet18

__all__ = ["AFB", "DFF", "GWA", "HMHN", "MAB", "AttentionHead", "ResNet18"]

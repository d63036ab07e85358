"""The work that contestants share: the paper's network, and made-up images and scores.

Nothing here is of one framework.
"""

import dataclasses
from pathlib import Path

import numpy as np


@dataclasses.dataclass(frozen=True)
class Workload:
    """One size of the work.

    Attributes:
      batch_size, image_size: of the images, in pixels.
      fields: of the network that differ from the paper's, by names that ours and PyTorch's share.
    """

    batch_size: int = 16
    image_size: int = 224
    fields: dict = dataclasses.field(default_factory=dict)

    def crops(self) -> np.ndarray:
        """u8[B,S,S,3]: what a training step gets."""
        shape = (self.batch_size, self.image_size, self.image_size, 3)
        return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    def scores(self) -> np.ndarray:
        """BDI-II points, f32[B]."""
        return np.random.default_rng(1).uniform(0, 63, self.batch_size).astype(np.float32)

    def images(self) -> np.ndarray:
        """f32[B,S,S,3]: what the network gets, already standardised."""
        shape = (self.batch_size, self.image_size, self.image_size, 3)
        return np.random.default_rng(2).normal(size=shape).astype(np.float32)


TINY = Workload(2, 32, {"width": 2, "num_heads": 1, "lgfe_expansion": 1})


def onnx_path(folder: str | Path) -> Path:
    """The network for ONNX, at one batch size."""
    return Path(folder) / "network.onnx"

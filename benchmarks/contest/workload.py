"""Work shared by all contestants: the paper's network, and random images and scores.

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
        """Draws u8[B,S,S,3], the input of a training step."""
        shape = (self.batch_size, self.image_size, self.image_size, 3)
        return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    def scores(self) -> np.ndarray:
        """Draws BDI-II points, f32[B]."""
        return np.random.default_rng(1).uniform(0, 63, self.batch_size).astype(np.float32)

    def images(self) -> np.ndarray:
        """Draws f32[B,S,S,3], the network's input, already standardised."""
        shape = (self.batch_size, self.image_size, self.image_size, 3)
        return np.random.default_rng(2).normal(size=shape).astype(np.float32)


TINY = Workload(2, 32, {"width": 2, "num_heads": 1, "lgfe_expansion": 1})


def onnx_path(folder: str | Path) -> Path:
    """Returns the path of the ONNX network of one batch size."""
    return Path(folder) / "network.onnx"

"""Trained networks for use from Python: scores of files and crops, attention maps."""

import contextlib
import dataclasses
import logging
import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from hmhn_jax.base import scales
from hmhn_jax.base.errors import UserError
from hmhn_jax.base.notices import SYNTHETIC
from hmhn_jax.base.scale import Scale
from hmhn_jax.faces.aligned import as_path
from hmhn_jax.faces.crop import CropSettings
from hmhn_jax.faces.media.jpeg import resize
from hmhn_jax.prediction import attention, ensemble, predict, result
from hmhn_jax.prediction import residuals as residuals_lib
from hmhn_jax.prediction.conformal import Residuals
from hmhn_jax.prediction.ensemble import Network, Trained
from hmhn_jax.prediction.result import Prediction
from hmhn_jax.runtime import devices
from hmhn_jax.workdir import exported, stored_config

LOG = logging.getLogger("hmhn_jax")
EXPORTED_BATCH = 64  # crops scored at once by an exported network, which has no config of its own


@dataclasses.dataclass(frozen=True, eq=False)
class Predictor:
    """One or several trained networks, whose mean is the score; made by `load`.

    Attributes:
      members: the networks.
      batch_size: crops scored at once, a multiple of the devices.
      residuals: of a cross-validated workdir, for intervals; None of others.
      widest_interval: no score where the widest interval is wider, in points; 0: any.
    """

    members: tuple[Network, ...]
    batch_size: int
    residuals: Residuals | None = None
    widest_interval: float = 0.0

    @property
    def synthetic(self) -> bool:
        """Whether the training data were drawn faces: then scores say nothing about people."""
        return ensemble.is_synthetic(self.members)

    @property
    def scale(self) -> Scale:
        """The rating scale of the scores, that of the training data."""
        return scales.of(self.members[0].data)

    @property
    def crop_settings(self) -> CropSettings:
        """How the training crops were made, for `hmhn_jax.crop`."""
        return result.crop_settings(self.members[0].data)[0]

    def predict(
        self,
        paths: str | os.PathLike | Iterable[str | os.PathLike],
        num_processes: int | None = None,
    ) -> Iterator[Prediction]:
        """Scores videos and pictures, as `--mode predict` does; a bad one does not stop the others.

        Args:
          paths: of files, one or several.
          num_processes: how many make crops; when None, as many as cores are usable, but no more
            than files. With 1, no process is started.

        Returns:
          An iterator over one result a file, in their order: each file is scored when it is asked
          for. One that could not be read has an `error`, one without a face no `score`.

        Raises:
          TypeError: a path is neither a str nor an `os.PathLike`.
        """
        several: Any = paths
        if isinstance(paths, str | bytes | os.PathLike) or not isinstance(paths, Iterable):
            several = [paths]
        found = [as_path(each) for each in several]
        return predict.predict_files(
            self.members,
            found,
            self.batch_size,
            num_processes,
            residuals=self.residuals,
            widest_interval=self.widest_interval,
        )

    def score(self, images: np.ndarray) -> np.ndarray:
        """Scores face crops one by one.

        Args:
          images: u8[N,S,S,3], RGB, aligned as `hmhn_jax.crop` does; any side S, they are scaled to
            that of the network.

        Returns:
          f32[N], in points of `scale`. They are not clipped; a video's score is the mean over its
          crops, clipped to the scale.

        Raises:
          TypeError: they are no array, or not of uint8.
          ValueError: they are of another shape.
        """
        images = self._scaled(images)
        if not len(images):
            return np.zeros(0, np.float32)
        args = self.members, images.__getitem__, len(images), self.batch_size
        return predict.score_images(*args).mean(axis=0)

    def attention(self, images: np.ndarray) -> np.ndarray | None:
        """Computes where the heads of the first network look (Eq. 8).

        Args:
          images: as for `score`.

        Returns:
          f32[N,K,H,W], not negative; None of a network without heads (`model.use_mab=False`).

        Raises:
          TypeError, ValueError: as for `score`.
          UserError: the network is an exported one, which gives scores only.
        """
        first, images = self.members[0], self._scaled(images)
        if not isinstance(first, Trained):
            raise UserError("an exported network has no attention maps; load its workdir instead")
        return attention.maps(first, images)

    def _scaled(self, images: Any) -> np.ndarray:
        if not isinstance(images, np.ndarray):
            raise TypeError(f"expected images as a NumPy array, got {type(images).__name__}")
        if images.dtype != np.uint8:
            raise TypeError(f"expected images of uint8, 0 to 255, got {images.dtype}")
        if images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[3] != 3:
            raise ValueError(f"expected images of shape [N,S,S,3], got {list(images.shape)}")
        size = self.members[0].image_size
        if images.shape[1] == size:
            return images
        return np.array([resize(each, size) for each in images]).reshape(-1, size, size, 3)


def load(path: str | os.PathLike, *more: str | os.PathLike) -> Predictor:
    """Loads the trained network of a workdir, or an exported one.

    Args:
      path: a workdir (its config chooses the last or the best checkpoint; a cross-validated one
        gives the mean of its folds, with intervals), or the file or folder that `--mode export`
        wrote.
      more: further workdirs; the score is the mean over all networks.

    Raises:
      TypeError: a path is neither a str nor an `os.PathLike`.
      UserError: there is no network, it is damaged, or the networks take other crops.
    """
    paths = [as_path(each) for each in (path, *more)]
    residuals, widest_interval = None, 0.0
    if len(paths) == 1 and exported.is_exported(paths[0]):
        members: tuple[Network, ...] = (exported.read(paths[0]),)
        batch_size = EXPORTED_BATCH
    else:
        config = stored_config.load(paths[0])
        if config is None:
            path = stored_config.config_path(paths[0])
            raise UserError(f"expected a workdir or an exported network, found no {path}")
        with _quiet_orbax():
            trained, batch_size = ensemble.restore(config, paths), config.evaluate.batch_size
        members = trained
        if len(paths) == 1:
            residuals = residuals_lib.read_for(paths[0], trained)
            widest_interval = config.cv.widest_interval
    batch_size += -batch_size % devices.count()
    predictor = Predictor(members, batch_size, residuals, widest_interval)
    if predictor.synthetic:
        LOG.warning("%s: %s", paths[0], SYNTHETIC)
    return predictor


@contextlib.contextmanager
def _quiet_orbax() -> Iterator[None]:
    """Hides Orbax's warnings that a checkpoint is opened to be read only, as it is meant to be."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)

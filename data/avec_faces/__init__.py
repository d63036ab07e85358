"""TFDS dataset `avec_faces`; importing this package registers it."""

from absl import app

from .avec_faces_dataset_builder import Builder
from .command import OneLine
from .configs import FacesConfig
from .decoding import DECODERS

app.install_exception_handler(OneLine())

__all__ = ["DECODERS", "Builder", "FacesConfig"]

"""The TFDS dataset `avec_faces`; importing this package registers it."""

from .avec_faces_dataset_builder import Builder
from .configs import FacesConfig

__all__ = ["Builder", "FacesConfig"]

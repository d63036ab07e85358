"""The configs of `avec_faces`: where the videos come from and how they are cropped."""

import dataclasses
import hashlib
import json
from pathlib import Path

import tensorflow_datasets as tfds

from hmhn_jax.faces.crops import CropSettings
from hmhn_jax.faces.recordings import Recording, read_labels
from hmhn_jax.faces.synthetic import SyntheticSettings, write_dataset
from hmhn_jax.faces.synthetic.dataset import RENDERER_VERSION

EVERY_FRAME = CropSettings(rate_hz=None, max_frames_per_video=None)


@dataclasses.dataclass(eq=False, kw_only=True)
class FacesConfig(tfds.core.BuilderConfig):
    """One dataset of face crops.

    On the command line a config can also be given by its fields:
    `tfds build avec_faces --config '{"name": "small", "videos": {"num_train": 8}}'`.

    Attributes:
      videos: the rendered videos: how many, how long, from which seed.
      crops: how faces are cropped.
      max_failed_share: the build fails if a larger share of the videos, 0 to 1, gives no crops.
      num_processes: how many render and crop at once, all usable cores when None. The data do
        not depend on it.
    """

    videos: SyntheticSettings = dataclasses.field(default_factory=SyntheticSettings)
    crops: CropSettings = EVERY_FRAME
    max_failed_share: float = 0.0
    num_processes: int | None = None

    def __post_init__(self):
        if isinstance(self.videos, dict):
            self.videos = SyntheticSettings(**self.videos)
        if isinstance(self.crops, dict):
            self.crops = CropSettings(**self.crops)

    @property
    def is_synthetic(self) -> bool:
        """Whether the faces are rendered, so that no report takes them for people."""
        return isinstance(self.videos, SyntheticSettings)


CONFIGS = [
    FacesConfig(
        name="synthetic",
        description="Rendered talking faces of invented people, with scores that show in the face.",
    ),
]


def videos_folder(config: FacesConfig, download_dir: Path) -> Path:
    """Where the rendered videos lie: one folder for each setting of the renderer."""
    settings = {"renderer_version": RENDERER_VERSION, **dataclasses.asdict(config.videos)}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    return download_dir / f"synthetic-{digest[:8]}"


def find_recordings(config: FacesConfig, download_dir: Path) -> list[Recording]:
    """Gives a config's videos, rendering those that are not there yet.

    Args:
      config: which.
      download_dir: keeps the rendered videos to be looked at and built from again, in
        `videos_folder`.

    Raises:
      UserError: the folder cannot be written, or the labels are wrong.
    """
    folder = videos_folder(config, download_dir)
    return read_labels(write_dataset(folder, config.videos, config.num_processes))

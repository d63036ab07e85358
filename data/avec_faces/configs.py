"""Configs of `avec_faces`: sources of videos and crop settings."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from hmhn_jax.base.errors import UserError
from hmhn_jax.base.scale import Scale
from hmhn_jax.faces.crop import CropSettings
from hmhn_jax.recordings import sources
from hmhn_jax.recordings.avec import AvecSettings
from hmhn_jax.recordings.folder import FolderSettings
from hmhn_jax.recordings.recording import Found
from hmhn_jax.recordings.synthetic import SyntheticSettings, write_dataset
from hmhn_jax.recordings.synthetic.dataset import described
from hmhn_jax.recordings.tables.labels import read_labels

EVERY_FRAME = CropSettings(rate_hz=None, max_frames_per_video=None)

# One alignment is known to fail on five of AVEC 2013's 150 videos (3.3 %). That, and some room for
# damaged files, is let pass and reported; more than 10 % is no accident of a few files.
MAX_FAILED_SHARE_OF_REAL = 0.1


@dataclasses.dataclass(eq=False, kw_only=True)
class FacesConfig(tfds.core.BuilderConfig):
    """One dataset of face crops.

    On the command line a config can also be given by its fields:
    `tfds build avec_faces --config '{"name": "small", "videos": {"num_train": 8}}'`.

    Attributes:
      videos: the source. As a dictionary, its key "source" is one of `sources.SOURCES`, "synthetic"
        if left out, and the other keys are fields of that source's settings.
      crops: how faces are cropped, `CropSettings` or a dictionary of its fields; when None, every
        frame of rendered videos, and the defaults, one frame a second and at most 120 a video, of
        real ones.
      max_failed_share: the build fails if a larger share of the videos, 0 to 1, gives no crops;
        when None, 0 for rendered and `MAX_FAILED_SHARE_OF_REAL` for real ones.
      num_processes: how many render and crop at once, all usable cores when None. The data do
        not depend on it.
      contact_sheet_faces: whether the contact sheet shows crops.
      contact_sheet_pseudonyms: whether it has pseudonyms for names, and no paths. The key is
        pseudonyms.csv beside it; `summary.json` and the data keep the names.
      beam_options: pipeline options of Apache Beam, {"runner": ..., ...}, which then crops in
        place of these processes; `tfds build --beam_pipeline_options` goes before them. The data
        do not depend on them either.
    """

    videos: sources.Settings = dataclasses.field(default_factory=SyntheticSettings)
    crops: Any = None
    max_failed_share: float | None = None
    num_processes: int | None = None
    contact_sheet_faces: bool = True
    contact_sheet_pseudonyms: bool = False
    beam_options: dict | None = None

    def __post_init__(self):
        if isinstance(self.videos, dict):
            self.videos = sources.settings_from(self.videos)
        if self.crops is None:
            self.crops = EVERY_FRAME if self.is_synthetic else CropSettings()
        elif isinstance(self.crops, dict):
            self.crops = _crop_settings(self.crops)
        if self.max_failed_share is None:
            self.max_failed_share = 0.0 if self.is_synthetic else MAX_FAILED_SHARE_OF_REAL

    @property
    def is_synthetic(self) -> bool:
        """True if the faces are rendered, so that no report takes them for people."""
        return isinstance(self.videos, SyntheticSettings)


CONFIGS = [
    FacesConfig(
        name="synthetic",
        description="Rendered talking faces of invented people, with scores that show in the face.",
    ),
    FacesConfig(
        name="avec2013",
        description="AVEC 2013, which must be had under licence from its owners.",
        videos=AvecSettings(2013),
    ),
    FacesConfig(
        name="avec2014",
        description="AVEC 2014, both tasks, which must be had under licence from its owners.",
        videos=AvecSettings(2014),
    ),
    FacesConfig(
        name="folder",
        description="Anyone's videos: a folder with one table that lists them.",
        videos=FolderSettings(),
    ),
]


def _crop_settings(values: dict) -> CropSettings:
    try:
        return CropSettings(**values)
    except TypeError as error:
        raise UserError(f"crops: {error}") from error


def videos_folder(config: FacesConfig, download_dir: Path) -> Path:
    """Returns the folder of rendered videos: one for each setting of the renderer."""
    assert isinstance(config.videos, SyntheticSettings)
    settings = json.dumps(described(config.videos), sort_keys=True)
    digest = hashlib.sha256(settings.encode()).hexdigest()
    return download_dir / f"synthetic-{digest[:8]}"


def find_recordings(
    config: FacesConfig, download_dir: Path, manual_dir: Path, scale: Scale | None = None
) -> Found:
    """Finds a config's videos; synthetic ones that are missing are rendered.

    Args:
      config: which.
      download_dir: keeps the rendered videos to be looked at and built from again, in
        `videos_folder`.
      manual_dir: holds the videos that a person has put there.
      scale: of the scores, where nothing says it.

    Raises:
      NoDataError: there are no videos.
      UserError: the folder cannot be written, or what is in it cannot be taken as it is.
    """
    if isinstance(config.videos, SyntheticSettings):
        folder = videos_folder(config, download_dir)
        labels = write_dataset(folder, config.videos, config.num_processes)
        drawn = config.videos.rating_scale()
        return Found(tuple(read_labels(labels, drawn)), scale=drawn)
    found = sources.find(config.videos, manual_dir, scale)
    found.refuse_problems()
    return found

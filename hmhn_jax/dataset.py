"""The prepared dataset that a config names: found on disk, or made when missing."""

import contextlib
import io
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from hmhn_jax.errors import UsageError

DATASET = "avec_faces"


def manual_directory(settings: ConfigDict) -> Path:
    """Where a person puts videos: `config.data.manual_dir`, or where TFDS looks by default."""
    import tensorflow_datasets as tfds

    if settings.manual_dir:
        return Path(settings.manual_dir).expanduser()
    data_dir = Path(settings.data_dir or tfds.core.constants.DATA_DIR).expanduser()
    return data_dir / "downloads" / "manual"


def open_dataset(settings: ConfigDict) -> Any:
    """Opens a TFDS dataset, building it first when that was not done yet.

    The dataset's builder must have been imported, which registers it.

    Args:
      settings: `config.data`.

    Returns:
      The prepared `tfds.core.DatasetBuilder`.

    Raises:
      UsageError: for a dataset that is not known.
      UserError: when it cannot be built.
    """
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(settings.dataset, data_dir=settings.data_dir or None)
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        configs = tfds.builder_cls(DATASET).builder_configs
        known = ", ".join(f"{DATASET}/{config}" for config in configs)
        raise UsageError(
            f"config.data.dataset must be one of {known}, or one that is prepared already in "
            f"{settings.data_dir or tfds.core.constants.DATA_DIR}, got {settings.dataset!r}"
        ) from error
    if builder.name != DATASET:
        raise UsageError(f"config.data.dataset must be {DATASET}/..., got {settings.dataset!r}")
    if not builder.is_prepared():
        print(f"preparing {settings.dataset} in {builder.data_path}", flush=True)
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS's own words; ours go to stderr
            builder.download_and_prepare(
                download_config=tfds.download.DownloadConfig(manual_dir=manual_directory(settings))
            )
    return builder

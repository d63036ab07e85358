"""The prepared dataset that a config names: found on disk, or made when missing."""

import contextlib
import io
from typing import Any

from ml_collections import ConfigDict

from hmhn_jax.errors import UsageError


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
        reason = str(error).strip().splitlines()[0]
        raise UsageError(f"config.data.dataset={settings.dataset!r}: {reason}") from error
    if not builder.is_prepared():
        print(f"preparing {settings.dataset} in {builder.data_path}", flush=True)
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS's own words; ours go to stderr
            builder.download_and_prepare()
    return builder

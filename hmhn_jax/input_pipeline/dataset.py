"""Prepared dataset of a config: found on disk, or built when missing."""

import contextlib
import hashlib
import io
import json
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from hmhn_jax.base.errors import UsageError, UserError, reason_of
from hmhn_jax.recordings import sources

DATASET = "avec_faces"
DESCRIPTIONS = ("dataset_info.json", "features.json", "metadata.json")
CHECKSUMS = "checksums.json"  # of the descriptions: TFDS itself checks only records


def description_checksums(folder: Path) -> bytes:
    """Returns the content of a dataset's `CHECKSUMS`: {file: sha256} of each of `DESCRIPTIONS`."""
    files = [folder / name for name in DESCRIPTIONS if (folder / name).exists()]
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return (json.dumps(digests, indent=2) + "\n").encode()


def data_directory(settings: ConfigDict) -> Path:
    """Returns the datasets' folder: `config.data.data_dir`, or the default of TFDS."""
    import tensorflow_datasets as tfds

    return Path(settings.data_dir or tfds.core.constants.DATA_DIR).expanduser()


def manual_directory(settings: ConfigDict) -> Path:
    """Returns the manual directory: `config.data.manual_dir`, or the default of TFDS."""
    if settings.manual_dir:
        return Path(settings.manual_dir).expanduser()
    return data_directory(settings) / "downloads" / "manual"


def open_dataset(settings: ConfigDict, report: ConfigDict | None = None) -> Any:
    """Opens the TFDS dataset of `config.data`, building it first when that was not done yet.

    The dataset's builder must have been imported, which registers it. `report` is `config.report`,
    for the contact sheet of a dataset that is built. Returns the prepared
    `tfds.core.DatasetBuilder`; raises UsageError for a dataset that is not known, UserError when it
    cannot be built, which names the data_dir, as that may be of another machine.
    """
    folder = data_directory(settings)
    was_there = folder.is_dir()
    is_prepared = any((folder / settings.dataset).glob("*/dataset_info.json"))
    try:
        return _open(settings, report)
    except UserError as error:
        is_of_a_place = isinstance(error, sources.NoDataError | UsageError)
        if was_there and (is_prepared or not is_of_a_place):
            raise
        lacks = f"has no {settings.dataset}" if was_there else "is not there"
        kind = UsageError if isinstance(error, UsageError) else UserError
        raise kind(
            f"{error}; config.data.data_dir={folder} {lacks}: if the data are elsewhere, "
            "--config.data.data_dir=DIR says where"
        ) from error


def _open(settings: ConfigDict, report: ConfigDict | None) -> Any:
    import tensorflow_datasets as tfds

    data_dir = data_directory(settings)
    known = [f"{DATASET}/{config}" for config in tfds.builder_cls(DATASET).builder_configs]
    prepared = settings.dataset.startswith(f"{DATASET}/") and (data_dir / settings.dataset).is_dir()
    if settings.dataset not in known and not prepared:
        raise UsageError(
            f"config.data.dataset must be one of {', '.join(known)}, or one that is prepared "
            f"already in {data_dir}, got {settings.dataset!r}"
        )
    try:
        builder = tfds.builder(settings.dataset, data_dir=data_dir)
    except Exception as error:  # TFDS lets through whatever reading its files may raise
        raise UserError(
            f"cannot open {data_dir / settings.dataset} with tensorflow-datasets "
            f"{tfds.__version__}: {type(error).__name__}: {reason_of(error)}; if it is damaged, "
            "delete it and it is built again"
        ) from error
    if hasattr(builder.builder_config, "videos"):
        builder.videos = sources.with_choices(builder.builder_config.videos, settings)
    elif given := [name for name in sources.CHOICES if settings[name]]:
        raise UsageError(
            f"config.data.{given[0]} changes nothing in {settings.dataset}, which is prepared"
        )
    if report is not None:
        builder.contact_sheet_faces = report.faces
        builder.contact_sheet_pseudonyms = report.pseudonyms
    folder = Path(builder.data_path)
    manual = tfds.download.DownloadConfig(manual_dir=manual_directory(settings))
    try:
        if not builder.is_prepared():
            print(f"preparing {settings.dataset} in {folder}", flush=True)
        elif (sums := folder / CHECKSUMS).exists() and (  # older versions wrote none
            sums.read_bytes() != description_checksums(folder)
        ):
            raise UserError(
                f"cannot open {folder}: {', '.join(DESCRIPTIONS)} are not what was written "
                "when it was prepared; delete the folder and it is built again"
            )
        # Of a prepared one the builder makes sure that its labels are still those on disk.
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS's own words; ours go to stderr
            builder.download_and_prepare(download_config=manual)
    except OSError as error:
        raise UserError(f"cannot prepare {builder.data_path}: {error}") from error
    return builder

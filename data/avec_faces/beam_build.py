"""A build whose videos are cropped by Apache Beam's workers, not by processes of its own."""

import contextlib
import dataclasses
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow_datasets as tfds
from etils import epath

from hmhn_jax.errors import SoftwareFault, UserError
from hmhn_jax.faces.crop_report import CropReport
from hmhn_jax.faces.recordings import Recording

from .command import say_how_many_are_cached
from .configs import FacesConfig
from .provenance import refuse_failures

# Apache Beam takes a second to import, which builds without it do not spend: it is imported below.

RECORDS = "crop_records"  # in the dataset's folder, until all is there


def is_asked_for(download_config: tfds.download.DownloadConfig) -> bool:
    """Whether Beam is to crop, such as by `tfds build --beam_pipeline_options`."""
    return bool(download_config.beam_options or download_config.beam_runner)


def with_options_of(
    config: FacesConfig, download_config: tfds.download.DownloadConfig
) -> tfds.download.DownloadConfig:
    """Puts in the config's own Beam options where the caller has given none."""
    if not config.beam_options or is_asked_for(download_config):
        return download_config
    from apache_beam.options.pipeline_options import PipelineOptions

    options = PipelineOptions.from_dictionary(dict(config.beam_options))
    return dataclasses.replace(download_config, beam_options=options)


@dataclasses.dataclass(frozen=True)
class BeamBuild:
    """The part of one build that is done by Beam.

    Attributes:
      recordings: whose videos are cropped.
      config: how.
      data_path: the folder of the dataset, in the making.
    """

    recordings: Sequence[Recording]
    config: FacesConfig
    data_path: epath.Path

    def examples_by_split(self, pipeline, manual_dir: Path, cache_dir: Path | None) -> dict:
        """Adds the cropping to a pipeline; {split: PCollection of (key, fields)}.

        Raises:
          UserError: the workers' copy of the manual directory cannot have all videos.
        """
        from hmhn_jax.faces import crop_pipeline

        url = pipeline.options.view_as(crop_pipeline.CropOptions).videos_url
        urls = url and [_url_in(url, each, manual_dir) for each in self.recordings]
        print(f"cropping faces: {len(self.recordings)} videos with Apache Beam", file=sys.stderr)
        return crop_pipeline.examples_by_split(
            pipeline,
            self.recordings,
            self.config.crops,
            self.data_path / RECORDS,
            cache_dir,
            urls,
        )

    def take_reports(self) -> list[CropReport]:
        """What the workers have said of each video, when the pipeline has ended well.

        Raises:
          UserError: they have not said it where this process looks.
        """
        reports = self._reports()
        if len(reports) < len(self.recordings):
            raise UserError(
                f"{len(reports)} of {len(self.recordings)} videos have a record in "
                f"{self.data_path / RECORDS}: Apache Beam's workers must share that folder with "
                "the machine that starts them"
            )
        (self.data_path / RECORDS).rmtree()
        say_how_many_are_cached([each.from_cache for each in reports])
        return reports

    @contextlib.contextmanager
    def in_one_line(self) -> Iterator[None]:
        """Makes of what ends a pipeline, mostly a worker's whole traceback, a UserError."""
        try:
            yield
        except (UserError, SoftwareFault) as error:
            raise type(error)(_last_line(str(error))) from error
        except Exception as error:
            reports = self._reports()
            # TFDS stops at a split without crops and does not say why there are none.
            if len(reports) == len(self.recordings):
                refuse_failures(reports, self.config.max_failed_share)
            line = _last_line(str(error))
            if SoftwareFault.__name__ in str(error):
                raise SoftwareFault(line) from error
            raise UserError(f"Apache Beam: {line}") from error

    def _reports(self) -> list[CropReport]:
        from hmhn_jax.faces.crop_pipeline import read_reports

        return read_reports(self.recordings, self.data_path / RECORDS)


def _url_in(folder_url: str, recording: Recording, manual_dir: Path) -> str:
    path = os.path.relpath(recording.path, manual_dir)
    if path.startswith(".."):
        raise UserError(
            f"{recording.path} is not in {manual_dir}, of which {folder_url} should be a copy"
        )
    return f"{folder_url.rstrip('/')}/{Path(path).as_posix()}"


def _last_line(text: str) -> str:
    """Of a traceback what was raised; of any other text all of it, in one line."""
    lines = text.strip().splitlines()
    if any(line.startswith("Traceback ") for line in lines):
        lines = [re.sub(r"^[\w.]*(UserError|SoftwareFault): ", "", lines[-1])]
    return re.sub(r" \[while running '.*'\]$", "", " ".join(" ".join(lines).split()))

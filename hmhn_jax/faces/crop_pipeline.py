"""The face crops of many videos under Apache Beam: by workers on one machine or on many.

Workers share no memory with the program that starts them. What they have to say of a video goes
into a file of its own, a line of JSON, in a folder that both of them reach.
"""

import contextlib
import functools
import json
import platform
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from etils import epath

from hmhn_jax import atomic
from hmhn_jax.errors import UserError
from hmhn_jax.faces.crop_jobs import crop_file, use_one_thread
from hmhn_jax.faces.crop_report import CropReport, from_record, report
from hmhn_jax.faces.crops import (
    ENGINE_VERSION,
    SOFTWARE,
    CropFailure,
    CropSettings,
    VideoCrops,
)
from hmhn_jax.faces.detection import landmark_model, load_detector
from hmhn_jax.faces.examples import examples_of
from hmhn_jax.faces.fault_counter import FaultCounter
from hmhn_jax.faces.recordings import Recording

# What decides on the crops of a video, beside the settings.
VERSIONS = {"cropping engine": ENGINE_VERSION, **SOFTWARE}


def examples_by_split(
    pipeline: beam.Pipeline,
    recordings: Sequence[Recording],
    settings: CropSettings,
    records_dir: epath.Path,
    cache_dir: Path | None = None,
    urls: Sequence[str] | None = None,
) -> dict[str, beam.PCollection]:
    """Adds to a pipeline what crops the videos; the crops are those of `crop_jobs.crop_videos`.

    Args:
      pipeline: not running yet.
      recordings: whose videos.
      settings: for all of them.
      records_dir: a new folder, in a bucket too, that every worker reaches; see `read_reports`.
      cache_dir: as for `crop_videos`, for workers that share a file system.
      urls: where workers find each video, anything that Beam's FileSystems opens; the recordings'
        own paths when None.

    Returns:
      {split: (key, fields) of each crop}, see `examples_of`. A video without crops has none, and
      does not end the pipeline.
    """
    records_dir.mkdir(parents=True)
    if cache_dir is not None and cache_dir.is_dir():
        atomic.remove_abandoned(cache_dir)
    urls = urls or [None] * len(recordings)
    videos = list(zip(range(len(recordings)), recordings, urls, strict=True))
    splits = list(dict.fromkeys(recording.split for recording in recordings))
    crop = CropVideo(len(videos), settings, records_dir, cache_dir)
    # All splits in one step, so that every video has been looked at before anything is written.
    crops = (
        pipeline
        | "Videos" >> beam.Create(videos, reshuffle=False)
        | "Spread" >> beam.Reshuffle()
        | "Crop" >> beam.ParDo(crop).with_outputs(*splits)
    )
    return {split: crops[split] for split in splits}


def read_reports(recordings: Sequence[Recording], records_dir: epath.Path) -> list[CropReport]:
    """Gives what the workers have said so far: a report a video, in the recordings' order."""
    records = {}
    for file in records_dir.glob("*.json"):
        with contextlib.suppress(json.JSONDecodeError):  # half of one, of a worker that was ended
            record = json.loads(file.read_text())
            number = record.pop("number")
            if number not in records or record["failure"] is None:  # retried: what worked counts
                records[number] = record
    return [from_record(recordings[number], records[number]) for number in sorted(records)]


class CropOptions(PipelineOptions):
    """Pipeline options of ours, given among Beam's own."""

    @classmethod
    def _add_argparse_args(cls, parser):
        parser.add_argument(
            "--videos_url",
            help="where workers find a copy of the manual directory, such as gs://BUCKET/manual",
        )


class CropVideo(beam.DoFn):
    """(number, recording, URL or None) -> the examples of its crops, tagged with their split."""

    def __init__(
        self,
        num_videos: int,
        settings: CropSettings,
        records_dir: epath.Path,
        cache_dir: Path | None = None,
    ):
        self._num_videos = num_videos
        self._settings = settings
        self._records_dir = records_dir
        self._cache_dir = cache_dir
        self._versions = VERSIONS  # of the machine that starts the pipeline

    def setup(self):
        """Called once a worker; for threads once each, as they may not share a detector.

        Raises:
          UserError: the worker has other software, which may give other crops, or lacks some.
        """
        if self._versions != VERSIONS:
            raise UserError(
                f"the worker {platform.node()} has {_listed(VERSIONS)}, which may give other "
                f"crops than {_listed(self._versions)} here: install the same on both"
            )
        landmark_model()  # or say at once that it is missing
        use_one_thread()
        self._detector = functools.cache(load_detector)
        self._faults = FaultCounter(self._num_videos)

    def process(self, video):
        number, recording, url = video
        result = self._crop(recording, url)
        self._write_record(number, recording, result)
        self._faults.count(recording.path, result)
        if isinstance(result, VideoCrops):
            for example in examples_of(recording, result):
                yield beam.pvalue.TaggedOutput(recording.split, example)

    def _crop(self, recording: Recording, url: str | None) -> VideoCrops | CropFailure:
        # The machine that starts the pipeline has seen the file: say who does not.
        if not (recording.path.is_file() if url is None else FileSystems.exists(url)):
            where = "at its path" if url is None else f"at {url}"
            return CropFailure(f"no such file {where} for the worker {platform.node()}", None)
        with contextlib.nullcontext(recording.path) if url is None else _local_copy(url) as path:
            return crop_file(
                path, self._detector, self._settings, self._cache_dir, part=recording.part
            )

    def _write_record(self, number: int, recording: Recording, result) -> None:
        content = json.dumps({"number": number, **report(recording, result).record()})
        # Beam may try a video twice, even at the same time: each writes a file of its own.
        name = f"{number:06d}-{uuid.uuid4().hex[:12]}.json"
        (self._records_dir / name).write_text(content)


@contextlib.contextmanager
def _local_copy(url: str) -> Iterator[Path]:
    """Yields the path of a copy: what decodes videos wants files, and reads them more than once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / url.rsplit("/", 1)[-1]
        with (
            FileSystems.open(url, compression_type=CompressionTypes.UNCOMPRESSED) as stream,
            path.open("wb") as file,
        ):
            shutil.copyfileobj(stream, file)
        yield path


def _listed(versions: dict) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())

"""The face crops of a split's videos by Apache Beam: by workers on one machine or on many.

Workers share no memory with the program that starts them. What they have to say of a video goes
into a file of its own, a line of JSON, in a folder that both of them reach.
"""

import contextlib
import functools
import json
import platform
import re
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

from hmhn_jax.base.errors import SoftwareFault, UserError
from hmhn_jax.faces.crop import ENGINE_VERSION, SOFTWARE, CropFailure, CropSettings, VideoCrops
from hmhn_jax.faces.detection.detector import landmark_model, load_detector
from hmhn_jax.faces.examples import examples_of
from hmhn_jax.faces.fault_counter import FaultCounter
from hmhn_jax.faces.jobs import crop_file, use_one_thread
from hmhn_jax.faces.report import CropReport, from_record, report
from hmhn_jax.recordings.recording import Recording

# What decides on the crops of a video, in addition to the settings.
VERSIONS = {"cropping engine": ENGINE_VERSION, **SOFTWARE}


class CropOptions(PipelineOptions):
    """Pipeline options of this package, given among Beam's own."""

    @classmethod
    def _add_argparse_args(cls, parser):
        parser.add_argument(
            "--videos_url",
            help="where workers find a copy of the manual directory, such as gs://BUCKET/manual",
        )


class CropVideo(beam.DoFn):
    """(recording, its URL or None) -> (key, fields) of each crop, see `examples_of`.

    A video without crops has none, and does not end the pipeline; its record says why.

    Attributes:
      num_videos: in the pipeline.
      settings: for all of them.
      records_dir: a folder, in a bucket too, that every worker reaches; see `read_reports`.
      cache_dir: as for `jobs.crop_videos`, for workers that share a file system.
    """

    def __init__(
        self,
        num_videos: int,
        settings: CropSettings,
        records_dir: epath.Path,
        cache_dir: Path | None = None,
    ):
        self.num_videos, self.settings = num_videos, settings
        self.records_dir, self.cache_dir = records_dir, cache_dir
        self.versions = VERSIONS  # of the machine that starts the pipeline

    def setup(self):
        """Prepares a worker, or each thread of one, as threads may not share a detector.

        Raises UserError if it has other software, which may give other crops, or lacks some.
        """
        if self.versions != VERSIONS:
            raise UserError(
                f"the worker {platform.node()} has {VERSIONS}, which may give other crops than "
                f"{self.versions} here: install the same on both"
            )
        landmark_model()  # or say at once that it is missing
        use_one_thread()
        self.detector = functools.cache(load_detector)
        self.faults = FaultCounter(self.num_videos)

    def process(self, video):
        recording, url = video
        result = self.crop(recording, url)
        record = {"video_id": recording.video_id, **report(recording, result).record()}
        # Beam may try a video twice, even at the same time: each writes a file of its own.
        (self.records_dir / f"{uuid.uuid4().hex}.json").write_text(json.dumps(record))
        self.faults.count(recording.path, result)
        if isinstance(result, VideoCrops):
            yield from examples_of(recording, result)

    def crop(self, recording: Recording, url: str | None) -> VideoCrops | CropFailure:
        """Crops a video, or says why there are no crops."""
        # The machine that starts the pipeline has seen the file: say who does not.
        if not (recording.path.is_file() if url is None else FileSystems.exists(url)):
            where = "at its path" if url is None else f"at {url}"
            return CropFailure(f"no such file {where} for the worker {platform.node()}", None)
        with contextlib.nullcontext(recording.path) if url is None else _local_copy(url) as path:
            return crop_file(
                path, self.detector, self.settings, self.cache_dir, part=recording.part
            )


def crop_split(
    recordings: Sequence[Recording], crop: CropVideo, manual_dir: Path, videos_url: str | None
) -> beam.PTransform:
    """Returns what crops the videos of a split, without an input.

    Workers find a copy of `manual_dir` at `videos_url`, anything that Beam's FileSystems opens;
    where that is None, the recordings' own paths are read.
    """
    urls = [videos_url and _url(videos_url, each.path, manual_dir) for each in recordings]
    videos = list(zip(recordings, urls, strict=True))
    return beam.Create(videos, reshuffle=False) | beam.Reshuffle() | beam.ParDo(crop)


def read_reports(recordings: Sequence[Recording], records_dir: epath.Path) -> list[CropReport]:
    """Gives what the workers have said so far: a report a video, in the recordings' order."""
    records = {}
    for file in records_dir.glob("*.json"):
        with contextlib.suppress(json.JSONDecodeError):  # half of one, of a worker that was ended
            record = json.loads(file.read_text())
            name = record.pop("video_id")
            if name not in records or record["failure"] is None:  # retried: what worked counts
                records[name] = record
    return [
        from_record(each, records[each.video_id]) for each in recordings if each.video_id in records
    ]


def one_line(error: Exception) -> UserError | SoftwareFault:
    """Makes one line of what ends a pipeline, mostly a worker's whole traceback."""
    text = str(error).strip()
    if "Traceback " in text:
        text = re.sub(r"^[\w.]*(UserError|SoftwareFault): ", "", text.splitlines()[-1])
    line = re.sub(r" \[while running '.*'\]$", "", " ".join(text.split()))
    if SoftwareFault.__name__ in str(error):
        return SoftwareFault(line)
    return UserError(f"Apache Beam: {line}")


def _url(videos_url: str, path: Path, manual_dir: Path) -> str:
    if not path.is_relative_to(manual_dir):
        raise UserError(f"{path} is not in {manual_dir}, of which {videos_url} should be a copy")
    return f"{videos_url.rstrip('/')}/{path.relative_to(manual_dir).as_posix()}"


@contextlib.contextmanager
def _local_copy(url: str) -> Iterator[Path]:
    """Yields the path of a local copy: decoders need files, and read them more than once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / url.rsplit("/", 1)[-1]
        with (
            FileSystems.open(url, compression_type=CompressionTypes.UNCOMPRESSED) as stream,
            path.open("wb") as file,
        ):
            shutil.copyfileobj(stream, file)
        yield path

"""TFDS builder of `avec_faces`: aligned face crops of videos, with scores."""

import contextlib
import dataclasses
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from hmhn_jax.base import files, pseudonyms, scales
from hmhn_jax.base.errors import UsageError, UserError
from hmhn_jax.base.progress import track
from hmhn_jax.faces import cache
from hmhn_jax.faces.contact_sheet import write_contact_sheet
from hmhn_jax.faces.crop import CropFailure
from hmhn_jax.faces.examples import examples_of
from hmhn_jax.faces.jobs import crop_videos
from hmhn_jax.faces.media.video import VideoError
from hmhn_jax.faces.report import SUMMARY, CropReport, outcome, report, with_short_ones_noted
from hmhn_jax.input_pipeline.dataset import CHECKSUMS, description_checksums
from hmhn_jax.recordings import sources
from hmhn_jax.recordings.recording import SPLITS

from .command import (
    builds_every_config,
    is_tfds_command,
    one_line_for_the_disk,
    say_at_the_end,
    say_how_many_are_cached,
    without_tfds_bars,
)
from .configs import CONFIGS, find_recordings
from .decoding import with_exact_images
from .provenance import metadata, refuse_failures, table_digest

CONTACT_SHEET = "contact_sheet.html"
FACTS_SAID = 10  # the summary has all
RECORDS = "crop_records"  # of Beam's workers, until all is there


class Builder(tfds.core.GeneratorBasedBuilder):
    """One example per crop; the README in this folder describes its fields."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}  # noqa: RUF012
    BUILDER_CONFIGS = CONFIGS
    # For the contact sheet, on top of the config's; may be set before the build.
    contact_sheet_faces = True
    contact_sheet_pseudonyms = False
    videos = None  # the source, if not that of the config; may be set before the build

    def _info(self) -> tfds.core.DatasetInfo:
        size = self.builder_config.crops.size
        image = tfds.features.Image(shape=(size, size, 3), encoding_format="jpeg")
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": image,
                    "score": np.float32,
                    "video_id": tfds.features.Text(),
                    "subject_id": tfds.features.Text(),
                    "task": tfds.features.Text(),
                    "frame_index": np.int32,
                    "time_s": np.float32,
                    "box": tfds.features.Tensor(shape=(4,), dtype=np.int32),
                    "eyes": tfds.features.Tensor(shape=(2, 2), dtype=np.float32),
                    "confidence": np.float32,
                }
            ),
            supervised_keys=("image", "score"),
            metadata=tfds.core.MetadataDict(),  # filled when the dataset is built
        )

    def as_dataset(self, split=None, *, decoders=None, **kwargs):
        """As in TFDS, but crops are decoded as training and evaluation do; see `decoding`."""
        decoders = with_exact_images(decoders, self.info.features)
        return super().as_dataset(split, decoders=decoders, **kwargs)

    def download_and_prepare(self, **kwargs) -> None:
        """As in TFDS; `tfds build avec_faces` passes over a config whose data are not there."""
        with one_line_for_the_disk(self.data_path):
            download_config = kwargs.get("download_config")
            if self.is_prepared() and not _overwrites(download_config):
                self._refuse_changed_source(download_config)
                return
            # Overwriting deletes it; who has P01 keeps it.
            key = self.data_path / pseudonyms.FILE
            self._earlier_key = key.read_bytes() if key.exists() else None
            try:
                super().download_and_prepare(**kwargs)
            except sources.NoDataError as error:
                if not builds_every_config():
                    raise
                config = self.builder_config.name
                print(f"not built: {self.name}/{config}: {error}", file=sys.stderr)
                return
            if "://" not in str(self.data_path):  # a bucket has checksums of its own
                folder = Path(self.data_path)
                files.write_bytes(folder / CHECKSUMS, description_checksums(folder))
            self._say_what_is_there()

    def _say_what_is_there(self) -> None:
        first, *rest = outcome(self._reports)
        more = [f"and {len(rest) - FACTS_SAID} more, see {SUMMARY}"] if rest[FACTS_SAID:] else []
        sheet = f"look at the crops: {self.data_path / CONTACT_SHEET}"
        lines = [first, *rest[:FACTS_SAID], *more, sheet]
        if is_tfds_command():
            config = self.builder_config
            file = "default" if config.is_synthetic else sources.source_name(config.videos)
            flags = [f"--workdir runs/{config.name} --config {file}"]
            flags += [f"--config.data.dataset={self.name}/{config.name}"]
            flags += [f"--config.data.data_dir={self.data_path.parents[2]}"]
            lines.append(f"next, to train: python run.py (or hmhn-jax) {' '.join(flags)}")
        say_at_the_end(lines)

    def _refuse_changed_source(self, download_config) -> None:
        """Raises UserError when labels or videos are no longer those that were built."""
        if self.builder_config.is_synthetic:
            return
        downloads = self.data_path.parents[2] / "downloads"
        manual_dir = _manual_dir(download_config, downloads)
        try:
            scale = scales.of(self.info.metadata)
            found = find_recordings(self._config(), Path(), manual_dir, scale)
        except sources.NoDataError:
            return  # the dataset stays usable without the videos
        if not found.scale.measures_as(scale):
            raise UserError(
                f"{self.data_path} was built from scores on {scale}, but they are said to be on "
                f"{found.scale}; delete it and run again; unchanged videos are not cropped again"
            )
        if table_digest(found) != self.info.metadata.get("table"):
            raise UserError(
                f"{self.data_path} was built from other labels, splits or videos than are in "
                f"{manual_dir} now; delete it and run again, or build it anew with "
                "`tfds build --overwrite`; unchanged videos are not cropped again"
            )
        if "://" not in str(self.data_path):  # a bucket keeps no hashes: all would be read, always
            self._refuse_replaced_videos(found.recordings, downloads / self.name / "crops")

    def _refuse_replaced_videos(self, recordings, cache_dir) -> None:
        """Raises UserError when the content of a video is no longer that which was built."""
        built = self.info.metadata.get("contents", {})  # older versions kept none
        built = {each.path: built[each.video_id] for each in recordings if each.video_id in built}
        now = {path: cache.known_hash(cache_dir, path) for path in built}
        unread = [path for path, sha256 in now.items() if sha256 is None]
        for path in track(unread, "comparing videos with those that were built"):
            with contextlib.suppress(VideoError):  # the dataset stays usable without it
                now[path] = cache.content_hash(cache_dir, path)
        replaced = [path for path, sha256 in built.items() if now[path] not in (None, sha256)]
        if replaced:
            more = f" and {len(replaced) - 1} more" if replaced[1:] else ""
            raise UserError(
                f"{replaced[0]}{more}: not the video that {self.data_path} was built from; put it "
                "back, delete the dataset, or build it anew with `tfds build --overwrite`"
            )

    def _download_and_prepare(self, dl_manager, download_config) -> None:
        config = self._config()
        self._manual_dir = _manual_dir(download_config, dl_manager.download_dir)
        self._found = find_recordings(config, self._own_downloads(dl_manager), self._manual_dir)
        if self._found.question:
            raise UsageError(self._found.question)
        self._recordings = sorted(self._found.recordings, key=lambda each: SPLITS.index(each.split))
        self._reports: list[CropReport] = []
        self._transforms: dict = {}
        for fact in self._found.facts[:FACTS_SAID]:
            print(fact, file=sys.stderr)
        if rest := len(self._found.facts[FACTS_SAID:]):
            print(f"and {rest} more, see {SUMMARY}", file=sys.stderr)
        download_config = _with_beam_options(download_config, config.beam_options)
        with without_tfds_bars():
            if download_config.beam_options or download_config.beam_runner:
                self._download_and_prepare_by_beam(dl_manager, download_config)
            else:
                super()._download_and_prepare(dl_manager, download_config)
        # After all splits, so that whoever has to mend files hears of them all at once.
        refuse_failures(self._reports, config.max_failed_share)
        self._reports = with_short_ones_noted(self._reports)
        self.info.metadata.update(metadata(self._reports, config, self._found))
        title = f"{self.name}/{config.name}"
        if config.is_synthetic:
            title += ", synthetic faces"
        # TFDS moves the folder to its place, these two with it, when all is written.
        has_pseudonyms = config.contact_sheet_pseudonyms or self.contact_sheet_pseudonyms
        write_contact_sheet(
            self.data_path / CONTACT_SHEET,
            title,
            self._reports,
            faces=config.contact_sheet_faces and self.contact_sheet_faces,
            names=self._pseudonyms() if has_pseudonyms else None,
        )
        copies = self.info.metadata["copies"]
        if copies:
            print(f"{len(copies)} videos are copies of others, see {SUMMARY}", file=sys.stderr)
        if warned := [each for each in self._reports if each.warnings]:
            first = warned[0]
            print(
                f"{len(warned)} videos have warnings, see {SUMMARY}, such as "
                f"{first.recording.file}: {'; '.join(first.warnings)}",
                file=sys.stderr,
            )
        summaries = [each.summary() for each in self._reports]
        text = (
            json.dumps(
                {"videos": summaries, "facts": self._found.facts, "copies": copies}, indent=2
            )
            + "\n"
        )
        files.write_text(self.data_path / SUMMARY, text)

    def _pseudonyms(self) -> pseudonyms.Pseudonyms:
        path = self.data_path / pseudonyms.FILE
        if self._earlier_key is not None:
            files.write_bytes(path, self._earlier_key)
        videos = [(each.recording.subject_id, each.recording.video_id) for each in self._reports]
        return pseudonyms.assign(path, videos)

    def _config(self):
        config = self.builder_config
        return dataclasses.replace(config, videos=self.videos or config.videos)

    def _own_downloads(self, dl_manager) -> Path:
        return Path(dl_manager.download_dir) / self.name

    def _cache_dir(self, dl_manager) -> Path:
        return self._own_downloads(dl_manager) / "crops"  # an interrupted build goes on from here

    def _download_and_prepare_by_beam(self, dl_manager, download_config) -> None:
        from hmhn_jax.faces import beam

        recordings, records = self._recordings, self.data_path / RECORDS
        records.mkdir(parents=True)
        in_bucket = "://" in str(dl_manager.download_dir)
        cache_dir = None if in_bucket else self._cache_dir(dl_manager)
        crop = beam.CropVideo(len(recordings), self.builder_config.crops, records, cache_dir)
        options = download_config.beam_options
        url = options and options.view_as(beam.CropOptions).videos_url
        self._transforms = {
            split: beam.crop_split(list(group), crop, self._manual_dir, url)
            for split, group in itertools.groupby(recordings, key=lambda each: each.split)
        }
        print(f"cropping faces: {len(recordings)} videos with Apache Beam", file=sys.stderr)
        try:
            super()._download_and_prepare(dl_manager, download_config)
        except Exception as error:
            reports = beam.read_reports(recordings, records)
            # TFDS stops at a split without crops and does not say why there are none.
            refuse_failures(reports, self.builder_config.max_failed_share)
            raise beam.one_line(error) from error
        self._reports = beam.read_reports(recordings, records)
        if len(self._reports) < len(recordings):
            raise UserError(
                f"{len(self._reports)} of {len(recordings)} videos have a record in {records}: "
                "Apache Beam's workers must share that folder with the machine that starts them"
            )
        records.rmtree()
        say_how_many_are_cached([each.from_cache for each in self._reports])

    def _split_generators(self, dl_manager) -> dict:
        if self._transforms:
            return self._transforms
        config, recordings = self.builder_config, self._recordings
        cache_dir = self._cache_dir(dl_manager)
        results = crop_videos(recordings, config.crops, config.num_processes, cache_dir)
        results = _counted(track(results, "cropping faces", total=len(recordings)))
        # TFDS writes one split after the other in the order given here, so all of them can draw
        # on one pool of processes.
        results_by_split = itertools.groupby(results, key=lambda pair: pair[0].split)
        present = {recording.split for recording in recordings}
        return {
            split: self._generate_examples(results_by_split) for split in SPLITS if split in present
        }

    def _generate_examples(self, results_by_split) -> Iterator[tuple[str, dict]]:
        _, results = next(results_by_split)
        any_crops = False
        for recording, result in results:
            self._reports.append(report(recording, result))
            if not isinstance(result, CropFailure):
                any_crops = True
                yield from examples_of(recording, result)
        if not any_crops:  # TFDS would stop here with an error that does not say why
            rest = itertools.chain.from_iterable(results for _, results in results_by_split)
            self._reports.extend(itertools.starmap(report, rest))
            refuse_failures(self._reports, self.builder_config.max_failed_share)


def _counted(results: Iterator) -> Iterator:
    """Yields (recording, result) unchanged and says at the end how many came from the cache."""
    from_cache = []
    for recording, result in results:
        from_cache.append(result.from_cache)
        yield recording, result
    say_how_many_are_cached(from_cache)


def _manual_dir(download_config, download_dir) -> Path:
    """Returns the manual directory; TFDS's own property ends in a traceback if it is missing."""
    given = download_config and download_config.manual_dir
    return Path(given or Path(download_dir) / "manual").expanduser()


def _with_beam_options(download_config, options: dict | None):
    """Puts in the config's own options of Beam where the caller has given none."""
    if not options or download_config.beam_options or download_config.beam_runner:
        return download_config
    from apache_beam.options.pipeline_options import PipelineOptions

    return dataclasses.replace(
        download_config, beam_options=PipelineOptions.from_dictionary(dict(options))
    )


def _overwrites(download_config) -> bool:
    return bool(download_config and download_config.download_mode.overwrite_dataset)

"""Prediction: scores of new videos and pictures by trained networks, without a dataset."""

import collections
import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from hmhn_jax.base.errors import UsageError, UserError, most_common_reasons, one_line
from hmhn_jax.base.formats import is_picture
from hmhn_jax.base.notices import NOTICE, SYNTHETIC
from hmhn_jax.base.process_pool import num_usable_cores
from hmhn_jax.base.progress import track
from hmhn_jax.faces.crop import Crop, CropFailure
from hmhn_jax.faces.jobs import crop_files
from hmhn_jax.faces.media.jpeg import decode_crops
from hmhn_jax.faces.media.timeline import read_timeline
from hmhn_jax.faces.warnings import abstention
from hmhn_jax.prediction import ensemble, inputs, result
from hmhn_jax.prediction import residuals as residuals_lib
from hmhn_jax.prediction.conformal import Residuals
from hmhn_jax.prediction.ensemble import Network
from hmhn_jax.prediction.output import about as output_about
from hmhn_jax.prediction.output import folder as output_folder
from hmhn_jax.prediction.output.pictures import write_pictures
from hmhn_jax.prediction.output.tables import open_tables
from hmhn_jax.prediction.result import Prediction
from hmhn_jax.runtime import devices


def predict(
    config: ConfigDict,
    workdirs: Sequence[Path],
    text: str,
    output: Path | str | None = None,
    overlay_video: bool = False,
) -> None:
    """Scores the files that a path means and writes tables and pictures.

    Args:
      config: checked; of the first workdir.
      workdirs: whose networks score; the first one's heads are shown.
      text: see `inputs.find`.
      output: a folder, new or empty; when None, DIR/predictions/NAME-TIME of the first workdir,
        see `inputs.Inputs`.
      overlay_video: whether to write a video of the heads' maps too.

    Raises:
      UserError: nothing to score, no checkpoint, an output that cannot be written, or, when all
        others are done, files that could not be read.
    """
    devices.check_batch_size("evaluate.batch_size", config.evaluate.batch_size)
    results = Path(output or Path(workdirs[0]) / "predictions")
    found = inputs.find(text, excluded=results)
    output = results if output else results / time.strftime(f"{found.name}-%Y%m%dT%H%M%S")
    output_folder.check(output)  # now, not after hours of scoring
    members = ensemble.restore(config, workdirs)
    residuals = residuals_lib.read_for(Path(workdirs[0]), members) if len(workdirs) == 1 else None
    if config.cv.widest_interval and residuals is None:
        raise UsageError("config.cv.widest_interval is for a cross-validated --workdir alone")
    counts: collections.Counter[str] = collections.Counter()
    failures, read = [], []
    with output_folder.new(output) as folder:
        origin = members[0].scale, ensemble.training_data(members)
        with open_tables(folder, len(members), *origin, residuals) as tables:
            for path in found.skipped:
                tables.skip(path)
            made_one_by_one = predict_files(
                members,
                found.files,
                config.evaluate.batch_size,
                residuals=residuals,
                widest_interval=config.cv.widest_interval,
            )
            for made in track(made_one_by_one, "scoring", total=len(found.files)):
                read.append((made.path, made.sha256))
                counts[outcome := _outcome(made)] += 1
                if made.error is not None:
                    failures.append((made.path, made.error))
                if outcome == "scored":
                    stem = folder / output_folder.PICTURES / made.path.relative_to(found.root)
                    try:
                        write_pictures(stem, made, members, config.evaluate, overlay_video)
                    except UserError as error:  # such as of a name that leaves no room for endings
                        warnings = (*made.warnings, f"without all of its pictures: {error}")
                        made = dataclasses.replace(made, warnings=warnings)
                tables.add(made)
                name = made.path.relative_to(found.root)
                print(one_line(f"{name}: {result.in_words(made)}"), flush=True)
        about = output_about.describe(members, text, read, residuals)
        (folder / output_folder.ABOUT).write_text(json.dumps(about, indent=2) + "\n")
    _report(counts, found, members, output)
    if counts["failed"]:
        raise UserError(
            f"{counts['failed']} of {len(found.files)} files could not be read: "
            f"{most_common_reasons(failures)}; see {output / 'predictions.csv'}"
        )


def predict_files(
    members: Sequence[Network],
    paths: Sequence[Path],
    batch_size: int,
    num_processes: int | None = None,
    watch: Callable[[float], None] | None = None,
    residuals: Residuals | None = None,
    widest_interval: float = 0.0,
) -> Iterator[Prediction]:
    """Scores videos and pictures; one that fails does not stop the others.

    Crops are made like the training crops of the first member. Several processes make them while
    the network scores; memory depends neither on the number of files nor on their length.

    Args:
      members: the networks, whose mean is the score.
      paths: of the files; what `formats.is_picture` knows is a picture, all else a video.
      batch_size: crops scored at once, a multiple of the devices.
      num_processes: how many make crops; when None, as many as cores are usable, but no more than
        files. With 1, no process is started.
      watch: told each sampled frame's time in seconds; see `crop_files`.
      residuals: of the cross-validation that the networks are of, for intervals.
      widest_interval: no score where the widest interval is wider, in points; 0: any.

    Yields:
      What is said of each file, in their order.

    Raises:
      UserError: the landmark model is not installed, or a worker process died.
      SoftwareFault: not a file but the software fails, see `FaultCounter`.
    """
    data = members[0].data
    settings, warning = result.crop_settings(data)
    general = (*([warning] if warning else []), *ensemble.copies(members))
    if num_processes is None:
        num_processes = min(num_usable_cores(), len(paths))
    results = crop_files(paths, settings, num_processes, watch=watch) if paths else ()
    for path, crops in zip(paths, results, strict=True):
        if isinstance(crops, CropFailure):
            # What tripped over a file would trip over it again.
            made = result.failed(path, crops, None if crops.is_fault else _duration(path))
        elif reason := abstention(crops):
            rate, warnings = len(crops.crops) / crops.num_sampled, (f"no score: {reason}",)
            made = Prediction(
                path, face_found_rate=rate, duration_s=crops.duration_s, warnings=warnings
            )
        else:
            scores = score_crops(members, crops.crops, batch_size)
            made = result.summarise(path, crops, scores, crops.duration_s, data, residuals)
            made = result.without_wide_interval(made, widest_interval)
            made = dataclasses.replace(made, warnings=(*general, *made.warnings))
        yield dataclasses.replace(made, sha256=crops.sha256)


def score_crops(members: Sequence[Network], crops: Sequence[Crop], batch_size: int) -> np.ndarray:
    """Scores each crop with each member, f32[M,F], F at least 1."""

    def decoded(some: slice) -> np.ndarray:
        return decode_crops([crop.jpeg for crop in crops[some]], members[0].image_size)

    return score_images(members, decoded, len(crops), batch_size)


def score_images(
    members: Sequence[Network],
    images: Callable[[slice], np.ndarray],
    num_images: int,
    batch_size: int,
) -> np.ndarray:
    """Scores images with each member, f32[M,N]; a single one is not padded to a whole batch.

    Args:
      members: the networks.
      images: gives some of them, u8[B,S,S,3], S the members' image size.
      num_images: N, at least 1.
      batch_size: scored at once, a multiple of the devices.
    """
    batch_size = batch_size if num_images > 1 else devices.count()
    scores = []
    for start in range(0, num_images, batch_size):
        some = images(slice(start, start + batch_size))
        padding = [(0, batch_size - len(some)), (0, 0), (0, 0), (0, 0)]
        padded = np.pad(some, padding, mode="edge")
        scores.append(ensemble.score_frames(members, padded)[:, : len(some)])
    return np.concatenate(scores, axis=1)


def _outcome(made):
    if made.error is not None:
        return "failed"
    return "abstained" if made.score is None else "scored"


def _report(counts, found, members, output):
    skipped = f", {len(found.skipped)} skipped" if found.skipped else ""
    print(
        f"{counts['scored']} of {len(found.files)} files have a score, {counts['abstained']} none "
        f"(predictions.csv says why), {counts['failed']} could not be read{skipped}; {NOTICE}"
    )
    if ensemble.is_synthetic(members):
        print(SYNTHETIC)
    for warning in ensemble.copies(members):
        print(f"note: {warning}")
    names = [*output_folder.TABLES, output_folder.ABOUT]
    names += [output_folder.PICTURES] if (output / output_folder.PICTURES).is_dir() else []
    print(f"results: {output}/{{{','.join(names)}}}", flush=True)


def _duration(path):
    """Returns the seconds of a video; None if they are unknown, or it is not a video."""
    try:
        duration = None if is_picture(path) else read_timeline(path).duration_s
    except UserError:
        return None
    return None if duration is None else float(duration)

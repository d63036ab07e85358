"""Face crops of many videos in parallel processes, skipping videos cropped before."""

import contextlib
import functools
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2

from hmhn_jax.base import files
from hmhn_jax.base.errors import UserError, reason_of
from hmhn_jax.base.formats import is_picture
from hmhn_jax.base.process_pool import map_in_order
from hmhn_jax.faces import cache
from hmhn_jax.faces.crop import (
    CropFailure,
    CropSettings,
    NoFaceError,
    VideoCrops,
    crop_video,
    sha256_of,
)
from hmhn_jax.faces.detection.detector import Detector, landmark_model, load_detector
from hmhn_jax.faces.fault_counter import FAULT, FaultCounter
from hmhn_jax.faces.media.images import crop_image
from hmhn_jax.faces.media.video import VideoError
from hmhn_jax.recordings.recording import WHOLE, Recording


def crop_videos(
    recordings: Sequence[Recording],
    settings: CropSettings,
    num_processes: int | None = None,
    cache_dir: Path | None = None,
) -> Iterator[tuple[Recording, VideoCrops | CropFailure]]:
    """Crops many videos in parallel; one that fails does not stop the others.

    Args:
      recordings: whose videos.
      settings: for all of them.
      num_processes: how many work at once; all usable cores when None. The result is the same for
        any number.
      cache_dir: keeps each video's crops as soon as they are finished, so that a run that is
        interrupted, or comes later, decodes only what is missing; nothing is kept when None. A
        damaged file in it is noticed and made again. The folder can be deleted at any time.

    Yields:
      (recording, its crops or why there are none), in the order of `recordings`; `from_cache` of
      either says whether it was made before.

    Raises:
      UserError: the landmark model is not installed, a worker process died, or the cache cannot
        be written.
      SoftwareFault: not a video but the software fails, on the first of them; see `FaultCounter`.
    """
    paths = [recording.path for recording in recordings]
    parts = [recording.part for recording in recordings]
    results = crop_files(paths, settings, num_processes, cache_dir, parts=parts)
    yield from zip(recordings, results, strict=True)


def crop_files(
    paths: Sequence[Path],
    settings: CropSettings,
    num_processes: int | None = None,
    cache_dir: Path | None = None,
    watch: Callable[[float], None] | None = None,
    parts: Sequence[tuple[float, float | None]] | None = None,
) -> Iterator[VideoCrops | CropFailure]:
    """Crops videos and pictures without labels, as `crop_videos` does.

    `parts` has (start, end) in seconds of each, see `crop.crop_video`; all are whole when None.
    `watch` is told each sampled frame's time in seconds, for which there must be one process; a
    `BaseException` that it raises ends the work; an `Exception` counts as a fault of the software.
    """
    landmark_model()  # if it is missing, say so once and now, not in each process
    if cache_dir is not None and cache_dir.is_dir():
        files.remove_abandoned(cache_dir)
    crop = functools.partial(
        _crop_in_this_process, settings=settings, cache_dir=cache_dir, watch=watch
    )
    faults = FaultCounter(len(paths))
    jobs = list(zip(paths, parts or [WHOLE] * len(paths), strict=True))
    results = map_in_order(crop, jobs, num_processes, initializer=use_one_thread)
    with contextlib.closing(results):  # its processes end with it
        for path, result in zip(paths, results, strict=True):
            faults.count(path, result)
            yield result


def use_one_thread() -> None:
    """Keeps OpenCV to one thread: workers are as many as cores, and threads would compete."""
    cv2.setNumThreads(1)


_detector_of_this_process = functools.cache(load_detector)


def _crop_in_this_process(job, **arguments) -> VideoCrops | CropFailure:
    path, part = job
    return crop_file(path, _detector_of_this_process, **arguments, part=part)


def crop_file(
    path: Path,
    detector: Callable[[], Detector],
    settings: CropSettings,
    cache_dir: Path | None = None,
    watch: Callable[[float], None] | None = None,
    part: tuple[float, float | None] = WHOLE,
) -> VideoCrops | CropFailure:
    """Crops one video or picture in this process, or takes its crops from the cache.

    `detector` gives what finds faces; it is not called when the crops come from the cache, and no
    two threads may use one at once. The others are as for `crop_files`; a picture is whole.
    Whatever is wrong with a video is returned, not raised; UserError is raised when the cache
    cannot be written.
    """
    sha256 = entry = None
    with contextlib.suppress(VideoError):  # cropping will say what is wrong
        sha256 = sha256_of(path) if cache_dir is None else cache.content_hash(cache_dir, path)
        if cache_dir is not None:
            entry = cache.entry_path(cache_dir, sha256, settings, part)
    if entry is not None and (cached := cache.read(entry)) is not None:
        return cached

    def crop() -> VideoCrops:
        if is_picture(path):
            return crop_image(path, settings, detector())
        return crop_video(path, settings, detector(), watch, part)

    result, is_final = _result_or_failure(crop, sha256)
    # The second condition fails for a video that was still being copied while it was read.
    if entry is not None and is_final and result.sha256 == sha256:
        cache.write(entry, result)
    return result


def _result_or_failure(
    crop: Callable[[], VideoCrops], sha256: str | None
) -> tuple[VideoCrops | CropFailure, bool]:
    """Returns the result, and whether it would be the same next time."""
    try:
        return crop(), True
    except NoFaceError as error:
        return CropFailure(error.reason, sha256, error.num_sampled), True
    except VideoError as error:
        # Noticed at once the next time too, unless the disk was to blame and works again.
        return CropFailure(error.reason, sha256), False
    except UserError:
        raise  # such as of the landmark model, which is not the video's
    except MemoryError:
        return CropFailure("needs more memory than there is", sha256), False
    except Exception as error:
        # Among thousands of videos one may trip anything in the decoder or detector. That must
        # not cost the hours spent on the others, and must not go unseen either.
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {reason_of(error)}"
        reason = f"{FAULT}: {text} ({Path(where.filename).name}:{where.lineno})"
        return CropFailure(reason, sha256, is_fault=True), False

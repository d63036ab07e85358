"""The face crops of a video, and of many videos at once."""

import dataclasses
import functools
import hashlib
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from hmhn_jax.faces import align
from hmhn_jax.faces.process_pool import map_in_order
from hmhn_jax.faces.recordings import Recording
from hmhn_jax.faces.video import VideoError, sampled_frames


@dataclasses.dataclass(frozen=True)
class CropSettings:
    """How crops are made. Two datasets with other settings are two datasets.

    Attributes:
      size: pixels on each side of a crop.
      padding: surroundings kept, as a share of the face's width.
      rate_hz: frames looked at per second of video; every frame when None.
      max_frames_per_video: looks at no more frames of a video than this, spread over its whole
        length. Without a limit long videos would weigh more than short ones, and a video's length
        goes along with the score.
      jpeg_quality: 1 to 100.
    """

    size: int = 224
    padding: float = 0.25
    rate_hz: float | None = 1.0
    max_frames_per_video: int | None = 120
    jpeg_quality: int = 95


@dataclasses.dataclass(frozen=True)
class Crop:
    """The face in one frame.

    Attributes:
      jpeg: the encoded RGB image of settings.size x settings.size pixels.
      frame_index: the frame's place in the video, from 0.
      time_s: its time in seconds since the video's first frame.
      box: the face (left, top, right, bottom) in pixels of the frame.
      eyes: float32[2, 2], eye centres (x, y) in pixels of the frame, picture's left first.
      confidence: the detector's score.
    """

    jpeg: bytes
    frame_index: int
    time_s: float
    box: tuple[int, int, int, int]
    eyes: np.ndarray
    confidence: float


@dataclasses.dataclass(frozen=True)
class VideoCrops:
    """The crops of one video in the order of time, at least one.

    Attributes:
      crops: one for each sampled frame in which a face was found.
      num_sampled: how many frames were looked at.
      sha256: of the video file, in hexadecimal digits.
    """

    crops: tuple[Crop, ...]
    num_sampled: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class CropFailure:
    """Why a video gave no crops.

    Attributes:
      reason: one line, without the file's name.
      sha256: of the video file; None if it cannot be read.
    """

    reason: str
    sha256: str | None


def crop_video(path: Path, settings: CropSettings, detector: align.Detector) -> VideoCrops:
    """Crops the face out of a video's sampled frames.

    Raises:
      VideoError: the video cannot be decoded, or shows no face in any sampled frame.
    """
    crops = []
    num_sampled = 0
    for frame in sampled_frames(path, settings.rate_hz, settings.max_frames_per_video):
        num_sampled += 1
        face = align.crop_face(frame.rgb, detector, settings.size, settings.padding)
        if face is not None:
            crops.append(
                Crop(
                    jpeg=_encode_jpeg(face.rgb, settings.jpeg_quality),
                    frame_index=frame.index,
                    time_s=frame.time_s,
                    box=face.box,
                    eyes=face.eyes,
                    confidence=face.confidence,
                )
            )
    if not crops:
        raise VideoError(path, f"no face found in any of {num_sampled} sampled frames")
    return VideoCrops(tuple(crops), num_sampled, _sha256(path))


def crop_videos(
    recordings: Sequence[Recording], settings: CropSettings, num_processes: int | None = None
) -> Iterator[tuple[Recording, VideoCrops | CropFailure]]:
    """Crops many videos in parallel; one that fails does not stop the others.

    Args:
      recordings: whose videos.
      settings: for all of them.
      num_processes: how many work at once; all usable cores when None. The result is the same for
        any number.

    Yields:
      (recording, its crops or why there are none), in the order of `recordings`.

    Raises:
      UserError: the landmark model is not installed, or a worker process died.
    """
    align.landmark_model()  # if it is missing, say so once and now, not in each process
    crop = functools.partial(_crop_or_failure, settings=settings)
    paths = [recording.path for recording in recordings]
    results = map_in_order(crop, paths, num_processes, initializer=_use_one_thread)
    yield from zip(recordings, results, strict=True)


def _use_one_thread() -> None:
    cv2.setNumThreads(1)  # a process a core; threads within would compete


@functools.cache
def _detector_of_this_process() -> align.Detector:
    return align.load_detector()


def _crop_or_failure(path: Path, settings: CropSettings) -> VideoCrops | CropFailure:
    try:
        return crop_video(path, settings, _detector_of_this_process())
    except VideoError as error:
        reason = error.reason
    except Exception as error:
        # Among thousands of videos one may trip anything in the decoder or detector. That must
        # not cost the hours spent on the others, and must not go unseen either.
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = " ".join(str(error).split())
        reason = f"{type(error).__name__}: {text} ({Path(where.filename).name}:{where.lineno})"
    try:
        return CropFailure(reason, _sha256(path))
    except OSError:
        return CropFailure(reason, None)


def _encode_jpeg(rgb: np.ndarray, quality: int) -> bytes:
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    encoded, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not encoded:
        raise RuntimeError("OpenCV could not encode a crop as JPEG")
    return jpeg.tobytes()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Face crops of a video."""

import dataclasses
import hashlib
import statistics
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import dlib
import numpy as np

from hmhn_jax.base.errors import UserError
from hmhn_jax.faces.detection.align import FaceCrop, align_face
from hmhn_jax.faces.detection.detector import Box, Detector
from hmhn_jax.faces.detection.tracking import Track, follow
from hmhn_jax.faces.media.video import VideoError, sampled_frames
from hmhn_jax.recordings.recording import WHOLE

TURN_UNSURE = "which way is up is unsure"
ENGINE_VERSION = 3  # raise it whenever the same video and settings no longer give the same crops
# Other versions of what decodes and finds faces may give other crops, too.
SOFTWARE = {"av": av.__version__, "opencv": cv2.__version__, "dlib": dlib.__version__}


@dataclasses.dataclass(frozen=True)
class CropSettings:
    """Settings of cropping. Two datasets with other settings are two datasets.

    The default looks at a frame each second: faces a second apart differ, those of neighbouring
    frames hardly do and would only make the dataset larger. And it looks at no more than 120 frames
    of a video: in interviews the length of a video correlates with the score, so that without a
    limit the score could be read from the number of crops, and in training a 20-minute video would
    weigh as much as twenty of a minute. Frames beyond the limit are not cut off at the end; the
    rate is lowered for that video.

    Attributes:
      size: pixels on each side of a crop.
      padding: surroundings kept, as a share of the face's width.
      rate_hz: frames looked at per second of video; every frame when None.
      max_frames_per_video: looks at no more frames of a video than this, spread over its whole
        length. Without a limit (None) the crops of a whole video are still held in memory.
      jpeg_quality: 1 to 100.
    """

    size: int = 224
    padding: float = 0.25
    rate_hz: float | None = 1.0
    max_frames_per_video: int | None = 120
    jpeg_quality: int = 95

    def __post_init__(self):
        limits = {
            "size": (1, 4096),
            "padding": (0, 10),
            "rate_hz": (1e-6, 1e6),
            "max_frames_per_video": (1, 1e9),
            "jpeg_quality": (1, 100),
        }
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if value is None and name in ("rate_hz", "max_frames_per_video"):
                continue
            if not isinstance(value, int | float) or not least <= value <= most:
                raise UserError(
                    f"crops: {name} must be a number from {least:g} to {most:g}, got {value!r}"
                )


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
    box: Box
    eyes: np.ndarray
    confidence: float


@dataclasses.dataclass(frozen=True)
class Footage:
    """What a video is like, whatever it shows; None where nothing says.

    Attributes:
      width, height: pixels of its last frame looked at, upright.
      fps: average frames a second.
      bit_rate: bits of the file a second.
    """

    width: int | None = None
    height: int | None = None
    fps: float | None = None
    bit_rate: float | None = None


@dataclasses.dataclass(frozen=True)
class VideoCrops:
    """The crops of one video in the order of time, at least one.

    Attributes:
      crops: one for each sampled frame in which a face was found.
      num_sampled: how many frames were looked at.
      sha256: of the video file, in hexadecimal digits.
      from_cache: whether they were made by an earlier run.
      num_crowded: frames that were seen to show another face too. No frame was searched for that
        alone, so there may be more.
      notes: a line for each thing that is wrong with the video's times or picture, or was not read.
      num_cuts: how often the whole picture changed from one frame looked at to the next.
      is_picture: whether the file is a picture, see `formats.is_picture`.
      duration_s: seconds of the video; None if nothing says, and for a picture.
      footage: what the video is like.
    """

    crops: tuple[Crop, ...]
    num_sampled: int
    sha256: str
    from_cache: bool = dataclasses.field(default=False, compare=False)
    num_crowded: int = 0
    notes: tuple[str, ...] = ()
    num_cuts: int = 0
    is_picture: bool = False
    duration_s: float | None = None
    footage: Footage = Footage()

    @property
    def median_confidence(self) -> float:
        """The median of the detector's scores."""
        return statistics.median(crop.confidence for crop in self.crops)


@dataclasses.dataclass(frozen=True)
class CropFailure:
    """The reason why a video gave no crops.

    Attributes:
      reason: one line, without the file's name.
      sha256: of the video file; None if it cannot be read.
      num_sampled: how many frames were looked at; 0 when it could not be decoded.
      from_cache: whether an earlier run found out.
      is_fault: whether the software is to blame, not the video.
    """

    reason: str
    sha256: str | None
    num_sampled: int = 0
    from_cache: bool = dataclasses.field(default=False, compare=False)
    is_fault: bool = False


class NoFaceError(VideoError):
    """A video that can be decoded but shows no face in the `num_sampled` frames looked at."""

    def __init__(self, path: Path, reason: str, num_sampled: int):
        super().__init__(path, reason)
        self.num_sampled = num_sampled


def crop_video(
    path: Path,
    settings: CropSettings,
    detector: Detector,
    watch: Callable[[float], None] | None = None,
    part: tuple[float, float | None] = WHOLE,
) -> VideoCrops:
    """Crops one person's face out of a video's sampled frames.

    Frames are decoded one after the other and not kept, only the crops are.

    Args:
      path: of the video.
      settings: how crops are made.
      detector: what finds faces.
      watch: told each sampled frame's time in seconds; what it raises ends the work.
      part: what of the video is looked at: start and end in seconds, None for the video's end.

    Raises:
      NoFaceError: there is no face in any sampled frame.
      VideoError: the video cannot be decoded.
    """
    crops = []
    track = Track()
    num_sampled = num_crowded = num_unsure = 0
    width = height = None
    frames = sampled_frames(path, settings.rate_hz, settings.max_frames_per_video, *part)
    for frame in frames:
        num_sampled += 1
        height, width = frame.rgb.shape[:2]
        if watch is not None:
            watch(frame.time_s)
        face, track = follow(frame.rgb, frame.time_s, track, detector)
        if face is None:
            continue
        num_crowded += face.others > 0
        num_unsure += face.is_turn_unsure
        aligned = align_face(frame.rgb, face, detector, settings.size, settings.padding)
        crops.append(make_crop(aligned, frame.index, frame.time_s, settings.jpeg_quality))
    if not crops:
        reason = f"no face found in any of {num_sampled} sampled frames"
        raise NoFaceError(path, reason, num_sampled)
    notes, duration = frames.notes, frames.duration_s
    if num_unsure:
        notes += (f"{TURN_UNSURE} in {num_unsure} of {len(crops)} frames with a face",)
    return VideoCrops(
        tuple(crops),
        num_sampled,
        sha256_of(path),
        num_crowded=num_crowded,
        notes=(*notes, *part_notes(part, duration)),
        num_cuts=track.num_cuts,
        duration_s=None if duration is None else float(duration),
        footage=Footage(
            width,
            height,
            frames.fps,
            8 * path.stat().st_size / float(duration) if duration else None,
        ),
    )


def part_notes(part: tuple[float, float | None], duration_s: Fraction | float | None) -> list[str]:
    """Says when a part ends more than a second after the video does."""
    _, end_s = part
    if not end_s or not duration_s or end_s <= duration_s + 1:
        return []
    return [f"the part ends at {end_s:g} s, the video at {float(duration_s):.1f} s"]


def make_crop(aligned: FaceCrop, frame_index: int, time_s: float, jpeg_quality: int) -> Crop:
    """Encodes an aligned face; arguments as the fields of `Crop` and `CropSettings`."""
    return Crop(
        jpeg=_encode_jpeg(aligned.rgb, jpeg_quality),
        frame_index=frame_index,
        time_s=time_s,
        box=aligned.box,
        eyes=aligned.eyes,
        confidence=aligned.confidence,
    )


def sha256_of(path: Path) -> str:
    """Returns the file's SHA-256 in hexadecimal digits; raises VideoError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:  # ValueError: of a name that no file can have
        raise VideoError(path, f"cannot be read ({error})") from error


def _encode_jpeg(rgb: np.ndarray, quality: int) -> bytes:
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    encoded, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not encoded:
        raise RuntimeError("OpenCV could not encode a crop as JPEG")
    return jpeg.tobytes()

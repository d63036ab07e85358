"""Outcome of cropping a video, without the crops themselves."""

import dataclasses
from collections.abc import Sequence

from hmhn_jax.base.errors import one_line
from hmhn_jax.faces.crop import CropFailure, Footage, VideoCrops
from hmhn_jax.faces.media.jpeg import decode_crops, thumbnail
from hmhn_jax.faces.warnings import is_short, short, warnings_of
from hmhn_jax.recordings.recording import Recording

SUMMARY = "summary.json"  # beside a built dataset: what is said of all of its videos
THUMBNAIL_SIDE = 112  # pixels


@dataclasses.dataclass(frozen=True)
class CropReport:
    """The outcome for one video.

    Attributes:
      recording: which video.
      sha256: of the video file; None if it cannot be read.
      num_sampled: frames looked at.
      num_crops: frames in which a face was found.
      confidence: the median of the detector's scores, None without crops.
      thumbnails: small JPEGs of the first, the middle and the last crop, as data URIs.
      failure: why there are no crops; None if there are.
      from_cache: whether an earlier run found all this out.
      warnings: a line for each reason to trust the crops less, see `warnings`.
      is_fault: whether the software is to blame for the failure, not the video.
      duration_s: seconds of the video; None if nothing says.
      footage: what the video is like.
    """

    recording: Recording
    sha256: str | None
    num_sampled: int = 0
    num_crops: int = 0
    confidence: float | None = None
    thumbnails: tuple[str, ...] = ()
    failure: str | None = None
    from_cache: bool = False
    is_fault: bool = False
    warnings: tuple[str, ...] = ()
    duration_s: float | None = None
    footage: Footage = dataclasses.field(default_factory=Footage)

    @property
    def found_rate(self) -> float:
        """The share of the sampled frames with a face, 0 to 1."""
        return self.num_crops / self.num_sampled if self.num_sampled else 0.0

    def record(self) -> dict:
        """All but the recording, in values that JSON knows; see `from_record`."""
        values = {name: value for name, value in vars(self).items() if name != "recording"}
        return values | {"footage": dataclasses.asdict(self.footage)}

    def summary(self) -> dict:
        """Returns all but the thumbnails, in JSON values."""
        return {
            "video_id": self.recording.video_id,
            "file": self.recording.file,
            "subject_id": self.recording.subject_id,
            "task": self.recording.task,
            "split": self.recording.split,
            "score": self.recording.score,
            "frames_sampled": self.num_sampled,
            "frames_with_face": self.num_crops,
            "found_rate": self.found_rate,
            "median_confidence": self.confidence,
            "duration_s": self.duration_s,
            **dataclasses.asdict(self.footage),
            "failure": self.failure,
            "warnings": list(self.warnings),
        }


def from_record(recording: Recording, record: dict) -> CropReport:
    """The report of which this is the `record`."""
    lists = {name: tuple(record[name]) for name in ("thumbnails", "warnings")}
    footage = Footage(**record["footage"])
    return CropReport(recording, **{**record, **lists, "footage": footage})


def report(recording: Recording, result: VideoCrops | CropFailure) -> CropReport:
    """Summarises a video's crops for display."""
    if isinstance(result, CropFailure):
        return CropReport(
            recording,
            result.sha256,
            failure=result.reason,
            from_cache=result.from_cache,
            is_fault=result.is_fault,
        )
    crops = result.crops
    shown = [crop.jpeg for crop in (crops[0], crops[len(crops) // 2], crops[-1])]
    images = decode_crops(shown, THUMBNAIL_SIDE)
    return CropReport(
        recording,
        result.sha256,
        result.num_sampled,
        len(crops),
        result.median_confidence,
        tuple(thumbnail(image, THUMBNAIL_SIDE) for image in images),
        from_cache=result.from_cache,
        warnings=tuple(warnings_of(result)),
        duration_s=result.duration_s,
        footage=result.footage,
    )


def outcome(reports: Sequence[CropReport]) -> list[str]:
    """Says how many crops there are, and in which videos no face was found, the worst first."""
    failed = [each for each in reports if each.failure]
    missed = [each for each in reports if not each.failure and each.num_crops < each.num_sampled]
    missed.sort(key=lambda each: each.found_rate)
    num_crops = sum(each.num_crops for each in reports)
    lines = [f"{num_crops} crops of {len(reports) - len(failed)} videos"]
    lines += [f"no crops of {each.recording.file}: {each.failure}" for each in failed]
    lines += [
        f"no face in {each.num_sampled - each.num_crops} of {each.num_sampled} frames of "
        f"{each.recording.file}"
        for each in missed
    ]
    if not failed and not missed:
        lines.append("a face in every frame that was looked at")
    return [one_line(line) for line in lines]


def with_short_ones_noted(reports: Sequence[CropReport]) -> list[CropReport]:
    """Adds, when all videos of a dataset are known, a warning to those that are short."""
    cropped = [each for each in reports if not each.failure]
    mean = sum(each.num_sampled for each in cropped) / max(1, len(cropped))
    return [
        dataclasses.replace(each, warnings=(*each.warnings, short(each.num_sampled, mean)))
        if not each.failure and is_short(each.num_sampled, mean)
        else each
        for each in reports
    ]

"""Counter of software faults among failed videos, which ends the work if all fail."""

import dataclasses
import platform
from pathlib import Path

import hmhn_jax
from hmhn_jax.base.errors import SoftwareFault
from hmhn_jax.faces.crop import SOFTWARE, CropFailure, VideoCrops

FAULT = "fault of the software"  # how the reason of such a failure begins
FAULTS_TO_STOP = 3


@dataclasses.dataclass
class FaultCounter:
    """Counts videos on which the software fails, and ends the work where it fails on all.

    One video among many may trip a rare fault: that costs this video alone. But when the first ones
    all do, as with a library of another version, the next ones would, too. So it keeps (file,
    reason) of the faults, and whether any video was cropped by now, in this run.
    """

    num_videos: int
    faults: list[tuple[Path, str]] = dataclasses.field(default_factory=list)
    works: bool = False

    def count(self, path: Path, result: VideoCrops | CropFailure) -> None:
        """Counts the result of one more video.

        Raises SoftwareFault when `FAULTS_TO_STOP` videos, or all if there are fewer, met a fault,
        and none was cropped in this run.
        """
        if isinstance(result, CropFailure):
            if result.is_fault:
                self.faults.append((path, result.reason))
        elif not result.from_cache:
            self.works = True
        if self.works or len(self.faults) < min(FAULTS_TO_STOP, self.num_videos):
            return
        first, reason = self.faults[0]
        software = {"Python": platform.python_version(), **SOFTWARE}
        versions = ", ".join(f"{name} {version}" for name, version in software.items())
        raise SoftwareFault(
            f"{reason}: not the videos but hmhn-jax {hmhn_jax.__version__} or a library of it is "
            f"to blame, with {versions}; {len(self.faults)} of {self.num_videos} files met a fault "
            f"and none was cropped, so the work stops; the first was {first}. Please report this "
            "line where you got hmhn-jax"
        )

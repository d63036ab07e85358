"""Limits of the page."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits on uploads, jobs and results.

    Attributes:
      max_bytes: of one upload.
      max_picture_bytes: of one that is a picture, which is decoded in memory.
      max_duration_s: of one video, in seconds.
      max_jobs: uploads that are being received, wait or are worked on; one more is answered "busy".
      max_results: kept in memory, about 1 MB each; the oldest are forgotten first.
      stall_s: an upload of which nothing comes for so many seconds is given up.
    """

    max_bytes: int = 500_000_000
    max_picture_bytes: int = 50_000_000
    max_duration_s: float = 30 * 60.0
    max_jobs: int = 4
    max_results: int = 100
    stall_s: float = 30.0

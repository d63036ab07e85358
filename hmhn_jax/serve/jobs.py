"""Queue of uploads, each in a folder that is deleted when its work is done."""

import contextlib
import dataclasses
import secrets
import shutil
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hmhn_jax.base.errors import UserError
from hmhn_jax.faces.media.video import VideoError
from hmhn_jax.serve.limits import Limits


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of an upload.

    Attributes:
      values: of what JSON knows.
      pictures: PNG files, in the order in which `values` speaks of them.
    """

    values: dict
    pictures: tuple[bytes, ...] = ()


class CancelledError(BaseException):
    """Cancelled work. No `Exception`, so that it is not taken for a fault."""


# work(path, progress): progress takes the share done, or None when it is not known, and may raise
# CancelledError.
Work = Callable[[Path, Callable[[float | None], None]], Outcome]


@dataclasses.dataclass
class Job:
    """One upload.

    Attributes:
      id: a name that cannot be guessed.
      name: what its sender calls the file; only to be shown.
      folder: its own, for the upload; gone once the state is "done" or "failed".
      state: "uploading", "waiting", "working", "done" or "failed".
      progress: share of the work that is done; None when not known, 1 when it is over.
      outcome: when done.
      error: one line, when failed.
      cancelled: whether the client no longer waits for it.
    """

    id: str
    name: str
    folder: Path
    state: str = "uploading"
    progress: float | None = None
    outcome: Outcome | None = None
    error: str | None = None
    cancelled: bool = False

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed")


class Jobs:
    """Uploads of a server, and for a while their outcomes."""

    def __init__(self, folder: Path, work: Work, limits: Limits):
        self._folder = folder
        self._work = work
        self._limits = limits
        self._jobs: dict[str, Job] = {}  # in the order in which they came
        self._lock = threading.Lock()
        # One at a time: the network takes all devices and cores for each.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="job")

    def open(self, name: str) -> Job | None:
        """A new job for a file of this name, and its empty folder; None when there are too many."""
        with self._lock:
            if sum(not job.is_over for job in self._jobs.values()) >= self._limits.max_jobs:
                return None
            over = [job.id for job in self._jobs.values() if job.is_over]
            for old in over[: max(0, len(over) + 1 - self._limits.max_results)]:
                del self._jobs[old]
            job = Job(id := secrets.token_urlsafe(16), name, self._folder / id)
            job.folder.mkdir()
            self._jobs[id] = job
            return job

    def submit(self, job: Job, path: Path) -> None:
        """Queues a received file."""
        job.state = "waiting"
        self._executor.submit(self._run, job, path)

    def get(self, id: str) -> Job | None:
        return self._jobs.get(id)

    def position(self, job: Job) -> int:
        """Returns the number of jobs before it in the queue."""
        with self._lock:
            ids = [each.id for each in self._jobs.values() if each.state in ("waiting", "working")]
        return ids.index(job.id) if job.id in ids else 0

    def discard(self, job: Job) -> None:
        """Removes a job, and ends its work."""
        job.cancelled = True
        with self._lock:
            self._jobs.pop(job.id, None)
        if job.state != "working":  # what works on it removes the folder when it stops
            shutil.rmtree(job.folder, ignore_errors=True)

    def close(self) -> None:
        """Ends all work and waits until it has ended."""
        for job in list(self._jobs.values()):
            job.cancelled = True
        self._executor.shutdown(cancel_futures=True)

    def _run(self, job, path):
        def progress(share):
            if job.cancelled:
                raise CancelledError
            job.progress = share

        try:
            job.state = "working"
            progress(None)
            job.outcome = self._work(path, progress)
        except CancelledError:
            job.error = "cancelled"
        except VideoError as error:
            job.error = error.reason  # the file's name here is none that its owner knows
        except UserError as error:
            job.error = str(error)
        except Exception:  # one file must not end the page
            traceback.print_exc()
            job.error = "the software failed, not your file; the terminal of the page says why"
        finally:
            with contextlib.suppress(OSError):
                shutil.rmtree(job.folder)
            job.progress = 1.0
            job.state = "failed" if job.error else "done"

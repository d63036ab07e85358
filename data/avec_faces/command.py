"""One-line messages of a build under the `tfds` command."""

import atexit
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import tensorflow_datasets as tfds
from absl import app

from hmhn_jax.base.errors import SoftwareFault, UserError, reason_of


class OneLine(app.ExceptionHandler):
    """Ends programs that absl runs, as the `tfds` command, with an error's one line."""

    def wants(self, exc: BaseException) -> bool:
        return isinstance(exc, UserError | SoftwareFault)

    def handle(self, exc: BaseException) -> None:
        sys.excepthook = _say  # absl raises it again


def _say(kind: type, exc: BaseException, traceback: TracebackType | None) -> None:
    print(f"error: {exc}", file=sys.stderr, flush=True)
    exit_code = getattr(exc, "exit_code", 1)
    if exit_code != 1:  # Python's own after an exception
        os._exit(exit_code)


@contextlib.contextmanager
def one_line_for_the_disk(folder: Path) -> Iterator[None]:
    """Turns errors of a full, broken or read-only disk into a UserError."""
    try:
        yield
    except (UserError, SoftwareFault):
        raise
    except Exception as error:
        if not any(map(_is_of_the_disk, _causes(error))):
            raise
        raise UserError(f"cannot prepare {folder}: {reason_of(error)}") from error


def _causes(error):
    while error is not None:  # TFDS wraps them
        yield error
        error = error.__cause__


def _is_of_the_disk(error):
    """Returns whether the disk caused an error, which TensorFlow reports by types of its own."""
    return isinstance(error, OSError) or type(error).__module__.startswith("tensorflow.")


def builds_every_config() -> bool:
    """Returns whether this is `tfds build avec_faces`, which goes through all configs in turn.

    TFDS does not tell a builder whether it was asked for by name.
    """
    by_name = (argument.startswith(("--config", "avec_faces/")) for argument in sys.argv[1:])
    return is_tfds_command() and not any(by_name)


def say_at_the_end(lines: Sequence[str]) -> None:
    """Prints lines on stderr: now, or under the `tfds` command after all that TFDS says."""

    def say():
        sys.stdout.flush()
        print(*lines, sep="\n", file=sys.stderr, flush=True)

    atexit.register(say) if is_tfds_command() else say()


def is_tfds_command() -> bool:
    """Returns whether this program is TFDS's own."""
    return Path(sys.argv[0]).stem == "tfds"


def say_how_many_are_cached(from_cache: Sequence[bool]) -> None:
    """Prints how many videos were cropped now, and how many came from the cache."""
    cached = sum(from_cache)
    print(
        f"crops: {len(from_cache) - cached} videos decoded, {cached} from the cache",
        file=sys.stderr,
    )


@contextlib.contextmanager
def without_tfds_bars() -> Iterator[None]:
    """Hides TFDS's progress bars, which cannot know totals and would write over ours.

    Afterwards they are on, as by default: TFDS does not say how they were.
    """
    tfds.disable_progress_bar()
    try:
        yield
    finally:
        tfds.enable_progress_bar()

"""Scalars over training steps: one JSON object a line, and TensorBoard."""

import contextlib
import errno
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from hmhn_jax import bounded_files, processes
from hmhn_jax.errors import UserError

MOST_BYTES = 2**30  # of a run's own log: two million steps
Write = Callable[[int, dict[str, float]], None]


@contextlib.contextmanager
def open_writers(workdir: Path) -> Iterator[Write]:
    """Yields write(step, {"name": value}); lines go to DIR/scalars.jsonl and DIR/tensorboard/.

    A resumed run writes the steps since its checkpoint once more; the later line counts. Of several
    processes only the first one writes.
    """
    if not processes.is_first():
        yield lambda step, values: None
        return
    path = Path(workdir) / "scalars.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines, board = path.open("a+b", buffering=0), _open_board(path.parent / "tensorboard")
        _end_last_line(lines)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error

    def write(step, values):
        line = json.dumps({"step": step} | values).encode() + b"\n"
        try:
            if lines.write(line) < len(line):  # the rest of a disk that is full now
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            _add(board, step, values)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error

    with lines:
        try:
            yield write
        finally:
            with contextlib.suppress(OSError):  # it was said when it was written
                board.close()


def _open_board(folder):
    """Not a `SummaryWriter`: its thread dies when the disk is full, and who waits for it hangs."""
    from tensorboardX.event_file_writer import EventsWriter

    folder.mkdir(exist_ok=True)
    return EventsWriter(str(folder / "events"), f".{os.getpid()}")


def _add(board, step, values):
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.summary import scalar

    for name, value in values.items():
        event = Event(summary=scalar(name, value), step=step, wall_time=time.time())
        board.write_event(event)
    board.flush()


def _end_last_line(lines):
    """It may be cut, as by a full disk, and the next one must not become part of it."""
    if lines.seek(0, os.SEEK_END):
        lines.seek(-1, os.SEEK_END)
        if lines.read(1) != b"\n":
            lines.write(b"\n")


def read(workdir: Path) -> list[dict[str, float]]:
    """What was written over all of a run, by step: [{"step": 10, "loss": 3.1}, ...].

    Of a step that was written twice the later line counts. Without the file there is nothing; a
    line that a killed run left unfinished is passed over.
    """
    try:
        lines = bounded_files.read_text(
            Path(workdir) / "scalars.jsonl", most_bytes=MOST_BYTES
        ).splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    by_step = {}
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            values = json.loads(line)
            by_step[int(values["step"])] = values
    return [by_step[step] for step in sorted(by_step)]

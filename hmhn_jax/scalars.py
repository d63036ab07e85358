"""Scalars over training steps: one JSON object a line, and TensorBoard."""

import contextlib
import errno
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from hmhn_jax import bounded_files, checksums, processes
from hmhn_jax.errors import UserError

MOST_BYTES = 2**30  # of a run's own log: two million steps
MOST_LINE_BYTES = 2**16
CHECKSUM = "crc32"  # the last key of a line: `checksums.of_json` of what is before it
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
        lines = path.open("a+b", buffering=0)
        _end_last_line(lines)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error

    def write(step, values):
        line = {"step": step} | values
        line = json.dumps(line | {CHECKSUM: checksums.of_json(line)}).encode() + b"\n"
        try:
            if lines.write(line) < len(line):  # the rest of a disk that is full now
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error
        add_to_board(step, values)

    with lines, _open_board(path.parent / "tensorboard") as add_to_board:
        yield write


@contextlib.contextmanager
def _open_board(folder):
    """Yields write(step, {"name": value}) for TensorBoard."""
    import tensorflow as tf

    plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
    metadata = tf.compat.v1.SummaryMetadata(plugin_data=plugin)

    @contextlib.contextmanager
    def errors():
        try:
            yield
        except tf.errors.OpError as error:
            reason = re.sub(r"\{\{.*\}\} | \[Op:.*", "", " ".join(error.message.split()))
            raise UserError(f"cannot write {folder}: {reason}") from error

    with errors():
        writer = tf.summary.create_file_writer(str(folder))

    def write(step, values):
        with errors(), writer.as_default():
            for name, value in values.items():
                tf.summary.write(name, value, step, metadata)
            writer.flush()  # what is wrong is said now

    try:
        yield write
    finally:
        with contextlib.suppress(tf.errors.OpError):  # it was said when it was written
            writer.close()


def _end_last_line(lines):
    """The next one must not become part of it; what was cut, as by a full disk, goes."""
    if end := lines.seek(0, os.SEEK_END):
        lines.seek(max(0, end - MOST_LINE_BYTES))
        rest = lines.read(MOST_LINE_BYTES).rpartition(b"\n")[2]
        if rest and _is_cut(rest):
            lines.truncate(end - len(rest))
        elif rest:
            lines.write(b"\n")


def _is_cut(rest):
    """Whether it may be the beginning of a line: other damage is to be said, not removed."""
    return re.fullmatch(rb"[^}\0]*", rest) is not None


def read(workdir: Path) -> list[dict[str, float]]:
    """What was written over all of a run, by step: [{"step": 10, "loss": 3.1}, ...].

    Of a step that was written twice the later line counts. Without the file there is nothing; an
    end that a killed run left unfinished is passed over. Lines that are not what was written are
    left out with a note; those of before there were checksums are taken as they are.
    """
    path = Path(workdir) / "scalars.jsonl"
    try:
        *lines, rest = bounded_files.read_bytes(path, MOST_BYTES).split(b"\n")
    except OSError:
        return []
    if not _is_cut(rest):
        lines.append(rest)
    by_step, damaged, may_lack = {}, 0, True
    for line in lines:
        try:
            values, has_checksum = _parse(line, may_lack)
            by_step[int(values["step"])] = values
            may_lack = may_lack and not has_checksum  # the program became a newer one once
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            damaged += 1
    if damaged:
        print(f"note: {path}: {damaged} of {len(lines)} lines damaged, left out", flush=True)
    return [by_step[step] for step in sorted(by_step)]


def _parse(line, may_lack):
    """The values of a line, and whether it had a checksum; ValueError when it is damaged."""
    values = json.loads(line.decode())
    if not isinstance(values, dict):
        raise ValueError("no object")
    if has_checksum := CHECKSUM in values:
        stored = {CHECKSUM: values.pop(CHECKSUM)}
        checksums.check(CHECKSUM, checksums.of_json(values), stored)
    # A whole number beside the step is a checksum whose name was damaged.
    elif not may_lack or any(type(values[name]) is int for name in values.keys() - {"step"}):
        raise ValueError("no checksum")
    return values, has_checksum

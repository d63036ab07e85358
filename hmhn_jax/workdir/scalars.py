"""Scalars over training steps: one JSON object a line, and TensorBoard."""

import contextlib
import errno
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from hmhn_jax.base.errors import UserError
from hmhn_jax.runtime import processes

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
        if lines.tell() and not path.read_bytes().endswith(b"\n"):  # of a run that was killed
            lines.write(b"\n")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error

    def write(step, values):
        line = json.dumps({"step": step} | values).encode() + b"\n"
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


def read(workdir: Path) -> list[dict[str, float]]:
    """Reads what was written over all of a run, by step: [{"step": 10, "loss": 3.1}, ...].

    Of a step that was written twice the later line counts; without the file there is nothing. Lines
    that cannot be read, such as one that a killed run left unfinished, are left out with a note.
    """
    path = Path(workdir) / "scalars.jsonl"
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    by_step, damaged = {}, 0
    for line in filter(None, lines):
        try:
            values = {name: float(value) for name, value in json.loads(line).items()}
            values.pop("crc32", None)  # a checksum, in logs of older versions
            step = int(values["step"])
            by_step[step] = values | {"step": step}
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            damaged += 1
    if damaged:
        print(f"note: {path}: {damaged} of {len(lines)} lines damaged, left out", flush=True)
    return [by_step[step] for step in sorted(by_step)]

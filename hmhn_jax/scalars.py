"""Scalars over training steps: one JSON object a line, and TensorBoard."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from hmhn_jax import bounded_files, processes
from hmhn_jax.errors import UserError

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
    from tensorboardX import SummaryWriter

    path = Path(workdir) / "scalars.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.open("a")
        board = SummaryWriter(str(path.parent / "tensorboard"))
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error

    def write(step, values):
        try:
            print(json.dumps({"step": step} | values), file=lines, flush=True)
            for name, value in values.items():
                board.add_scalar(name, value, step)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error

    with lines, board:
        yield write


def read(workdir: Path) -> list[dict[str, float]]:
    """What was written over all of a run, by step: [{"step": 10, "loss": 3.1}, ...].

    Of a step that was written twice the later line counts. Without the file there is nothing; a
    line that a killed run left unfinished is passed over.
    """
    try:
        lines = bounded_files.read_text(Path(workdir) / "scalars.jsonl").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    by_step = {}
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            values = json.loads(line)
            by_step[int(values["step"])] = values
    return [by_step[step] for step in sorted(by_step)]

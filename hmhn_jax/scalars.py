"""Scalars over training steps: one JSON object a line, and TensorBoard."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from hmhn_jax.errors import UserError

Write = Callable[[int, dict[str, float]], None]


@contextlib.contextmanager
def open_writers(workdir: Path) -> Iterator[Write]:
    """Yields write(step, {"name": value}); lines go to DIR/scalars.jsonl and DIR/tensorboard/.

    A resumed run writes the steps since its checkpoint once more; the later line counts.
    """
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

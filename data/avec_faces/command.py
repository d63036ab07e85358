"""How a build behaves under the `tfds` command: one line for what went wrong, no traceback."""

import contextlib
import sys
from collections.abc import Iterator

from hmhn_jax.errors import UserError


@contextlib.contextmanager
def one_line_for_the_command() -> Iterator[None]:
    """Ends the `tfds` command with a UserError's line; elsewhere it stays an exception."""
    try:
        yield
    except UserError as error:
        if not is_the_command():
            raise
        sys.exit(f"error: {error}")


def is_the_command() -> bool:
    """Whether this process is `tfds build`."""
    return "tensorflow_datasets.scripts.cli.main" in sys.modules


def builds_every_config() -> bool:
    """Whether this is `tfds build avec_faces`, which goes through all configs in turn.

    TFDS does not tell a builder whether it was asked for by name.
    """
    asked = (argument.startswith(("--config", "avec_faces/")) for argument in sys.argv)
    return is_the_command() and not any(asked)

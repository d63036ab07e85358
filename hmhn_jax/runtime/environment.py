"""Environment variables and settings of libraries, before these are imported."""

import os
import platform
from pathlib import Path

from absl import logging

from hmhn_jax.base.errors import UsageError


def import_jax() -> None:
    """Imports JAX; raises UsageError for an environment variable that it does not take."""
    try:
        import jax  # noqa: F401
    except ValueError as error:
        raise UsageError(f"JAX cannot start: {error}") from error


def set_environment() -> None:
    """Sets environment variables that libraries read when they are imported; to be called before.

    Suppresses messages that no user can act on, and keeps compiled functions between runs, so that
    a second run starts at once. They are in ~/.cache/hmhn_jax, by machine, as a function compiled
    for one processor may not run on another; JAX_COMPILATION_CACHE_DIR names another place.
    """
    logging.set_verbosity(logging.FATAL)  # Orbax and TFDS log tracebacks of what they raise, too
    # TensorFlow, which reads the records, looks at these when it is imported. With the last one it
    # leaves out Keras, which imports scikit-learn and pandas: 2 of 5 s.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    folder = Path.home() / ".cache" / "hmhn_jax" / platform.node()
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))

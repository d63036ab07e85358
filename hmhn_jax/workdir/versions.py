"""Versions of the software that computed a result."""

import importlib.metadata
import platform

import hmhn_jax

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "tensorflow-datasets")


def installed() -> dict[str, str]:
    """Returns {"python": "3.11.7", "hmhn-jax": ..., "jax": ...}."""
    own = {"python": platform.python_version(), "hmhn-jax": hmhn_jax.__version__}
    return own | {package: importlib.metadata.version(package) for package in PACKAGES}

"""HMHN in JAX: depression severity, as a questionnaire scores it, from facial video.

    predictor = hmhn_jax.load("runs/demo")  # a workdir, or an exported network
    for result in predictor.predict(["anna.mp4", "ben.mov"]):
        print(result.path, result.score, result.warnings, result.error)

Research software. Its numbers are not a diagnosis.
"""

import importlib

__version__ = "0.1.0"
__all__ = ["__version__", "crop", "load"]

_MODULES = {"load": "hmhn_jax.prediction.predictor", "crop": "hmhn_jax.faces.aligned"}


def __getattr__(name: str):
    """Imports what a name needs when it is first used (PEP 562): JAX takes seconds."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])

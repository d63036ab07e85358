"""HMHN in JAX: depression severity, as a questionnaire scores it, from facial video.

Research software. Its numbers are not a diagnosis.
"""

__version__ = "0.1.0"

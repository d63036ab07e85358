"""HMHN in JAX: depression severity (BDI-II, 0 to 63) from facial video.

Research software. Its numbers are not a diagnosis.
"""

__version__ = "0.1.0"

"""Synthetic talking faces: an embedded data set that needs no licence.

Faces are drawn by procedure, from nothing but random numbers: no photograph, no real person. What
they do depends on a drawn score, who they are does not.
"""

from hmhn_jax.recordings.synthetic.dataset import SyntheticSettings, write_dataset

__all__ = ["SyntheticSettings", "write_dataset"]

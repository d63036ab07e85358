"""Aligned face crops from video files. Nothing here imports JAX or TensorFlow."""

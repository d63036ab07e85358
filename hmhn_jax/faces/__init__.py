"""From a video file to aligned face crops. Nothing here knows JAX or TensorFlow."""

"""A local page on which a trained network is tried on a video or a picture."""

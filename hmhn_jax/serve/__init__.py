"""Local web page that scores a video or a picture with a trained network."""

"""Views of a crop with something taken away: regions, colour, detail."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

# Left, top, right, bottom of regions, in the coordinates of dlib's aligned faces: eyes at 0.22
# from the top, the base of the nose at 0.63, and 0 to 1 from ear to ear.
REGIONS = {
    "face": (-0.10, -0.15, 1.10, 1.20),
    "eyes": (-0.05, -0.13, 1.05, 0.36),
    "nose": (0.30, 0.36, 0.70, 0.70),
    "mouth": (0.12, 0.70, 0.88, 1.10),
}
BLUR = 1 / 16  # standard deviation, as a share of the side: eyes and mouth become spots


def region_mask(name: str, size: int, padding: float) -> np.ndarray:
    """Marks a region of aligned crops, bool[size,size].

    Args:
      name: of `REGIONS`, or "border", which is all but the face.
      size: of the crops, in pixels.
      padding: of the crops, see `faces.crop.CropSettings`.
    """
    left, top, right, bottom = REGIONS["face" if name == "border" else name]
    places = (np.arange(size) + 0.5) / size * (1 + 2 * padding) - padding
    inside = np.outer((top <= places) & (places <= bottom), (left <= places) & (places <= right))
    return ~inside if name == "border" else inside


def views(padding: float, colour: np.ndarray) -> Mapping[str, Callable[[np.ndarray], np.ndarray]]:
    """Returns functions u8[N,S,S,3] -> u8[N,S,S,3] by what they leave of a crop.

    Args:
      padding: of the crops.
      colour: u8[3], for what a region leaves out; the same for all crops, so that it tells nothing
        of any.
    """

    def only(name):
        def keep(images):
            mask = region_mask(name, images.shape[1], padding)
            return np.where(mask[None, :, :, None], images, colour)

        return keep

    regions = {f"{name} only": only(name) for name in ("face", "border", "eyes", "nose", "mouth")}
    return {"everything": lambda images: images, **regions, "grey": grey, "blurred": blurred}


def grey(images: np.ndarray) -> np.ndarray:
    """Takes the colour away."""
    flat = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
    return np.repeat(np.stack(flat)[..., None], 3, axis=-1)


def blurred(images: np.ndarray) -> np.ndarray:
    """Takes the detail away."""
    return np.stack([cv2.GaussianBlur(image, (0, 0), BLUR * len(image)) for image in images])

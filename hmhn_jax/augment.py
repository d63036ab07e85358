"""What happens to crops inside the compiled step: standardisation and augmentation."""

import dataclasses

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

# ImageNet's channel statistics, as for every torchvision trunk.
CHANNEL_MEAN = (0.485, 0.456, 0.406)
CHANNEL_STD = (0.229, 0.224, 0.225)


@dataclasses.dataclass(frozen=True)
class AugmentSettings:
    """How far a training crop may be changed; 0 and False switch a change off.

    Attributes:
      flip: mirror left and right half of the time.
      rotation: largest turn to either side, in degrees.
      zoom: largest relative change of size.
      shift: largest move, relative to the side of the image.
      brightness, contrast, saturation: largest relative change.
    """

    flip: bool = True
    rotation: float = 10.0
    zoom: float = 0.08
    shift: float = 0.04
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2


def standardise(images: jax.Array) -> jax.Array:
    """uint8[B,H,W,3] or f32[B,H,W,3] in 0..255 -> f32[B,H,W,3], standardised."""
    images = images.astype(jnp.float32) / 255.0
    mean, std = (jnp.array([[[numbers]]], images.dtype) for numbers in (CHANNEL_MEAN, CHANNEL_STD))
    return (images - mean) / std


def augment(images: jax.Array, keys: jax.Array, settings: AugmentSettings) -> jax.Array:
    """uint8[B,H,W,3] and one random key each [B] -> f32[B,H,W,3] in 0..255.

    An image's changes depend on its own key only.
    """
    return jax.vmap(lambda image, key: _augment_one(image, key, settings))(images, keys)


def _augment_one(image_HxWx3, key, settings):
    image = image_HxWx3.astype(jnp.float32)
    # Numbers in -1..1, one for each change.
    flip, rotation, zoom, shift_y, shift_x, brightness, contrast, saturation = jax.random.uniform(
        key, (8,), minval=-1.0, maxval=1.0
    )
    if settings.flip:
        image = jnp.where(flip < 0, image[:, ::-1], image)
    if settings.rotation or settings.zoom or settings.shift:
        image = _transform(
            image,
            angle=jnp.deg2rad(settings.rotation * rotation),
            scale=1.0 + settings.zoom * zoom,
            shift=settings.shift * jnp.stack([shift_y, shift_x]),
        )
    grey = image.mean(axis=-1, keepdims=True)
    image = grey + (image - grey) * (1.0 + settings.saturation * saturation)
    image = image.mean() + (image - image.mean()) * (1.0 + settings.contrast * contrast)
    return jnp.clip(image * (1.0 + settings.brightness * brightness), 0.0, 255.0)


def _transform(image_HxWx3, angle, scale, shift):
    """Turns and scales about the centre, then moves by `shift` sides; edges are repeated."""
    height, width = image_HxWx3.shape[:2]
    y, x = jnp.mgrid[:height, :width].astype(jnp.float32)
    centre_y, centre_x = (height - 1) / 2, (width - 1) / 2
    y, x = y - centre_y - shift[0] * height, x - centre_x - shift[1] * width
    cos, sin = jnp.cos(angle) / scale, jnp.sin(angle) / scale
    source = jnp.stack([cos * y + sin * x + centre_y, cos * x - sin * y + centre_x])
    return jax.vmap(
        lambda channel: map_coordinates(channel, source, order=1, mode="nearest"), -1, -1
    )(image_HxWx3)

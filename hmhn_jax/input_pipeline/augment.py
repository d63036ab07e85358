"""Standardisation and augmentation of crops, inside the compiled step."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

# ImageNet's channel statistics, as for every torchvision trunk.
CHANNEL_MEAN = (0.485, 0.456, 0.406)
CHANNEL_STD = (0.229, 0.224, 0.225)


@dataclasses.dataclass(frozen=True)
class AugmentSettings:
    """Limits of the augmentation of a training crop; 0 and False switch a change off.

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
    """Standardises uint8[B,H,W,3] or f32[B,H,W,3] in 0..255 -> f32[B,H,W,3]."""
    images = images.astype(jnp.float32) / 255.0
    mean, std = (jnp.array([[[numbers]]], images.dtype) for numbers in (CHANNEL_MEAN, CHANNEL_STD))
    return (images - mean) / std


def augment(images: jax.Array, keys: jax.Array, settings: AugmentSettings) -> jax.Array:
    """Augments uint8[B,H,W,3] by one random key each [B] -> f32[B,H,W,3] in 0..255.

    An image's changes depend on its own key only. Images of another type raise TypeError.
    """
    if images.dtype != np.uint8:
        raise TypeError(f"expected uint8 images, got {images.dtype}")

    def change(image_and_key):
        return _augment_one(*image_and_key, settings)

    # One image fits a CPU's cache, a batch does not; a GPU wants all the work at once.
    return jax.lax.platform_dependent(
        (images, keys), cpu=lambda batch: jax.lax.map(change, batch), default=jax.vmap(change)
    )


def _augment_one(image_HxWx3, key, settings):
    # Numbers in -1..1, one for each change.
    flip, rotation, zoom, shift_y, shift_x, brightness, contrast, saturation = jax.random.uniform(
        key, (8,), minval=-1.0, maxval=1.0
    )
    mirrored = flip < 0 if settings.flip else False
    if settings.rotation or settings.zoom or settings.shift:
        image = _transform(
            image_HxWx3,
            mirrored,
            angle=jnp.deg2rad(settings.rotation * rotation),
            scale=1.0 + settings.zoom * zoom,
            shift=settings.shift * jnp.stack([shift_y, shift_x]),
        )
    else:
        image = jnp.where(mirrored, image_HxWx3[:, ::-1], image_HxWx3).astype(jnp.float32)
    if settings.saturation:
        factor = 1.0 + settings.saturation * saturation
        # grey + factor * (channel - grey) as a product of matrices.
        mix = factor * jnp.eye(3) + (1.0 - factor) / 3
        image = jnp.einsum("hwc,cd->hwd", image, mix, precision="highest")
    # Flat rows: three channels are too short an axis for vector units.
    rows = image.reshape(len(image), -1)
    if settings.contrast:
        mean = rows.mean()
        rows = mean + (rows - mean) * (1.0 + settings.contrast * contrast)
    if settings.brightness:
        rows = rows * (1.0 + settings.brightness * brightness)
    return jnp.clip(rows, 0.0, 255.0).reshape(image.shape)


def _transform(image_HxWx3, mirrored, angle, scale, shift):
    """Mirrors, turns and scales about the centre, then moves by `shift` sides.

    Between pixels it is bilinear; edges are repeated.
    """
    height, width = image_HxWx3.shape[:2]
    centre_y, centre_x = (height - 1) / 2, (width - 1) / 2
    y, x = np.mgrid[:height, :width].astype(np.float32).reshape(2, -1)
    places = np.stack([y - centre_y, x - centre_x, np.ones_like(x)])
    cos, sin = jnp.cos(angle) / scale, jnp.sin(angle) / scale
    shift_y, shift_x = shift[0] * height, shift[1] * width
    to_y = jnp.stack([cos, sin, -cos * shift_y - sin * shift_x])
    to_x = jnp.stack([-sin, cos, sin * shift_y - cos * shift_x])
    to_source = jnp.stack([to_y, jnp.where(mirrored, -to_x, to_x)])
    # A product of matrices is computed once. Code that XLA fuses into each of its uses may round
    # otherwise there, and the weights of neighbours would not belong to the neighbours.
    source_y, source_x = jnp.dot(to_source, places, precision="highest")
    source_y = jnp.clip(source_y + centre_y, 0, height - 1)
    source_x = jnp.clip(source_x + centre_x, 0, width - 1)
    top = jnp.clip(source_y.astype(jnp.int32), 0, max(0, height - 2))
    left = jnp.clip(source_x.astype(jnp.int32), 0, max(0, width - 2))
    down, right = source_y - top, source_x - left

    # The three bytes of a pixel are fetched as one number.
    padded = jnp.pad(image_HxWx3, ((0, 0), (0, 0), (0, 1)))
    pixels = jax.lax.bitcast_convert_type(padded, jnp.uint32).reshape(-1)
    first = top * width + left
    corners = [pixels.at[first + step].get(mode="clip") for step in (0, 1, width, width + 1)]

    def channel(bits):
        a, b, c, d = (((corner >> bits) & 255).astype(jnp.float32) for corner in corners)
        above, below = a + right * (b - a), c + right * (d - c)
        return above + down * (below - above)

    planes = jnp.stack([channel(bits) for bits in (0, 8, 16)])
    return planes.T.reshape(height, width, 3)

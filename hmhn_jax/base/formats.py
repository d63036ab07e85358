"""Videos and pictures: told apart by their content, searched for in folders by their endings."""

import struct
import warnings
from pathlib import Path

import PIL.Image

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".mkv", ".webm", ".avi", ".wmv", ".asf", ".flv"),
    *(".mpg", ".mpeg", ".vob", ".ts", ".mts", ".m2ts", ".ogv", ".gif"),
)
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff")
SUFFIXES = (*VIDEO_SUFFIXES, *PICTURE_SUFFIXES)

PICTURE_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")  # Pillow's names of these
# What damaged files make Pillow raise; anything else is a fault of the software.
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, LookupError, ArithmeticError, struct.error)


def is_picture(path: Path) -> bool:
    """Returns whether a file is a picture, whatever its name; a GIF is one if it does not move.

    All else is taken for a video: `container.open_video` says what is wrong with what is neither.
    """
    kind, moves = _format(path)
    return kind is not None and not (kind == "GIF" and moves)


def has_more_pictures(path: Path) -> bool:
    """Returns whether a picture's file holds several to be shown: animated, or pages."""
    kind, moves = _format(path)
    return moves and kind != "MPO"  # phones put maps of depth and brightness beside a photograph


def _format(path):
    """Returns Pillow's name of the format, None if it is no picture, and if it holds several."""
    try:
        if not Path(path).is_file():
            return None, False
        with (
            warnings.catch_warnings(action="ignore"),  # Pillow warns of large ones
            PIL.Image.open(path, formats=PICTURE_FORMATS) as picture,
        ):
            return picture.format, getattr(picture, "is_animated", False)
    except PIL.Image.DecompressionBombError:
        return "too large", False  # which `images.read_image` says
    except DAMAGE:
        return None, False

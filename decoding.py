"""Picture files of any kind, opened: the first frame, the right way up, and no larger than a machine can take."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from shell import UserError, naming

MAX_PIXELS = 50_000_000  # a phone's best photograph; more is a mistake or an attack
SUFFIXES = {
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".avifs"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".tga", ".ico"),
}  # of pictures, where a folder is searched for them
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "PPM", "JPEG2000", "TGA", "ICO")  # no EPS: it runs code
JPEG_SIDE = 1024  # pixels; a larger JPEG is decoded at a half, a quarter or an eighth of its size
FULL_SIZE = "full size of"  # with the decoded size the key of `Image.info`: no file can bring it, no crop inherits it

# Odd metadata is nobody's business. Said once, for all threads: `catch_warnings` changes what they share, and of two
# that decode at the same time one would leave the other's filters behind.
warnings.filterwarnings("ignore", module=r"PIL\.")


def open_picture(path: Path | str) -> Image.Image:
    """Reads the first frame of a picture, the right way up.

    Args:
        path: A picture file. A JPEG much larger than `JPEG_SIDE` is decoded at reduced size.

    Returns:
        The picture, decoded, in the mode the file has.

    Raises:
        UserError: If there is no such file, or it is no picture, damaged, or over `MAX_PIXELS` (told from its header).
    """
    path = Path(path)
    with naming(path):
        if not path.is_file():  # a pipe or device would block for ever
            found = "a folder" if path.is_dir() else "something that is no file" if path.exists() else "no such file"
            raise UserError(f"expected a picture file, found {found}; check the path")
        try:
            with path.open("rb") as file:
                return decode_picture(file)
        except PermissionError:
            raise UserError("expected a file that you may read, permission was denied; check its mode") from None


class OtherKindError(UserError):
    """Bytes are no picture, or one of a format that is not taken."""


class TooLargeError(UserError):
    """A picture has more pixels than are taken."""

    def __init__(self, most_pixels: int, received: str):
        super().__init__(f"expected at most {most_pixels:,} pixels, received {received}; scale it down")


def decode_picture(file: BinaryIO, formats: Sequence[str] = FORMATS, most_pixels: int = MAX_PIXELS) -> Image.Image:
    """The same of an open file.

    Args:
        formats: As Pillow names them: what else the bytes may be is not looked at.
        most_pixels: Of the picture as its header tells; nothing is decoded of a larger one.

    Raises:
        OtherKindError: It is none of these formats.
        TooLargeError: It has more pixels.
        UserError: It is damaged. All are told without its name, which only the caller knows.
    """
    try:
        with Image.open(file, formats=formats) as picture:
            return _upright(picture, most_pixels)
    except UserError:
        raise
    except Image.DecompressionBombError:
        raise TooLargeError(most_pixels, "far more") from None
    except UnidentifiedImageError:
        found = "a file of another kind" if file.seek(0, os.SEEK_END) else "an empty file"
        raise OtherKindError(f"expected a picture ({', '.join(formats[:6])}), received {found}") from None
    except Exception as error:  # on damaged bytes Pillow's readers raise whatever they stumble over
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"expected a whole picture, received a damaged one ({reason}); save it anew") from None


def _upright(picture: Image.Image, most_pixels: int) -> Image.Image:
    """Decodes, a large JPEG at reduced size, and turns as the camera says; `info` keeps the file's own size."""
    width, height = picture.size
    if width * height > most_pixels:
        raise TooLargeError(most_pixels, f"{width} x {height}")
    may_be_reduced = picture.draft(None, (JPEG_SIDE, JPEG_SIDE)) is not None
    upright = ImageOps.exif_transpose(picture)
    if may_be_reduced:
        upright.info[FULL_SIZE, upright.size] = (width, height) if upright.size == picture.size else (height, width)
    return upright

"""Pictures as the web page sends and gets them: data URLs in JSON, nothing of them on any disk."""

import base64
import binascii
import io
import re
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
from PIL import Image

from decoding import OtherKindError, TooLargeError, decode_picture
from shell import UserError
from web_fields import Refusal, Schema, text
from web_guard import Deadline, Limits
from written_page import COMPRESSION

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # what browsers make, and only what Pillow reads without a helper
DATA_URL = re.compile(r"data:image/(png|jpeg|jpg|webp|gif|bmp|x-ms-bmp)(;[a-z0-9=.-]+)*;base64,", re.IGNORECASE)
PICTURE: Schema = text(Limits.body, 1, format="uri", title="a picture as a data URL, data:image/png;base64,...")
SMALL = 4_000_000  # pixels; of larger pictures only one is in memory at a time, since each takes up to 100 MB
LONGEST = 64  # times as long as the other, a side may be: ink in a mere line of pixels takes half a minute to find
JPEG_BEGINS, SCAN = b"\xff\xd8", b"\xff\xda"
MOST_SCANS = 200  # of a JPEG; usual are a dozen, but one of a few bytes takes as long as all pixels do
QUICK = 1  # of zlib, 0 to 9, for pictures that are looked at once

Seen = TypeVar("Seen")
_one_large = threading.Lock()


def data_url(picture: Image.Image, compression: int = COMPRESSION) -> str:
    """A picture as a PNG in a data URL."""
    file = io.BytesIO()
    picture.save(file, format="PNG", compress_level=compression)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def glyph_url(glyph: np.ndarray) -> str:
    """A glyph uint8 `(S, S)` as it is: white ink on black."""
    return data_url(Image.fromarray(glyph))


def looked_at(
    urls: Iterable[str], look: Callable[[Image.Image], Seen], limits: Limits, deadline: Deadline
) -> list[Seen]:
    """What `look` finds in the pictures of data URLs: the first frame of each, the right way up.

    They are decoded one after the other, and none is kept.

    Raises:
        Refusal: 400 for what is no data URL, 413 for more pixels than all of them together may have, 415 for another
            kind of file, 422 for a damaged one, 408 if it takes too long.
    """
    left, found = limits.pixels, []
    for url in urls:
        try:
            pixels, seen = _look(io.BytesIO(_content(url)), left, look, deadline)
        except TooLargeError as error:
            raise Refusal(413, f"picture: {error}") from None
        left -= pixels
        found.append(seen)
        deadline.check()
    return found


def _look(file: io.BytesIO, left: int, look: Callable[[Image.Image], Seen], deadline: Deadline) -> tuple[int, Seen]:
    """Pixels of a picture, and what `look` finds in it; a large one waits until no other is in memory."""
    try:
        return _decode_and_look(file, min(SMALL, left), look)
    except TooLargeError:
        if left <= SMALL:
            raise
    with _one_large:
        deadline.check()
        return _decode_and_look(file, left, look)


def _decode_and_look(file: io.BytesIO, left: int, look: Callable[[Image.Image], Seen]) -> tuple[int, Seen]:
    picture = _decode(file, left)
    width, height = picture.size
    if max(width, height) > LONGEST * min(width, height):
        raise Refusal(422, f"picture: expected a side at most {LONGEST} times the other, received {width} x {height}; "
                           f"crop it")  # fmt: skip
    return width * height, look(picture)


def _content(url: str) -> bytes:
    """The bytes of a data URL."""
    if not url.startswith("data:") or "," not in url:
        raise Refusal(400, f"image: expected {PICTURE['title']}, received other text; change it")
    found = DATA_URL.match(url)
    if not found:
        raise Refusal(415, f"image: expected a picture in base64 ({', '.join(FORMATS)}), received another kind of "
                           f"data; save it as PNG or JPEG")  # fmt: skip
    try:
        content = base64.b64decode(url[found.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(400, "image: expected base64 after the comma, received something else; send it anew") from None
    if content.startswith(JPEG_BEGINS) and content.count(SCAN) > MOST_SCANS:
        raise Refusal(422, f"picture: expected a JPEG of at most {MOST_SCANS} scans, received more; save it anew")
    return content


def _decode(file: io.BytesIO, most_pixels: int) -> Image.Image:
    """A picture.

    Raises:
        TooLargeError: It has more pixels.
        Refusal: It is of another kind, or damaged.
    """
    try:
        return decode_picture(file, FORMATS, most_pixels)
    except TooLargeError:
        raise
    except OtherKindError as error:
        raise Refusal(415, f"picture: {error}; save it as PNG or JPEG") from None
    except UserError as error:
        raise Refusal(422, f"picture: {error}") from None

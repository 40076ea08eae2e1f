"""Pictures in requests: what browsers make is read, and whatever else comes is refused before it costs anything."""

import struct
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from web_client import as_url, drawn, encoded, opened

from web_fields import Refusal
from web_guard import Deadline, Limits
from web_pictures import data_url, decoded, glyph_url

LIMITS = Limits(pixels=1_000_000)
PNG = encoded(drawn("7"))


def decode(*urls, limits=LIMITS):
    return list(decoded(urls, limits, Deadline(9)))


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is large, and has nothing in it."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + struct.pack(">I", 99) + b"IDAT"
    return b"\x89PNG\r\n\x1a\n" + chunks


def apng() -> bytes:
    frames = [drawn("7"), drawn("1")]
    return encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_pictures_of_browsers_are_read(kind):
    (picture,) = decode(as_url(encoded(drawn("7"), kind), f"image/{kind.lower()}"))
    assert picture.size == drawn("7").size


def test_of_animations_the_first_frame_is_read():
    (still,), (first,) = decode(as_url(PNG)), decode(as_url(apng()))
    assert np.array_equal(np.asarray(still.convert("L")), np.asarray(first.convert("L")))


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("http://elsewhere/a.png", 400, "expected a picture as a data URL"),
        ("data:image/png;base64", 400, "expected a picture as a data URL"),
        ("data:image/png;base64,@@@@", 400, "expected base64"),
        ("data:image/png;base64,abc", 400, "expected base64"),
        ("data:image/png;base64,", 415, "an empty file"),
        (as_url(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"), 415, "another kind of data"),
        (as_url(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), 415, "a file of another kind"),
        (as_url(encoded(drawn("7"), "TIFF")), 415, "a file of another kind"),
        (as_url(b"PK\x03\x04" + bytes(100)), 415, "a file of another kind"),
        (as_url(PNG[: len(PNG) // 2]), 422, "damaged"),
        (as_url(png_header(50_000, 50_000)), 413, "far more"),
        (as_url(png_header(1100, 1000)), 413, "received 1100 x 1000"),
        (as_url(png_header(10, 10)), 422, "damaged"),
        (as_url(encoded(Image.new("1", (900, 10)))), 422, "a side at most 64 times the other"),
    ],
)
def test_other_data_is_refused(url, status, said):
    with pytest.raises(Refusal, match=said) as caught:
        decode(url)
    assert caught.value.status == status
    assert "\n" not in str(caught.value)


def test_all_pictures_of_a_request_share_a_limit():
    large = as_url(encoded(Image.new("1", (800, 800))))
    assert len(decode(large)) == 1
    with pytest.raises(Refusal, match="expected at most 360,000 pixels") as caught:
        decode(large, large)
    assert caught.value.status == 413


def test_large_pictures_are_read_in_turn():
    (picture,) = decode(as_url(encoded(Image.new("1", (2100, 2000), 1))), limits=Limits())
    assert picture.size == (2100, 2000)


def test_pictures_stop_where_the_time_is_over():
    with pytest.raises(Refusal) as caught:
        list(decoded([as_url(PNG)], LIMITS, Deadline(-1)))
    assert caught.value.status == 408


@settings(max_examples=50, deadline=None)
@given(st.integers(0, len(PNG) - 1), st.binary(max_size=4))
def test_damaged_pictures_are_read_or_refused(place, put):
    started = time.monotonic()
    try:
        decode(as_url(PNG[:place] + put + PNG[place + len(put) :]))
    except Refusal as refusal:
        assert refusal.status in (413, 415, 422)
    assert time.monotonic() - started < 5


def test_a_picture_goes_there_and_back():
    glyph = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    assert np.array_equal(np.asarray(opened(glyph_url(glyph))), glyph)
    (back,) = decode(data_url(Image.fromarray(glyph)))
    assert np.array_equal(np.asarray(back), glyph)

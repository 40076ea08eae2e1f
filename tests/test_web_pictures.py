"""Pictures in requests: what browsers make is read, and whatever else comes is refused before it costs anything."""

import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from web_client import as_url, drawn, encoded, opened

from web_fields import Refusal
from web_guard import Deadline, Limits
from web_pictures import MOST_SCANS, data_url, glyph_url, looked_at

LIMITS = Limits(pixels=1_000_000)
PNG = encoded(drawn("7"))


def decode(*urls, limits=LIMITS):
    return looked_at(urls, lambda picture: picture, limits, Deadline(9))


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is large, and has nothing in it."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + struct.pack(">I", 99) + b"IDAT"
    return b"\x89PNG\r\n\x1a\n" + chunks


def scanned(times: int) -> bytes:
    """A JPEG whose last scan comes again and again: each is of a few bytes, and costs as much as all pixels do."""
    whole = encoded(Image.new("L", (64, 64), 200), "JPEG", progressive=True)
    return whole[:-2] + times * whole[whole.rindex(b"\xff\xda") : -2] + whole[-2:]


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
        (as_url(scanned(MOST_SCANS), "image/jpeg"), 422, "at most 200 scans"),
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


def test_of_large_pictures_one_is_looked_at_at_a_time():
    url, at_once, most = as_url(encoded(Image.new("1", (2100, 2000), 1))), [], []

    def look(picture):
        at_once.append(picture.size)
        time.sleep(0.05)
        most.append(len(at_once))
        return at_once.pop()

    with ThreadPoolExecutor(3) as threads:
        sizes = threads.map(lambda _: looked_at([url], look, Limits(), Deadline(9)), range(3))
        assert list(sizes) == [[(2100, 2000)]] * 3
    assert most == [1, 1, 1]


def test_pictures_stop_where_the_time_is_over():
    with pytest.raises(Refusal) as caught:
        looked_at([as_url(PNG)], lambda picture: picture, LIMITS, Deadline(-1))
    assert caught.value.status == 408


@settings(max_examples=50)
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

"""written_page.py: a page in a file is the page, pixel by pixel and box by box."""

import json

import numpy as np
import pytest
from PIL import Image

from written_page import Box, Page


@pytest.fixture
def page() -> Page:
    ink = np.arange(12, dtype=np.uint8).reshape(3, 4)
    palette = np.random.default_rng(0).integers(0, 256, (256, 3), dtype=np.uint8)
    return Page(ink, palette, (Box("x", 1, 0, 3, 2, 0, 0, 0), Box('"', 0, 2, 1, 1, 1, 0, 0)))


def test_the_colours_are_those_of_the_palette(page):
    np.testing.assert_array_equal(page.image[2, 3], page.palette[11])


def test_a_file_holds_exactly_its_pixels(page, tmp_path):
    page.save_png(tmp_path / "page.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "page.png").convert("RGB")), page.image)


def test_json_tells_the_size_and_every_box(page):
    told = json.loads(page.to_json())
    assert (told["width"], told["height"]) == (4, 3)
    assert [Box(**box) for box in told["boxes"]] == list(page.boxes)

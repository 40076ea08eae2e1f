"""Grids: every glyph in its cell, every box in it, too."""

import numpy as np
import pytest

from glyph_grids import check_grid_size, set_grid
from layout import Layout
from shell import UserError


def test_glyphs_go_row_by_row_and_the_last_row_may_stay_short():
    glyphs = np.zeros((5, 8, 8), np.uint8)
    for number, glyph in enumerate(glyphs[:4]):
        glyph[2:6, 1:4] = 100 + 30 * number
    page = set_grid(glyphs, list("abcde"), 3, Layout(height=8))
    assert page.ink.shape == (16, 24)
    assert [int(page.ink[y, x]) for y, x in ((3, 2), (3, 10), (3, 18), (11, 2))] == [100, 130, 160, 190]
    assert not page.ink[8:, 8:].any()
    assert [tuple(box)[:5] for box in page.boxes[2:]] == [
        ("c", 17, 2, 3, 4), ("d", 1, 10, 3, 4), ("e", 8, 8, 8, 8)]  # fmt: skip  # a blank one is all of its cell
    assert [(box.word, box.line, box.page) for box in page.boxes] == [
        (0, 0, 0),
        (1, 0, 0),
        (2, 0, 0),
        (3, 1, 0),
        (4, 1, 0),
    ]


def test_a_grid_that_is_too_large_is_refused():
    check_grid_size(10_000, 1000, Layout(height=100))
    with pytest.raises(UserError, match="--variants 1000: .*received one of 10,001 cells of 100 x 100"):
        check_grid_size(10_001, 1000, Layout(height=100))

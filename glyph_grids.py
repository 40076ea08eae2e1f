"""Glyphs in a grid of square cells, with nothing between them, as a page with a box for each."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from layout import Layout
from letterspacing import FAINT
from shell import UserError
from written_page import Box, Page

MOST_PIXELS = 100_000_000  # of a grid
TAKEN = ("height", "ink", "paper")  # what a layout tells a grid


def check_grid_size(cells: int, variants: int, layout: Layout) -> None:
    """Refuses a grid that is too large to draw with a `UserError`."""
    side = layout.height
    if cells * side**2 > MOST_PIXELS:
        raise UserError(f"--variants {variants}: expected a grid of at most {MOST_PIXELS:,} pixels, received one of "
                        f"{cells:,} cells of {side} x {side}; ask for fewer")  # fmt: skip


def set_grid(glyphs: np.ndarray, names: Sequence[str], columns: int, layout: Layout) -> Page:
    """Lays glyphs out row by row, each cell `layout.height` pixels a side; the last row may stay short.

    Args:
        glyphs: uint8 `(N, S, S)`, white ink on black.
        names: What the box of each tells as its character, N.
    """
    side = layout.height
    cells = np.stack([np.asarray(Image.fromarray(glyph).resize((side, side), Image.Resampling.LANCZOS))
                      for glyph in glyphs])  # fmt: skip
    boxes = [cell_box(cell, name, number, columns)
             for number, (cell, name) in enumerate(zip(cells, names, strict=True))]  # fmt: skip
    filled = np.pad(cells, [(0, -len(cells) % columns), (0, 0), (0, 0)]).reshape(-1, columns, side, side)
    return Page(filled.swapaxes(1, 2).reshape(-1, columns * side), layout.palette, tuple(boxes))


def cell_box(cell: np.ndarray, name: str, number: int, columns: int) -> Box:
    """Where the ink is in a grid's cell, the whole of it where there is none; each cell is a word of its own."""
    side, (row, column) = len(cell), divmod(number, columns)
    left, top, right, bottom = Image.fromarray(cell > FAINT).getbbox() or (0, 0, side, side)
    return Box(name, column * side + left, row * side + top, right - left, bottom - top, number, row, 0)

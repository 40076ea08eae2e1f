"""Natural sizes: how high each character is, and where it stands on the line, by a reference typeface."""

from functools import cache
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from drawing import matplotlib_fonts

REFERENCE = "STIXGeneral.ttf"  # its x-height is two thirds of its capitals, as in writing; that of DejaVu Sans is more
EM = 256  # pixels at which it is measured


class Form(NamedTuple):
    """Where a character's ink is in the reference typeface, in heights of the line's body, which spans 1."""

    top: float
    """Above the baseline."""
    bottom: float
    """Above the baseline; negative below it."""
    width: float


@cache
def _typeface() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(matplotlib_fonts() / REFERENCE, EM, layout_engine=ImageFont.Layout.BASIC)


@cache
def _ink_box(character: str) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the ink in the reference typeface, in pixels right of and below the origin."""
    paper = Image.new("L", (3 * EM, 3 * EM))  # drawn, as the font's own box spans its advance, too
    ImageDraw.Draw(paper).text((EM, 2 * EM), character, fill=255, font=_typeface(), anchor="ls")
    left, top, right, bottom = paper.getbbox() or (EM, EM, EM + EM // 2, 2 * EM)
    return left - EM, top - 2 * EM, right - EM, bottom - 2 * EM


@cache
def _body() -> tuple[int, int]:
    """How far the body of a line reaches above the baseline and below it, in pixels of the reference typeface."""
    return -_ink_box("d")[1], _ink_box("p")[3]


def ascent() -> float:
    """Share of a line's body that stands above the baseline."""
    above, below = _body()
    return above / (above + below)


@cache
def form_of(character: str) -> Form:
    """Where a character's ink is in the reference typeface; one it lacks is framed as it frames missing ones."""
    above, below = _body()
    left, top, right, bottom = _ink_box(character)
    return Form(*(edge / (above + below) for edge in (min(-top, above), max(-bottom, -below), right - left)))

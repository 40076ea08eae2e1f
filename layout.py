"""Text laid out as a person writes it: glyphs in, written pages out.

The glyphs come from whatever draws them; `lettering.py` gives each its natural size and an even stroke. Here they
become words, words lines, and lines pages, in one pass and in bounded memory.
"""

import contextlib
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import ImageColor

from checks import require
from letterforms import ascent, form_of
from lettering import Letter, ink_letters, pen_of
from letterspacing import Piece
from shell import UserError
from unsteadiness import drift, hand_of
from written_page import Box, Page

MAX_SIDE = 16_000  # pixels; a line or page without a set size ends here
MAX_PIXELS = 32_000_000  # of a page without a set height
MAX_SET_PIXELS = 100_000_000  # of a page with one
HEIGHTS = range(8, 1001)  # pixels

TAB = 4  # spaces
FIRST_RUN, RUN = 64, 512  # glyphs asked for at a time; the first run's strokes tell the pen's width
INKED_AT_ONCE = 64  # of them, which the above are multiples of: as many as a processor's cache holds

# in heights of the body
SPACING = 0.05, 0.09  # between two letters
SPACE = 0.34  # between two words
SPACE_NOISE = 0.12  # share of a space that jitter 1 adds or takes away at most

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
LINE_BREAK = re.compile(r"\r\n|[\r\n\u2028\u2029]")
WORD = re.compile(r"(\s*)(\S+)")
SHARES_LEFT = {"left": 0.0, "centre": 0.5, "right": 1.0}  # of the room a line leaves, laid on its left
Draw = Callable[[str, int], np.ndarray]


@dataclass(frozen=True)
class Layout:
    """How text is laid out on its pages."""

    height: int = 64
    """Height of a line's body in pixels, from the top of a `d` to the foot of a `p`; 8 to 1000."""
    width: int | None = None
    """Width of the page in pixels, at most 16000; unset: as wide as its longest line, which ends at a line break, or
    after 16000 pixels."""
    page_height: int | None = None
    """Height of the page in pixels, at most 16000; unset: as high as the text needs, up to 16000 pixels or 32
    megapixels, after which there is another page."""
    align: Literal["left", "centre", "right"] = "left"
    """Where lines begin or end."""
    spacing: tuple[float, float] | None = None
    """Least and most paper between the ink of two neighbours in a word, in pixels, drawn anew for each pair; negative:
    they overlap. It is the least distance across, at any height. Unset: 5 to 9 % of the height."""
    line_spacing: float = 1.3
    """From baseline to baseline, in heights; 0.5 to 10."""
    margin: int | None = None
    """Paper around the text, in pixels; unset: half the height."""
    ink: str = "#1b2a4a"
    """Colour of the ink: a name, #rrggbb, rgb(...) or hsl(...)."""
    paper: str = "#ffffff"
    """Colour of the paper, likewise."""
    slant: float = 0.0
    """Degrees by which letters lean to the right, beyond what they do by themselves; -45 to 45."""
    jitter: float = 1.0
    """Strength of the unsteadiness of size, baseline and slant that makes a hand look alive; 0: none, at most 4."""

    def __post_init__(self):
        require(self.height in HEIGHTS, "`height` must lie in [8, 1000] pixels", height=self.height)
        for name in ("width", "page_height"):
            side = getattr(self, name)
            require(side is None or 1 <= side <= MAX_SIDE, f"`{name}` must lie in [1, {MAX_SIDE}] pixels",
                     **{name: side})  # fmt: skip
        pixels = (self.width or 1) * (self.page_height or 1)
        require(pixels <= MAX_SET_PIXELS, f"a page must have at most {MAX_SET_PIXELS:,} pixels",
                 width=self.width, page_height=self.page_height)  # fmt: skip
        require(self.align in ("left", "centre", "right"), "`align` must be left, centre or right", align=self.align)
        low, high = self.gap_range
        require(-self.height <= low <= high <= 10 * self.height,
                 f"`spacing` must be the least and the most, in [{-self.height:g}, {10 * self.height:g}] pixels",
                 spacing=self.spacing)  # fmt: skip
        require(0.5 <= self.line_spacing <= 10, "`line_spacing` must lie in [0.5, 10] heights",
                 line_spacing=self.line_spacing)  # fmt: skip
        require(0 <= self.border <= MAX_SIDE // 4, f"`margin` must lie in [0, {MAX_SIDE // 4}] pixels",
                 margin=self.margin)  # fmt: skip
        require(_rgb("ink", self.ink) != _rgb("paper", self.paper), "`ink` must have another colour than the paper",
                ink=self.ink, paper=self.paper)  # fmt: skip
        require(-45 <= self.slant <= 45, "`slant` must lie in [-45, 45] degrees", slant=self.slant)
        require(0 <= self.jitter <= 4, "`jitter` must lie in [0, 4]", jitter=self.jitter)

    @property
    def gap_range(self) -> tuple[float, float]:
        """Pixels of paper between neighbours: the least and the most."""
        return self.spacing or (SPACING[0] * self.height, SPACING[1] * self.height)

    @property
    def border(self) -> int:
        """Pixels of paper around the text."""
        return self.height // 2 if self.margin is None else self.margin

    @property
    def room(self) -> int:
        """Pixels a line may be long."""
        return (self.width or min(MAX_SIDE, MAX_SET_PIXELS // (self.page_height or 1))) - 2 * self.border

    @property
    def line_pitch(self) -> float:
        """Pixels from baseline to baseline."""
        return self.line_spacing * self.height

    @property
    def palette(self) -> np.ndarray:
        """The colours of ink laid on paper ever thicker, uint8 `(256, 3)`."""
        return np.linspace(_rgb("paper", self.paper), _rgb("ink", self.ink), 256).round().astype(np.uint8)


def _rgb(name: str, colour: str) -> tuple[int, int, int]:
    with contextlib.suppress(ValueError):
        levels = ImageColor.getrgb(colour)[:3]
        if max(levels) <= 255:  # Pillow takes rgb(300, 0, 0)
            return levels
    raise ValueError(f"`{name}` must be a colour, as navy or #1b2a4a. Received: {name}={colour!r}")


def set_pages(text: str, draw: Draw, layout: Layout, seed: int = 0, gaps: str = "") -> Iterator[Page]:
    """Writes text on pages, one after the other.

    Lines end where the text says, and between words where the page does; a longer word is broken. A page is handed
    over as soon as it is full, and only so many glyphs are asked for as it takes, so that a long text needs no more
    memory than a short one.

    Args:
        text: Any characters but controls; a tab is four spaces.
        draw: Given N consecutive characters of the text, whitespace and `gaps` left out, and the number of the first,
            gives their glyphs: uint8 `(N, S, S)`, white ink on black, each character anywhere in its square.
        layout: How they are laid out.
        seed: What all unsteadiness is a function of, with the number of the letter or line.
        gaps: Characters that are not drawn: they leave a gap of their usual width.

    Raises:
        UserError: There is nothing to write or a control character, or the page cannot hold a line or letter. Told at
            once, and not when the first page is asked for.
    """
    if found := CONTROLS.search(text):
        raise UserError(f"text: expected characters that can be written, received the control character "
                        f"U+{ord(found[0]):04X} at place {found.start() + 1}; leave it out")  # fmt: skip
    characters = "".join(text.translate(dict.fromkeys(map(ord, gaps))).split())
    if not characters:
        raise UserError("text: expected at least one character to write, received none; give some text")
    _check_room(characters, layout)
    letters = _letters(characters, draw, layout, seed)
    return _pages(_lines(text, letters, layout, frozenset(gaps)), layout, seed)


def _check_room(characters: str, layout: Layout) -> None:
    widest = max(set(characters), key=lambda character: form_of(character).width)
    needed = math.ceil(form_of(widest).width * layout.height)
    if layout.room < needed:
        raise UserError(f"--width {layout.width}: expected room for a letter: {needed} pixels for {widest!r} and "
                        f"{layout.border} of margin on either side; widen the page or lower the height")  # fmt: skip
    if layout.page_height is not None and layout.page_height < layout.height + 2 * layout.border:
        raise UserError(f"--page-height {layout.page_height}: expected room for a line: {layout.height} pixels and "
                        f"{layout.border} of margin above and below; raise it, or lower the height")  # fmt: skip


def _letters(characters: str, draw: Draw, layout: Layout, seed: int) -> Iterator[tuple[Letter, float]]:
    """Every letter at its size, in order, and where its gap lies between the least (0) and the most (1)."""
    pen, start = 0.0, 0
    while start < len(characters):
        run = characters[start : start + (RUN if start else FIRST_RUN)]
        glyphs = _checked(draw(run, start), len(run))
        pen = pen or pen_of(glyphs)
        for offset in range(0, len(run), INKED_AT_ONCE):
            some = slice(offset, offset + INKED_AT_ONCE)
            numbers = range(start, start + len(run))[some]
            hand = hand_of(numbers, seed, layout.height, layout.slant, layout.jitter)
            inked = ink_letters(glyphs[some], run[some], layout.height, pen, hand, layout.room)
            yield from zip(inked, hand.share.tolist(), strict=True)
        start += len(run)


def _checked(glyphs: np.ndarray, count: int) -> np.ndarray:
    fits = glyphs.dtype == np.uint8 and glyphs.ndim == 3 and len(glyphs) == count and glyphs.shape[1] == glyphs.shape[2]
    require(fits, f"`draw` must give uint8 ({count}, S, S)", glyphs=glyphs)
    return glyphs


def _pieces(word: str, letters: Iterator[tuple[Letter, float]], layout: Layout, gaps: frozenset) -> Iterator[Piece]:
    """A word in as many pieces as it takes."""
    piece, (low, high) = Piece(layout.height), layout.gap_range
    for character in word:
        if character in gaps:
            width = round(form_of(character).width * layout.height + max(low, 0))
            if piece.width + width > layout.room:
                yield piece
                piece = Piece(layout.height)
            piece.skip(min(width, layout.room))
            continue
        letter, share = next(letters)
        if not piece.add(letter, low + (high - low) * share, layout.room):
            yield piece
            piece = Piece(layout.height)
            piece.add(letter, 0, layout.room)
        if len(piece.letters) == 1:
            piece.share = share
    yield piece


Line = list[tuple[Letter, int, int]]  # a letter, the left edge of its ink, the number of its word


def _lines(text: str, letters: Iterator[tuple[Letter, float]], layout: Layout, gaps: frozenset[str]) -> Iterator[Line]:
    """The text in lines no longer than the page has room for; a blank one is empty."""
    word_number = 0
    for paragraph in _paragraphs(text.rstrip()):
        line, end = [], 0
        for found in WORD.finditer(paragraph):
            space = SPACE * layout.height * sum(TAB if blank == "\t" else 1 for blank in found[1])
            for k, piece in enumerate(_pieces(found[2], letters, layout, gaps)):
                gap = round(space * (1 + layout.jitter * SPACE_NOISE * (2 * piece.share - 1)))
                if k or (line and end + gap + piece.width > layout.room):
                    yield line
                    line, end, gap = [], 0, 0
                start = min(end + gap, max(0, layout.room - piece.width))
                line += [(letter, start + x, word_number) for letter, x in piece.letters]
                end = start + piece.width
            word_number += 1
        yield line


def _paragraphs(text: str) -> Iterator[str]:
    start = 0
    for found in LINE_BREAK.finditer(text):
        yield text[start : found.start()]
        start = found.end()
    yield text[start:]


def _pages(lines: Iterator[Line], layout: Layout, seed: int) -> Iterator[Page]:
    """Pages of as many lines as each holds."""
    page, widest, first, number = [], 0, 0, 0
    for line in lines:
        length = _length(line)
        width, height = _page_size(layout, max(widest, length), len(page) + 1)
        fits = height <= (layout.page_height or MAX_SIDE) and (layout.page_height or width * height <= MAX_PIXELS)
        if page and not fits:
            yield _page(page, widest, layout, seed, first, number)
            page, widest, first, number = [], 0, first + len(page), number + 1
        page.append(line)
        widest = max(widest, length)
    yield _page(page, widest, layout, seed, first, number)


def _length(line: Line) -> int:
    return max((x + letter.ink.shape[1] for letter, x, _ in line), default=0)


def _page_size(layout: Layout, widest: int, lines: int) -> tuple[int, int]:
    """Width and height in pixels of a page with so many lines, if it is no higher than it must be."""
    height = layout.height + math.ceil((lines - 1) * layout.line_pitch)
    return layout.width or widest + 2 * layout.border, height + 2 * layout.border


def _page(lines: list[Line], widest: int, layout: Layout, seed: int, first: int, number: int) -> Page:
    """Puts ink on paper.

    Args:
        widest: Pixels of the longest line. first: Number of the first line. number: That of the page.
    """
    width, height = _page_size(layout, widest, len(lines))
    plane, boxes = np.zeros((layout.page_height or height, width), np.uint8), []
    for k, line in enumerate(lines):
        baseline = layout.border + ascent() * layout.height + k * layout.line_pitch
        aside = layout.border + round((width - 2 * layout.border - _length(line)) * SHARES_LEFT[layout.align])
        falls = drift(first + k, [x for _, x, _ in line], seed, layout.height, layout.jitter).tolist()
        for (letter, x, word), fall in zip(line, falls, strict=True):
            box = _put(plane, letter.ink, aside + x, round(baseline + fall) + letter.top)
            boxes.append(Box(letter.character, *box, word, first + k, number))
    return Page(plane, layout.palette, tuple(boxes))


def _put(plane: np.ndarray, ink: np.ndarray, x: int, y: int) -> tuple[int, int, int, int]:
    """Lays ink over a plane, as near to its place as it stays inside; gives its box."""
    height, width = ink.shape
    x, y = max(0, min(x, plane.shape[1] - width)), max(0, min(y, plane.shape[0] - height))
    place = plane[y : y + height, x : x + width]
    np.maximum(place, ink, out=place)
    return x, y, width, height

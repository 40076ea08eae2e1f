"""Pieces of ink put together to characters: one alone, or several in a line, small signs among them or not."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ink import Part, by_area, find_parts

APART = 0.15  # of the tallest character: two pieces nearer to each other, across, are of one
CLOSE = 0.05  # the same in a line of characters, of pieces that are not as high as each other
AS_HIGH = 0.65  # of the higher one: in a line, two pieces of at least that height are two characters
WITHIN = 0.85  # of the narrower one: two that overlap by more, across, are of one all the same
STUBBY = 4.7  # pens: two lower strokes are a double quote, and higher ones two characters, as 11
SMALL = 0.4  # of the largest character: what is smaller is dirt, or a small sign of a line

# of a line in which small signs are characters
BROKEN = 0.15  # pens: a small piece nearer to another, across, was broken off it
FAINT = 0.25  # of full ink: what it ties together, where strokes may be broken, is of one character
SPREAD = 2.0  # times as long as a small piece, all that fainter ink ties to it may be,
BLUR = 2  # and so many pixels more
DOT = 2.6  # pens, and a pixel: no dot is longer
STEM = 0.6  # of its height: no stem that a dot belongs to is wider
ASIDE = 0.2  # of the line's height: so far aside of its stem a dot may be
FLAT = 0.35  # of the line's height: what is lower is a dash, or a small letter
TALL = 0.6  # of the line's height: what is higher is a letter, whatever stands beside it
SIGN = 0.8  # of the line's height: no small sign is higher, a colon either
FLOATING = 0.45  # of the line's height above its foot: no letter ends above
ON_FOOT = 0.15  # of the line's height: so near to its foot letters end
LOWEST = 0.3  # of the line's height: no letter is lower
WINDING = 1.7  # times its extent: no stroke of a small sign is as long
LEAST_INK = 0.45  # square pens: a sign has more
AWAY = 1.0  # heights of the line: no sign is farther from the next character
REACH = -0.6, 1.6  # of the line's height above its foot: where signs are


def group_characters(parts: Sequence[Part], in_line: bool = False, pen: float | None = None) -> list[Part]:
    """Puts together the parts of one character; the largest character first.

    Args:
        in_line: Characters are known to stand side by side: how near they are to each other then tells nothing, and
            slanted ones may reach over the next.
        pen: Width of the strokes of a line in which small signs are characters too, in pixels; None: they are dirt.
    """
    found = list(parts)
    merging = True
    while merging:
        merging = False
        tallest = max(part.height for part in found)
        for k, part in enumerate(found):
            mates = [other for other in found[:k] if _belong(part, other, tallest, in_line, pen)]
            if mates:
                mate = min(mates, key=lambda other: _distance(part, other))
                found = [other for other in found if other not in (part, mate)] + [part + mate]
                found.sort(key=by_area)
                merging = True
                break
    scale = max(max(part.width, part.height) for part in found)
    large = [part for part in found if part is found[0] or max(part.width, part.height) > SMALL * scale]
    if pen is None:
        return large
    line = Line.of(large, pen)
    return [part for part in found if part in large or line.has(part)]


def without_fragments(parts: Sequence[Part], labels: np.ndarray, ink: np.ndarray) -> list[Part]:
    """Of a picture whose strokes may be broken: puts small pieces back to what fainter ink ties them to.

    Those that are tied to more than themselves, but to no character, are of a faint line, and left out.

    Args:
        parts: Of the `labels`, the largest first.
    """
    ties, wholes = find_parts(ink > FAINT)
    extents = {whole.labels[0]: whole.longest for whole in wholes}
    tie_of = np.zeros(labels.max() + 1, int)
    tie_of[labels.ravel()] = ties.ravel()
    found: dict[int, list[Part]] = {}  # by their ties
    for part in parts:
        tie = int(tie_of[part.labels[0]])
        tied = found.setdefault(tie, [])
        if part.longest > SMALL * parts[0].longest:
            tied.append(part)
        elif tied:
            mate = min(tied, key=lambda other: _distance(part, other))
            tied[tied.index(mate)] = mate + part
        elif extents[tie] <= SPREAD * part.longest + BLUR:
            tied.append(part)
    return sorted((part for tied in found.values() for part in tied), key=by_area)


class Line(NamedTuple):
    """A line of characters, as its letters tell: those that are no small signs."""

    letters: list[Part]
    height: int
    """Of the highest, in pixels."""
    pen: float
    """Width of the strokes, in pixels."""

    @classmethod
    def of(cls, characters: Sequence[Part], pen: float) -> "Line":
        """The line of some characters."""
        height = max(part.height for part in characters)
        tall = cls([part for part in characters if part.height > TALL * height], height, pen)
        return cls([part for part in characters if part in tall.letters or not tall.is_sign(part)], height, pen)

    def place(self, part: Part) -> float:
        """How far the middle of a part is above the foot of the line, in its heights."""
        return self._above((part.box[1] + part.box[3]) / 2, part)

    def _above(self, row: float, part: Part) -> float:
        """How far a row is above the foot of the two letters next to a part: of the one that ends higher."""
        beside = sorted((letter for letter in self.letters if letter is not part), key=lambda it: _gaps(part, it)[0])
        foot = min((letter.box[3] for letter in beside[:2]), default=part.box[3])  # the other may have a tail
        return (foot - row) / self.height

    def is_sign(self, part: Part) -> bool:
        """Whether a character is a small sign: of small pieces, flat, or too high or too low for a letter."""
        if part.height > SIGN * self.height:
            return False
        top, bottom = (self._above(part.box[k], part) for k in (1, 3))
        if part.longest <= SMALL * self.height or part.height < FLAT * self.height:
            return not (abs(bottom) < ON_FOOT and self._is_winding(part))
        return bottom > FLOATING or (top < FLOATING and bottom < -ON_FOOT)

    def _is_winding(self, part: Part) -> bool:
        """Whether a stroke is much longer than its extent, as that of a small letter."""
        extent = len(part.labels) * part.longest
        return part.height > LOWEST * self.height and part.area > WINDING * extent * self.pen

    def has(self, part: Part) -> bool:
        """Whether a small part is a character of the line, and no dirt."""
        across = min(_gaps(part, letter)[0] for letter in self.letters)
        near = across < AWAY * self.height and REACH[0] < self.place(part) < REACH[1]
        return near and part.area >= LEAST_INK * self.pen**2


def _gaps(part: Part, other: Part) -> tuple[int, int]:
    """Pixels between two parts, across and along; negative for an overlap."""
    left, top, right, bottom = zip(part.box, other.box, strict=True)
    return max(left) - min(right), max(top) - min(bottom)


def _distance(part: Part, other: Part) -> tuple[bool, int]:
    """By which of two characters is the nearer to a part: to a dot or a bar one below it, not the one beside it."""
    across, along = _gaps(part, other)
    return along < -0.5 * min(part.height, other.height), across


def _belong(part: Part, other: Part, tallest: int, in_line: bool, pen: float | None) -> bool:
    """Whether two parts are of one character: a dot and its stem, the bars of =, a broken stroke; not two letters."""
    if in_line and _are_neighbours(part, other, tallest):
        return False
    if pen is not None and part.longest <= SMALL * tallest < other.longest:
        if _stands_beside(part, other, pen):
            return False
        if _is_dot_of(part, other, tallest, pen):
            return True
    across, along = _gaps(part, other)
    short, tall = sorted((part.height, other.height))
    narrow = min(part.width, other.width)
    if across < -0.25 * narrow:  # one above the other
        stacked = (
            short > 0.6 * tall and short > 0.6 * max(part.width, other.width) and 0.12 * tall < along < 0.8 * short
        )
        solid = max(one.area / (one.width * one.height) for one in (part, other)) > 0.55  # the dots of a colon
        return along < 8 * tall if solid else not stacked and along < 1.5 * max(tall, narrow)
    if across < (CLOSE if in_line else APART) * tallest:
        return True
    strokes = max(part.width, other.width) < 0.5 * tall and short > 0.6 * tall  # as in a double quote
    return strokes and across < 0.8 * tall and along < -0.6 * short


def _are_neighbours(part: Part, other: Part, tallest: int) -> bool:
    """Whether two parts of a line are a character each: side by side, and as high as each other.

    So are the strokes of a double quote, but those are short: beside another character, or for the pen they are of.
    """
    across, along = _gaps(part, other)
    short, tall = sorted((part.height, other.height))
    beside = along < -0.5 * short and across > -WITHIN * min(part.width, other.width)
    pens_high = max(one.height**2 / one.area for one in (part, other))
    quote = max(part.width, other.width) < 0.5 * tall and (tall < 0.6 * tallest or pens_high < STUBBY)
    return beside and short > AS_HIGH * tall and not quote


def _stands_beside(small: Part, letter: Part, pen: float) -> bool:
    """Whether a small piece is a sign before or after a letter, and not a dot above or below it, nor broken off it."""
    across, along = _gaps(small, letter)
    if along > 0:
        return False
    after = small.box[0] + small.box[2] > letter.box[0] + letter.box[2]
    low = small.box[3] > letter.box[3] - ASIDE * letter.height
    under = small.width < DOT * pen + 1 and after and low  # a dot may stand under what reaches over it, as in 7.
    return across > BROKEN * pen or under


def _is_dot_of(small: Part, letter: Part, tallest: int, pen: float) -> bool:
    """Whether a small piece is the dot of a stem, although it is not right above it."""
    across, along = _gaps(small, letter)
    is_stem = letter.width < STEM * letter.height
    above = 0 <= along < STEM * tallest and small.box[1] < letter.box[1]
    return small.longest < DOT * pen + 1 and is_stem and above and across < ASIDE * tallest

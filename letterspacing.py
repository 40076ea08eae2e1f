"""How near letters stand to one another: gaps that follow the ink, so that neither `AV` gapes nor `ll` touches."""

import math

import numpy as np

from lettering import Letter

TUCK = 0.12  # of a line's body: how far a letter may reach over or under the one before
FAINT = 64  # of 255: paler edges do not count as ink
BAND = 1 / 32  # of the body: height of the strips in which gaps are measured


class Piece:
    """Letters side by side that stay on one line: a word, or as much of one as a line holds."""

    def __init__(self, body: int):
        self.band = max(1, round(BAND * body))
        self.above = math.ceil(1.5 * body / self.band)  # bands over the baseline
        self.tuck = TUCK * body
        self.letters: list[tuple[Letter, int]] = []  # and the left edges of their ink
        self.width = self.least = 0
        self.skyline = np.full(2 * self.above, -np.inf)  # how far right the ink reaches in each band
        self.share = 0.0

    def place_of(self, left: np.ndarray, gap: float) -> int:
        """Where a letter goes: as near as ink and gap allow, but neither far under the others nor before them."""
        by_ink = (self.skyline - left).max() + gap
        return round(max(by_ink, self.width - self.tuck + min(gap, 0), self.least)) if self.letters else self.least

    def add(self, letter: Letter, gap: float, room: int) -> bool:
        """Adds a letter, `gap` pixels from the ink before it; says no where that takes more than `room` pixels."""
        left, right = self._profiles(letter)
        x, width = self.place_of(left, gap), letter.ink.shape[1]
        if self.width and x + width > room:
            return False
        self.letters.append((letter, x))
        np.maximum(self.skyline, right + x, out=self.skyline)
        self.width, self.least = max(self.width, x + width), x + width // 3
        return True

    def skip(self, width: int) -> None:
        """Leaves a gap."""
        self.width += width
        self.least = self.width
        self.skyline[:] = -np.inf

    def _profiles(self, letter: Letter) -> tuple[np.ndarray, np.ndarray]:
        """Left and right edge of a letter's ink in each band; the right one as seen from the bands next to it, too."""
        first, within = divmod(letter.top + self.above * self.band, self.band)
        height, width = letter.ink.shape
        seen = np.zeros((-(-(within + height) // self.band) * self.band, width), bool)
        np.greater(letter.ink, FAINT, out=seen[within : within + height])
        seen = seen.reshape(-1, self.band, width).any(axis=1)
        inked = seen.any(axis=1)
        inked |= not inked.any()  # a blank glyph takes its place, too
        left, right = np.full(len(self.skyline), np.inf), np.full(len(self.skyline), -np.inf)
        own = slice(first, first + len(seen))
        left[own][inked] = seen.argmax(axis=1)[inked]
        right[own][inked] = width - seen[:, ::-1].argmax(axis=1)[inked]
        wide = np.maximum(right[1:], right[:-1])
        right[1:-1] = np.maximum(wide[1:], wide[:-1])
        return left, right

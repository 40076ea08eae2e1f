"""Characters as the pen went: points in order, stroke by stroke, as tablets record them."""

import hashlib
from typing import NamedTuple

import numpy as np


class Strokes(NamedTuple):
    """The pen strokes of N characters, S strokes and M points in all."""

    points: np.ndarray
    """float32 (M, 2), x to the right and y downwards, in any unit."""
    strokes: np.ndarray
    """int64 (S + 1,): stroke s is made of the points from `strokes[s]` to before `strokes[s + 1]`."""
    characters: np.ndarray
    """int64 (N + 1,): character n is made of the strokes from `characters[n]` to before `characters[n + 1]`."""

    @property
    def sha256(self) -> str:
        """The same on any machine for the same strokes."""
        digest = hashlib.sha256()
        for array, dtype in zip(self, ("<f4", "<i8", "<i8"), strict=True):
            digest.update(np.ascontiguousarray(array, dtype))
        return digest.hexdigest()

    def take(self, numbers: np.ndarray) -> "Strokes":
        """The strokes of these characters, in the order of `numbers` (K,)."""
        chosen, characters = _rows_of(self.characters, numbers)
        points, strokes = _rows_of(self.strokes, chosen)
        return Strokes(self.points[points], strokes, characters)

    def character_starts(self) -> np.ndarray:
        """Where each character's points begin: int64 (N,)."""
        return self.strokes[self.characters[:-1]]

    def stroke_of_points(self) -> np.ndarray:
        """The stroke that each point is of: int64 (M,)."""
        return np.repeat(np.arange(len(self.strokes) - 1), np.diff(self.strokes))

    def character_of_points(self) -> np.ndarray:
        """The character that each point is of: int64 (M,)."""
        return np.repeat(np.arange(len(self.characters) - 1), np.diff(self.strokes[self.characters]))


def bounds(points: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middle and extent `(N, 2)` of the boxes around groups of points `(M, 2)`, each from `starts[n]` to the next."""
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    return (low + high) / 2, high - low


def _rows_of(offsets: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows of some groups, group after group, and the offsets at which these begin then."""
    sizes = np.diff(offsets)[groups]
    ends = np.cumsum(sizes)
    rows = np.arange(sizes.sum()) + np.repeat(offsets[:-1][groups] - (ends - sizes), sizes)
    return rows, np.concatenate([[0], ends])

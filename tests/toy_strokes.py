"""Characters of a few pen strokes."""

from collections.abc import Sequence

import numpy as np

from pen_strokes import Strokes


def strokes_of(*characters: Sequence) -> Strokes:
    """Characters as lists of strokes, each a list of points (x, y)."""
    lines = [line for character in characters for line in character]
    offsets = [np.concatenate([[0], np.cumsum([len(each) for each in parts])]) for parts in (lines, characters)]
    return Strokes(np.array([point for line in lines for point in line], np.float32), *offsets)

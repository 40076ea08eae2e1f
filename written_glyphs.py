"""What is left of glyphs once a fine pen has written them, framed as glyphs are again."""

import numpy as np

from lettering import ink_letters, pens_of
from picture import frame
from unsteadiness import hand_of

BODY = 44  # pixels from the top of a `d` to the foot of a `p`: a usual line
AT_ONCE = 256  # letters, which are arrays of some size while they are drawn


def written_glyphs(glyphs: np.ndarray, characters: str) -> np.ndarray:
    """Writes glyphs alone and upright, each with the pen that its own stroke asks for, and frames what comes of it.

    A line has one pen for all its letters, the middling one.

    Args:
        glyphs: uint8 `(N, S, S, 1)`, white ink on black.
        characters: What they show, N of them.

    Returns:
        uint8 `(N, S, S, 1)`; a fine stroke may be lost, and a gap closed.
    """
    parts = [slice(start, start + AT_ONCE) for start in range(0, len(glyphs), AT_ONCE)]
    return np.concatenate([_written(glyphs[part, ..., 0], characters[part]) for part in parts])[..., None]


def _written(glyphs: np.ndarray, characters: str) -> np.ndarray:
    steady = hand_of(range(len(glyphs)), seed=0, body=BODY, slant=0.0, jitter=0.0)
    letters = ink_letters(glyphs, characters, BODY, pens_of(glyphs), steady, room=5 * BODY)
    size = glyphs.shape[1]
    return np.stack([_framed(letter.ink, size) for letter in letters])


def _framed(ink: np.ndarray, size: int) -> np.ndarray:
    return frame(ink / np.float32(255), size) if ink.any() else np.zeros((size, size), np.uint8)

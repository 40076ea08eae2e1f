"""What several benchmarks measure by."""

import resource
import sys

import numpy as np


def nearest(glyphs: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Which of the references each glyph is nearest to, by Euclidean distance.

    Args:
        glyphs: float `(N, S, S, 1)` in [0, 1]. references: uint8 `(K, S, S, 1)`.

    Returns:
        int `(N,)`, in [0, K).
    """
    drawn = glyphs.reshape(len(glyphs), -1)
    right = references.reshape(len(references), -1).astype(np.float32) / 255
    return np.argmin(np.square(right).sum(axis=1) - 2 * drawn @ right.T, axis=1)  # |drawn|^2 is the same for all K


def peak_bytes(usage: resource.struct_rusage) -> int:
    """The most memory a process held, in bytes: Linux counts it in KiB, macOS in bytes."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)

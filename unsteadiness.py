"""What makes a hand look alive: no two letters of quite one size, slant and height, and a baseline that drifts.

All of it is a function of a seed and of the number of the letter or line, whatever else is written.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# standard deviations at jitter 1
SIZE_NOISE = 0.025  # of the size
RISE_NOISE = 0.010  # in heights of the body
SLANT_NOISE = 1.6  # degrees
DRIFTS = ((6, 0.007), (17, 0.012), (45, 0.02))  # of the baseline: wavelengths and amplitudes, in heights of the body
STEEPEST, SIZES = 50, (0.75, 1.25)  # degrees, factors: beyond them no jitter goes

LETTERS, LINES = range(2)  # kinds of random numbers
BLOCK = 256  # letters that they are drawn for at a time


class Hand(NamedTuple):
    """How each of N letters is written; arrays `(N,)`."""

    size: np.ndarray
    """Factor on its natural size."""
    rise: np.ndarray
    """Pixels above the baseline."""
    shear: np.ndarray
    """Pixels to the right a pixel upwards: the tangent of the slant."""
    share: np.ndarray
    """Where the gap before it lies between the least (0) and the most (1)."""


def hand_of(letters: range, seed: int, body: float, slant: float, jitter: float) -> Hand:
    """How some letters are written.

    Args:
        letters: Their numbers in the text; with the seed all that a letter's unsteadiness is a function of.
        body: Pixels from the top of a `d` to the foot of a `p`.
        slant: Degrees by which letters lean to the right.
        jitter: Strength of the unsteadiness; 0: none.
    """
    noise, shares = _noise(seed, letters)
    size, rise, lean = (jitter * noise * (SIZE_NOISE, RISE_NOISE * body, SLANT_NOISE)).T
    shear = np.tan(np.radians(np.clip(slant + lean, -STEEPEST, STEEPEST)))
    return Hand(np.clip(1 + size, *SIZES), rise, shear.astype(np.float32), shares)


def _noise(seed: int, letters: range) -> tuple[np.ndarray, np.ndarray]:
    """For each of N letters three normal numbers `(N, 3)`, none extreme, and a uniform one in [0, 1) `(N,)`."""
    normal, uniform = [], []
    for block in range(letters[0] // BLOCK, letters[-1] // BLOCK + 1):
        rng = np.random.default_rng([seed, LETTERS, block])
        normal.append(rng.standard_normal((BLOCK, 3)))
        uniform.append(rng.random(BLOCK))
    own = slice(letters[0] % BLOCK, letters[0] % BLOCK + len(letters))
    return np.clip(np.concatenate(normal)[own], -2.5, 2.5), np.concatenate(uniform)[own]


def drift(line: int, places: Sequence[int], seed: int, body: float, jitter: float) -> np.ndarray:
    """How far the baseline of a line has sunk at places along it, in pixels `(N,)`: in waves, as an arm moves smoothly.

    Args:
        line: Its number. places: Pixels from its beginning.
        seed, body, jitter: As of `hand_of`.
    """
    phases, heights = np.random.default_rng([seed, LINES, line]).uniform(-1, 1, (2, len(DRIFTS)))
    along = np.array(places, float) / body
    waves = [amplitude * height * np.sin(2 * math.pi * (along / length + phase))
             for (length, amplitude), phase, height in zip(DRIFTS, phases, heights, strict=True)]  # fmt: skip
    return jitter * body * np.sum(waves, axis=0)

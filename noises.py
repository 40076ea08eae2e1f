"""Noise on pictures, of several kinds and any strength."""

from collections.abc import Callable

import numpy as np

from checks import require
from shell import UserError, did_you_mean


def gaussian(picture: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Normal noise on every pixel, its standard deviation a share of the range from paper to ink."""
    return np.clip(np.round(picture + rng.normal(0, 255 * amount, picture.shape)), 0, 255)


def salt(picture: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """A share of the pixels made white."""
    return np.where(rng.random(picture.shape) < amount, 255, picture)


def pepper(picture: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """A share of the pixels made black, which leaves gaps in the ink."""
    return np.where(rng.random(picture.shape) < amount, 0, picture)


def salt_and_pepper(picture: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """A share of the pixels made white or black."""
    chance = rng.random(picture.shape)
    return np.where(chance < amount / 2, 255, np.where(chance < amount, 0, picture))


NOISES: dict[str, Callable[[np.ndarray, float, np.random.Generator], np.ndarray]] = {
    "gaussian": gaussian,
    "salt": salt,
    "pepper": pepper,
    "salt-and-pepper": salt_and_pepper,
}


def add_noise(images: np.ndarray, kind: str, amount: float, seed: int = 0) -> np.ndarray:
    """Makes pictures noisy, picture k by noise that depends on (seed, k) alone.

    Args:
        images: uint8 `(N, S, S, 1)`.
        kind: One of NOISES.
        amount: In [0, 1]: the standard deviation as a share of the range from paper to ink (`gaussian`), or the share
            of pixels that are hit (the others).
        seed: 0 or more.

    Returns:
        uint8 `(N, S, S, 1)`.

    Raises:
        UserError: There is no such kind, the amount is none, or the seed is negative.
    """
    require(images.dtype == np.uint8 and images.ndim == 4, "`images` must be uint8 (N, S, S, 1)", images=images)
    if kind not in NOISES:
        raise UserError(f"unknown noise {kind!r}{did_you_mean(kind, NOISES)}; expected one of {', '.join(NOISES)}")
    if not 0 <= amount <= 1:
        raise UserError(f"amount of noise: expected a number in [0, 1], received {amount}; 0.3 is much")
    if seed < 0:
        raise UserError(f"seed: expected 0 or more, received {seed}; choose another")
    noisy = [NOISES[kind](image, amount, np.random.default_rng([seed, k])) for k, image in enumerate(images)]
    return np.array(noisy, np.uint8).reshape(images.shape)

"""A learned prior p(style | character): noise from N(0, 1) bent into the styles that people write a character in."""

import math

import keras
import numpy as np
from keras import layers, ops

LARGEST_STRETCH = 1.0  # natural logarithm of the most that one coupling may stretch a coordinate by
FIT_ROUNDS, FIT_STEPS, FIT_BATCH = 12, 250, 512  # of a prior that is fitted to a trained encoder


class Coupling(layers.Layer):
    """Stretches and shifts one half of the coordinates as the other half and the character tell; easily turned around.

    Args:
        size: Coordinates in all. moved: Which half, 0 or 1. width: Hidden units. classes: Characters.
    """

    def __init__(self, size: int, moved: int, width: int, classes: int, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.cut, self.moved = size // 2, moved
        count = size - self.cut if moved else self.cut
        self.hidden = layers.Dense(width, dtype="float32")
        self.character = layers.Embedding(classes, width, dtype="float32")
        self.told = layers.Dense(2 * count, kernel_initializer="zeros", dtype="float32")  # so it begins as the identity

    def build(self, shape):
        kept = self.cut if self.moved else shape[-1] - self.cut
        self.hidden.build((None, kept))
        self.character.build((None,))
        self.told.build((None, self.hidden.units))

    def call(self, values, label, inverse: bool = False):
        """Values `(B, Z)` changed, and the natural logarithm of how much the map stretches, `(B,)`."""
        halves = [values[:, : self.cut], values[:, self.cut :]]
        told = self.told(ops.silu(self.hidden(halves[1 - self.moved]) + self.character(label)))
        stretch, shift = ops.split(told, 2, axis=1)
        stretch = LARGEST_STRETCH * ops.tanh(stretch)
        half = halves[self.moved]
        halves[self.moved] = (half - shift) * ops.exp(-stretch) if inverse else half * ops.exp(stretch) + shift
        sign = -1.0 if inverse else 1.0
        return ops.concatenate(halves, axis=1), sign * ops.sum(stretch, axis=1)


class LearnedPrior(layers.Layer):
    """A normalising flow of affine couplings (Dinh et al. 2017, "Density estimation using Real NVP").

    Args:
        size: Length Z of a style.
        classes: Characters.
        couplings: Maps in a row; they move one half of the coordinates and the other in turn.
        width: Hidden units of each.
    """

    def __init__(self, size: int, classes: int, couplings: int, width: int, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.size = size
        self.couplings = [Coupling(size, number % 2, width, classes) for number in range(couplings)]

    def build(self, shape):
        for coupling in self.couplings:
            coupling.build(shape)

    def call(self, values, label, inverse: bool = False):
        """Of styles `(B, Z)`: their noise `(B, Z)` and log p(style | label) in nats `(B,)`.

        Turned around, of noise `(B, Z)`: its style, and log p of that.
        """
        noise, stretched = values, 0.0
        for coupling in reversed(self.couplings) if inverse else self.couplings:
            values, stretch = coupling(values, label, inverse=inverse)
            stretched = stretched + (-stretch if inverse else stretch)
        noise = noise if inverse else values
        return values, standard_log_density(noise) + stretched


def standard_log_density(noise):
    """log N(noise; 0, 1) in nats, `(B,)`, of noise `(B, Z)`."""
    return -0.5 * ops.sum(ops.square(noise) + math.log(2 * math.pi), axis=1)


class _Unlikelihood(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return -y_pred


def fit_to_posteriors(
    prior: LearnedPrior, mean: np.ndarray, log_variance: np.ndarray, labels: np.ndarray, seed: int
) -> None:
    """Fits a prior to what a trained encoder makes of the training pictures, by maximum likelihood.

    Args:
        mean, log_variance: float32 `(N, Z)`; styles are drawn anew from them for every step. labels: int32 `(N,)`.
    """
    style, label = keras.Input((prior.size,)), keras.Input((), dtype="int32")
    model = keras.Model([style, label], prior(style, label)[1])
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, FIT_ROUNDS * FIT_STEPS)
    model.compile(keras.optimizers.Adam(schedule, clipnorm=1.0), loss=_Unlikelihood())
    for number in range(FIT_ROUNDS):
        rng = np.random.default_rng([seed, number])
        chosen = rng.integers(0, len(labels), FIT_STEPS * FIT_BATCH)
        noise = rng.standard_normal((len(chosen), prior.size), dtype=np.float32)
        styles = mean[chosen] + np.exp(0.5 * log_variance[chosen]) * noise
        unused = np.zeros(len(chosen), np.float32)
        model.fit([styles, labels[chosen]], unused, FIT_BATCH, shuffle=False, verbose=0)

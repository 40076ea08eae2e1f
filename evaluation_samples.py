"""What a model draws to be measured, whatever kind of model it is, and what a judge reads of it.

Sample k depends on the seed, on k and on its label alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from drawing import as_levels
from evaluation_data import Pictures
from generators import Writer
from reader_evaluation import labels_on
from readers import Reading, Recogniser
from writer_likelihood import SAMPLE, generator_of

BLOCK = 256  # characters drawn at a time: bounds the memory, and more take as long each


class Maker(NamedTuple):
    """What draws characters, of any kind."""

    alphabet: str
    image_size: int
    noise_size: int
    """Z."""
    draw: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """Of noise float32 `(N, Z)` from N(0,1) and labels int `(N,)`, pictures float32 `(N, S, S, 1)` in [0, 1]."""


def maker_of(writer: Writer) -> Maker:
    """A writer as one that draws of noise, not of styles."""

    def draw(noise: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return writer.decode(writer.styles(noise, labels), labels)

    return Maker(writer.alphabet, writer.image_size, writer.latent_size, draw)


def noise_of(seed: int, count: int, size: int) -> np.ndarray:
    """N(0,1) of samples 0, 1, ...: float32 `(count, size)`."""
    return np.stack([generator_of(seed, number, SAMPLE).standard_normal(size, np.float32) for number in range(count)])


def written(maker: Maker, noise: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Draws characters: uint8 `(N, S, S, 1)` of noise `(N, Z)` and labels `(N,)`."""
    parts = []
    for start in range(0, len(labels), BLOCK):
        some = slice(start, start + BLOCK)
        parts.append(as_levels(maker.draw(noise[some], labels[some])))
    return np.concatenate(parts)


def samples(maker: Maker, labels: np.ndarray, seed: int) -> np.ndarray:
    """Draws characters of noise from N(0,1): uint8 `(N, S, S, 1)`, sample k of label k."""
    return written(maker, noise_of(seed, len(labels), maker.noise_size), labels)


def read_by(judge: Recogniser, alphabet: str, pictures: Pictures) -> Reading:
    """What a judge reads, its probabilities `(N, K)` over an alphabet that it knows what is to be read of."""
    reading = judge.recognise(pictures.images, pictures.allowed or alphabet)
    place = labels_on(judge.alphabet, alphabet)
    return replace(reading, probabilities=np.where(place >= 0, reading.probabilities[:, place], 0))


@dataclass(frozen=True)
class Trial:
    """Samples that shall show what test pictures do: drawn once and read once, whichever measures ask for them."""

    maker: Maker
    judge: Recogniser | None
    pictures: Pictures
    """All test pictures."""
    count: int
    """How many of them are taken, and drawn, at most."""
    seed: int

    @cached_property
    def test(self) -> Pictures:
        """Those that are taken."""
        return self.pictures.spread(self.count)

    @cached_property
    def made(self) -> Pictures:
        """The samples, labelled as they were asked for: as many as `test` of each class."""
        return self.test._replace(images=samples(self.maker, self.test.labels, self.seed), writers=None)

    @cached_property
    def readings(self) -> tuple[Reading, Reading]:
        """What the judge makes of the samples, and of the test pictures."""
        return tuple(read_by(self.judge, self.maker.alphabet, some) for some in (self.made, self.test))

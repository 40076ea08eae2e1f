"""A writer, a judge and pictures so simple that what is to be said of them is known beforehand."""

from pathlib import Path

import numpy as np

from classification_score import LabelledPictures, TrainedOn
from evaluation_data import Pictures
from readers import Reading

SIDE = 12


def columns(styles: np.ndarray, labels: np.ndarray, lean: float = 0.0) -> np.ndarray:
    """A stroke of ink for every label at another place, moved and made to lean by the style's first number."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    place = 2 + 2 * labels[:, None, None] + lean * np.tanh(styles[:, :1, None]) * (SIDE / 2 - y)
    return np.clip(1.5 - np.abs(x - place), 0, 1)[..., None].astype(np.float32)


class Toy:
    """A writer of N(0,1) styles; a subclass or an argument says how it draws and what it proposes."""

    has_prior = False

    def __init__(self, draw=columns, alphabet="0123", latents=2, mean=0.0, log_variance=0.0, likelihood="bernoulli"):
        self.alphabet, self.image_size, self.latent_size = alphabet, SIDE, latents
        self.card = {"name": "toy", "likelihood": likelihood, "alphabet": alphabet}
        self.draw, self.moments = draw, (mean, log_variance)

    def encode(self, images, labels):
        return tuple(np.full((len(labels), self.latent_size), value, np.float32) for value in self.moments)

    def decode(self, styles, labels):
        return self.draw(styles, labels)

    def styles(self, noise, labels):
        return noise

    def noise(self, styles, labels):
        return styles, -0.5 * (np.square(styles) + np.log(2 * np.pi)).sum(axis=1)


class Judge:
    """Takes the brightest of four columns for the character; `blind` is one it always takes for 0."""

    def __init__(self, alphabet="0123", image_size=SIDE, blind=None):
        self.folder, self.alphabet, self.image_size, self.blind = Path("judge-toy"), alphabet, image_size, blind

    def recognise(self, images, allowed=None):
        sums = images[..., 0].astype(np.float32).sum(axis=1)
        read = sums[:, 2 : 2 + 2 * len(self.alphabet) : 2].argmax(axis=1)
        read[read == self.blind] = 0
        blank = np.zeros(len(images), np.float32)
        return Reading(np.eye(len(self.alphabet), dtype=np.float32)[read], blank, blank == 0, sums)


def pictures(count: int = 80, seed: int = 0, dataset: str = "toys", alphabet: str = "0123", **changes) -> Pictures:
    labels = np.arange(count, dtype=np.int32) % len(alphabet)
    noise = np.random.default_rng(seed).normal(size=(count, 2))
    images = np.round(255 * columns(noise, labels % 4, 0.1)).astype(np.uint8)
    return Pictures(dataset, "digits", images, labels, {"digits": alphabet})._replace(**changes)


def flat(level: float):
    return lambda styles, labels: np.full((len(labels), SIDE, SIDE, 1), level, np.float32)


def untrained(synthetic: LabelledPictures, real: LabelledPictures, test: LabelledPictures) -> TrainedOn:
    """Which test pictures show what those of one kind with the same columns are called; without a network."""

    def shown(pictures: LabelledPictures) -> np.ndarray:
        return pictures.images[..., 0].sum(axis=1, dtype=int)[:, 2::2][:, :4].argmax(axis=1)

    def right(lesson: LabelledPictures) -> np.ndarray:
        called = [np.bincount(lesson.labels[shown(lesson) == column], minlength=4).argmax() for column in range(4)]
        return np.array(called)[shown(test)] == test.labels

    return TrainedOn(right(synthetic), right(real))

"""Where characters come from: a trained model, which draws them in any hand, or the real people of a data set."""

import functools
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from drawing import as_levels
from generators import Writer
from runtime import TrainedModel
from style import Style, common_noise, noise_of
from style_fitting import draw

TEMPERATURE = 0.65  # scale of the noise: at 0.8 a hand varies a sixth more, and half as many letters again are misread
KEPT = 0.8  # of the noise of characters that somebody wrote, for the others in that hand
LIVELINESS = 0.3  # share of a character's noise that is its own and not its hand's
BLOCK = 256  # rows of random numbers drawn at a time
HAND, CHARACTER = 11, 12  # streams of random numbers, beside those of layout.py


class GlyphSource(Protocol):
    """Where characters come from: a trained model, or real people."""

    name: str
    alphabet: str
    image_size: int

    def hand(self, seed: int) -> Any:
        """What all characters written in one hand share; None: it knows no hands."""

    def draw(self, labels: np.ndarray, seed: int, start: int = 0, hand: Any = None) -> np.ndarray:
        """Draws characters, each a function of its number and label, of the seed and of the hand alone.

        Args:
            labels: int `(N,)`.
            start: Number of the first; those after it count on.
            hand: As `hand` gives it; None: every character is of another hand.

        Returns:
            uint8 `(N, S, S, 1)`, white ink on black.
        """


class NoiseGlyphs:
    """Characters that a trained model draws of noise from N(0,1): what their noise has in common is their hand.

    Args:
        model: The model.
        noise_size: Length of its noise.
        drawn_by: Those of its files that noise becomes pictures by.
        temperature: Scale of the noise.
    """

    def __init__(self, model: TrainedModel, noise_size: int, drawn_by: Sequence[str], temperature: float):
        self.noise_size, self.scale = noise_size, np.full(noise_size, temperature, np.float32)
        if model.card.get("clusters"):
            self.scale[0] = 1  # which chooses a cluster: scaled down, it would choose some less often than people do
        self.name, self.alphabet, self.image_size = model.card["name"], model.alphabet, model.image_size
        drawing = [model.card["files"].get(part, "") for part in drawn_by]
        self.fingerprint = hashlib.sha256("".join(drawing).encode()).hexdigest()

    def hand(self, seed: int) -> Style | None:
        noise = np.random.default_rng([seed, HAND]).standard_normal(self.noise_size, np.float32)
        return self._style(self.scale * noise)

    def _style(self, vector: np.ndarray, own: dict[str, np.ndarray] | None = None) -> Style:
        return Style(vector, self.name, self.fingerprint, own or {})

    def noise(self, count: int, seed: int, start: int = 0, shared: np.ndarray | None = None) -> np.ndarray:
        """What `count` characters, from number `start` on, are drawn of: float32 `(N, Z)`.

        Args:
            shared: What their hand gives them, float32 `(N, Z)` or `(Z,)`; None: every one is of another hand.
        """
        size = self.noise_size
        own = numbered([seed, CHARACTER], start, count, lambda rng: rng.standard_normal((BLOCK, size), np.float32))
        noise = self.scale * own
        if shared is None:
            return noise
        # shares whose squares sum to 1: the noise varies as much as that of single characters
        return np.float32((1 - LIVELINESS**2) ** 0.5) * shared + np.float32(LIVELINESS) * noise

    def draw(self, labels: np.ndarray, seed: int, start: int = 0, hand: Style | None = None) -> np.ndarray:
        shared = None if hand is None else hand.noise(self.alphabet[label] for label in labels.tolist())
        return as_levels(self._pictures(self.noise(len(labels), seed, start, shared), labels))

    def _pictures(self, noise: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Pictures float32 `(N, S, S, 1)` in [0, 1] of noise float32 `(N, Z)` and labels int `(N,)`."""
        raise NotImplementedError


class ModelGlyphs(NoiseGlyphs):
    """Characters drawn by a conditional VAE."""

    def __init__(self, writer: Writer, temperature: float = TEMPERATURE):
        super().__init__(writer, writer.latent_size, ("decoder.onnx", "prior.onnx"), temperature)
        self.writer = writer

    def style_of(self, images: np.ndarray, labels: np.ndarray) -> Style:
        """The hand of pictures uint8 `(N, S, S, 1)` of characters; those it writes nearly as they were written.

        The noise that the others share is KEPT in part, as that of a drawn hand is: far out they become scrawls.
        Their own noise is what their pictures tell alone: drawn nearer to the hand, they would look less as they were.
        """
        means, variances = noise_of(self.writer, images, labels)
        hand, own = common_noise(means, variances), {}
        for label in dict.fromkeys(labels.tolist()):
            these = labels == label
            own[self.alphabet[label]] = common_noise(means[these], variances[these], freedom=0).astype(np.float32)
        return self._style((KEPT * hand).astype(np.float32), own)

    def _pictures(self, noise: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return draw(self.writer, noise, labels)


class RealGlyphs:
    """Characters that people wrote: the training part of a data set, so that test pictures stay unseen.

    Where the set tells who wrote what, a hand is one writer of those who wrote most of the alphabet; characters that
    are missing there come from the next.
    """

    def __init__(self, name: str, data_dir: Path | None = None):
        data, part = training_part(name, data_dir)
        self.name, self.alphabet, self.image_size = name, data.alphabet, data.images.shape[1]
        self.images = data.images
        self.writers = data.writers
        self.members = [part[data.labels[part] == label] for label in range(len(data.alphabet))]

    def hand(self, seed: int) -> np.ndarray | None:
        """The writers, int32 `(W,)`, in the order in which they are asked for a character."""
        if self.writers is None:
            return None
        wrote = np.concatenate([np.unique(self.writers[members]) for members in self.members])
        writers, characters = np.unique(wrote, return_counts=True)
        order = np.random.default_rng([seed, HAND]).permutation(len(writers))
        return writers[order[np.argsort(-characters[order], kind="stable")]]

    def draw(self, labels: np.ndarray, seed: int, start: int = 0, hand: np.ndarray | None = None) -> np.ndarray:
        places = numbered([seed, CHARACTER], start, len(labels), lambda rng: rng.random(BLOCK))
        written = {label: self._written(label, hand) for label in np.unique(labels).tolist()}
        chosen = [written[label][int(place * len(written[label]))]
                  for label, place in zip(labels.tolist(), places, strict=True)]  # fmt: skip
        return self.images[chosen]

    def _written(self, label: int, hand: np.ndarray | None) -> np.ndarray:
        """Where in the data set a character is; of a hand, its first writer who wrote it."""
        members = self.members[label]
        if hand is None:
            return members
        writers = self.writers[members]
        return members[writers == next(writer for writer in hand if writer in writers)]


SAMPLED_SETS = ("mnist", "unipen94")
"""Data sets that characters can be drawn from."""


@functools.lru_cache(maxsize=2)  # drawing from a set again shall not read it again
def training_part(name: str, data_dir: Path | None):
    """A data set, and where in it the pictures to train on are, int64 `(M,)`."""
    from data_processor import TRAIN, load  # loaded here: a model needs no data

    data = load(name, data_dir)
    return data, np.flatnonzero(data.split == TRAIN)


def numbered(
    key: Sequence[int], start: int, count: int, draw_block: Callable[[np.random.Generator], np.ndarray]
) -> np.ndarray:
    """Rows `start` to `start + count` of an endless table of random numbers, whose row k is a function of key and k.

    Args:
        draw_block: Makes `BLOCK` rows.
    """
    first, last = start // BLOCK, (start + max(count, 1) - 1) // BLOCK
    blocks = [draw_block(np.random.default_rng([*key, block])) for block in range(first, last + 1)]
    return np.concatenate(blocks)[start - first * BLOCK :][:count]

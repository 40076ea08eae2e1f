"""Characters that a generative adversarial network invents: as it is told, mixed, or whichever the noise makes."""

from collections.abc import Callable, Mapping

import numpy as np

from drawing import as_levels
from generators import Generator
from glyph_sources import TEMPERATURE, NoiseGlyphs
from readers import Recogniser
from runtime import BATCH
from shell import UserError
from style import Style


class InventedGlyphs(NoiseGlyphs):
    """Characters of a conditional GAN, which draws what it is told: the same noise is the same hand."""

    def __init__(self, generator: Generator, temperature: float = TEMPERATURE):
        super().__init__(generator, generator.noise_size, generator.parts, temperature)
        self.generator = generator

    def _pictures(self, noise: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return self.generator.invent(noise, self.generator.label_weights(labels))

    def draw_mixture(
        self, shares: Mapping[str, float], count: int, seed: int, start: int = 0, hand: Style | None = None
    ) -> np.ndarray:
        """Draws pictures between several characters, each a function of its number, of the shares, seed and hand alone.

        Args:
            shares: Of characters of the alphabet, of a sum of 1.
            count: Pictures. start: Number of the first.
            hand: As `hand` gives it; None: every picture is of another hand.

        Returns:
            uint8 `(N, S, S, 1)`, white ink on black.
        """
        weights = np.array([shares.get(character, 0) for character in self.alphabet], np.float32)
        noise = self.noise(count, seed, start, None if hand is None else hand.vector)
        return as_levels(self.generator.invent(noise, np.tile(weights, (count, 1))))


class UntoldGlyphs(NoiseGlyphs):
    """Characters of a plain GAN, which is told none.

    Noise alone decides which character it is, so that characters of one noise would be one character, and no hand.

    Args:
        open_reader: Gives the recogniser that says which ones they became; asked when that is first wanted.
    """

    def __init__(self, generator: Generator, open_reader: Callable[[], Recogniser], temperature: float = TEMPERATURE):
        super().__init__(generator, generator.noise_size, generator.parts, temperature)
        self.generator, self.open_reader = generator, open_reader

    def hand(self, seed: int) -> None:
        """None: it knows no hands."""

    def _pictures(self, noise: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return self.generator.invent(noise)

    def read(self, count: int, seed: int, start: int = 0) -> str:
        """What the recogniser takes the characters for that are drawn; also one that is hardly a character.

        Args:
            count: Characters. start: Number of the first.

        Raises:
            UserError: The recogniser is missing, or for other characters or pictures than the model draws.
        """
        reader = self.open_reader()
        if reader.image_size != self.image_size:
            raise UserError(f"model {reader.card['name']!r}: expected one that reads pictures of {self.image_size} "
                            f"pixels a side, as {self.name} draws, received one of {reader.image_size}; retrain "
                            f"it")  # fmt: skip
        read = []
        for first in range(start, start + count, BATCH):  # bounds the memory
            unknown = np.zeros(min(BATCH, start + count - first), np.int32)
            drawn = self.draw(unknown, seed, first)
            read += reader.recognise(drawn, self.alphabet).probabilities.argmax(axis=1).tolist()
        return "".join(reader.alphabet[label] for label in read)

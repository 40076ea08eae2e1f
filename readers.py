"""Trained models that look at characters: one tells which they are, the other sets them in type.

>>> translator = Translator.open("translator-digits")
>>> glyphs, probabilities = translator.translate(images, font="DejaVu Serif")
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runtime import TrainedModel, is_number, lacking, told_by
from shell import UserError, did_you_mean


@dataclass(frozen=True)
class Reading:
    """What a reader makes of N pictures."""

    probabilities: np.ndarray
    """float32 (N, K) over the alphabet, given that it is a character; calibrated."""
    evidence: np.ndarray
    """float32 (N,), log odds that it is a character at all."""
    is_character: np.ndarray
    """bool (N,), by the rule on the card; never for a picture without ink."""
    features: np.ndarray
    """float32 (N, F)."""


class Recogniser(TrainedModel):
    """A reader of characters: the recogniser, or the judge."""

    task = "recognise"
    parts = ("recogniser.onnx",)

    @classmethod
    def _check_kind(cls, path: Path, card: dict) -> None:
        super()._check_kind(path, card)
        least = told_by(card, "no_character").get("least_evidence")
        if not (is_number(card.get("temperature")) and 0.01 <= card["temperature"] <= 100 and is_number(least)):
            raise lacking(path, "a temperature and no_character.least_evidence")

    def recognise(self, images: np.ndarray, allowed: str | None = None) -> Reading:
        """Reads characters.

        Args:
            images: uint8 `(N, 28, 28, 1)`, white ink on black, as `to_glyph` makes them.
            allowed: Characters that may be read, for a caller who knows what to expect; the probabilities are those
                over these alone. Whether it is a character at all is judged over the whole alphabet.

        Raises:
            UserError: The model is damaged: it answers with something that is no number.
        """
        prior = self.log_prior(allowed)
        logits, features = self.run_part("recogniser", ("logits", "features"), image=images)
        found = evidence(logits)
        has_ink = images.max(axis=(1, 2, 3)) > 0
        is_character = has_ink & (found >= self.card["no_character"]["least_evidence"])
        return Reading(softmax(logits / self.card["temperature"] + prior), found, is_character, features)


class Translator(TrainedModel):
    """The font translator."""

    task = "translate"
    parts = ("translator.onnx",)
    names = ("fonts",)

    def font_number(self, font: str | None) -> int:
        """The number the model knows a font by; None stands for the first.

        Raises:
            UserError: The model was not trained on that font.
        """
        fonts = self.card["fonts"]
        if font is None:
            return 0
        by_name = {name.casefold(): number for number, name in enumerate(fonts)}
        if font.casefold() not in by_name:
            raise UserError(f"font {font!r}: {self.card['name']} cannot set it{did_you_mean(font, fonts)}; "
                            f"it sets {', '.join(fonts)}")  # fmt: skip
        return by_name[font.casefold()]

    def translate(
        self, images: np.ndarray, font: str | None = None, allowed: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Reads characters and sets them in a font.

        Args:
            images: uint8 `(N, 28, 28, 1)`, white ink on black, as `to_glyph` makes them.
            font: One of the card's fonts; by default the first.
            allowed: Characters that may be read; by default all of the alphabet.

        Returns:
            Glyphs float32 `(N, 28, 28, 1)` in [0, 1], and probabilities float32 `(N, K)` over the alphabet.

        Raises:
            UserError: The model is damaged: it answers with something that is no number.
        """
        prior, fonts = self.log_prior(allowed), np.full(len(images), self.font_number(font), np.int32)
        glyphs, logits = self.run_part("translator", ("glyph", "logits"), image=images, font=fonts, log_prior=prior)
        return glyphs, softmax(logits + prior)


def evidence(logits: np.ndarray) -> np.ndarray:
    """Log odds `(N,)` that a picture shows a character at all: logsumexp of a reader's logits `(N, K)`."""
    top = logits.max(axis=1)
    return top + np.log(np.exp(logits - top[:, None]).sum(axis=1))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities `(N, K)` of logits `(N, K)`."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)

"""Text written by hand: characters of a model or of real people, in one hand, laid out as pages. No TensorFlow.

>>> generator = HandwritingGenerator("cvae-ascii", seed=7)
>>> generator.write("Dear Ada, call me at 9:30!").save_png("dear.png")
>>> mine = generator.style_of(images, "abeg")  # of four pictures of my characters, as `to_glyph` makes them
>>> generator.write("the rest of the alphabet", style=mine).show()
>>> between = HandwritingGenerator(source="cgan").mix({"1": 2, "7": 1}, count=8)  # pictures, two thirds of a 1
"""

import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from checks import check, check_labels, require
from config import DIGITS, in_words
from glyph_sources import SAMPLED_SETS, TEMPERATURE, GlyphSource, ModelGlyphs, NoiseGlyphs
from invented_glyphs import InventedGlyphs, UntoldGlyphs
from layout import Layout, set_pages
from mixture import shares_of
from restoration import denoise, interpolate, reconstruct
from shell import UserError, did_you_mean, named
from source_choice import SOURCES, open_source, source_of
from style import Style
from written_page import Page

SEEDS = 2**32  # there are so many, from 0
USUAL_SEED = 2  # where none is given: its hand is easily read, and the one that the page begins with
USUAL = Layout()
TYPEWRITTEN = {
    **dict.fromkeys("\u2018\u2019\u201a\u2032", "'"),  # quotes, the lower one, the prime
    **dict.fromkeys("\u201c\u201d\u201e\u2033", '"'),  # the same, double
    **dict.fromkeys("\u2010\u2011\u2013\u2014\u2212", "-"),  # hyphens, dashes, the minus sign
    "\u2026": "...",
}
"""Marks of print that texts are full of, and what a typewriter has in their place."""


class HandwritingGenerator:
    """Writes text by hand. It changes nothing that is stored.

    Args:
        model: Name of a trained CVAE or GAN; by default cvae-ascii, cgan-ascii or gan-digits, as the source is. Of no
            matter for a data set.
        seed: The one integer, in [0, 2**32), that everything drawn is a function of.
        models_dir: Folder of the trained models; by default `modelh5`.
        source: `cvae` or `cgan`, models that draw what they are told; `gan`, one that draws whichever digits its noise
            makes; `mnist` or `unipen94`, the characters of real people; or any `GlyphSource`. By default what the
            model is for.
        temperature: Scale of the model's noise; 0 draws the most usual hand, 1 hands as they come.
        data_dir: Folder of the data sets; by default what the environment says.

    Raises:
        UserError: There is no such model, source or data, or the model is for another source; the seed or the
            temperature is out of its range.
    """

    def __init__(
        self,
        model: str | None = None,
        seed: int = USUAL_SEED,
        models_dir: Path | None = None,
        source: str | GlyphSource | None = None,
        temperature: float = TEMPERATURE,
        data_dir: Path | None = None,
    ):
        check_seed(seed)
        if not 0 <= temperature <= 2:
            raise UserError(f"temperature: expected a number in [0, 2], received {temperature}; choose another")
        if isinstance(source, str) and source not in SOURCES:
            raise UserError(f"source {source!r}: expected one of {', '.join(SOURCES)}{did_you_mean(source, SOURCES)}")
        if source is None:
            source = source_of(model, models_dir) if model else "cvae"
        if isinstance(source, str):
            source = open_source(source, model, models_dir, temperature, data_dir)
        self.source: GlyphSource = source
        self.seed, self.data_dir = seed, data_dir

    @property
    def alphabet(self) -> str:
        """Characters it can write, in label order."""
        return self.source.alphabet

    @property
    def model(self) -> NoiseGlyphs:
        """The model, whose noise is a hand.

        Raises:
            UserError: It draws from a data set, or is a plain GAN, so that there are no styles.
        """
        if isinstance(self.source, NoiseGlyphs) and not isinstance(self.source, UntoldGlyphs):
            return self.source
        received = "one that is told no character" if isinstance(self.source, NoiseGlyphs) else "real characters"
        raise UserError(f"source {self.source.name!r}: expected a model that writes what it is told, received "
                        f"{received}, so that there are no styles; choose the source 'cvae' or 'cgan'")  # fmt: skip

    @property
    def cvae(self) -> ModelGlyphs:
        """The CVAE, which alone finds the style of a picture.

        Raises:
            UserError: It draws from another source.
        """
        if isinstance(self.source, ModelGlyphs):
            return self.source
        raise UserError(f"source {self.source.name!r}: expected a CVAE, which alone finds the style of a picture, "
                        f"received another; choose the source 'cvae'")  # fmt: skip

    def labels_of(self, characters: str | Sequence[int] | np.ndarray) -> np.ndarray:
        """Labels int32 `(N,)` of characters, or labels as they are.

        Raises:
            UserError: A character is not in the alphabet.
            ValueError: A label is not in the alphabet.
        """
        if isinstance(characters, str):
            self._refuse("".join(sorted(set(characters) - set(self.alphabet))), "characters")
            return np.array([self.alphabet.index(character) for character in characters], np.int32)
        labels = np.asarray(characters)
        check("N", labels=labels)
        check_labels(len(self.alphabet), labels=labels)
        return labels.astype(np.int32)

    def _refuse(self, unknown: str, subject: str = "text") -> None:
        if unknown:
            skipping = ", or have unknown characters skipped (--skip-unknown)" if subject == "text" else ""
            raise UserError(f"{subject}: expected characters of {in_words(self.alphabet)}, which "
                            f"{self.source.name} can write, received {named(unknown)}; change the {subject}, choose "
                            f"another model{skipping}")  # fmt: skip

    def in_its_marks(self, text: str) -> str:
        """A text whose quotes and dashes of print, where they cannot be written, are those of a typewriter."""
        known = set(self.alphabet)
        return text.translate({ord(mark): other for mark, other in TYPEWRITTEN.items()
                               if mark not in known and known.issuperset(other)})  # fmt: skip

    def find_unknown(self, text: str, skip: bool) -> str:
        """Characters of a text that cannot be written, each once; blanks and controls are left to the layout.

        Raises:
            UserError: There are some; where they may be skipped it is a warning on stderr.
        """
        strange = sorted(set(text) - set(self.alphabet))
        unknown = "".join(c for c in strange if not c.isspace() and unicodedata.category(c) != "Cc")
        if not skip:
            self._refuse(unknown)
        elif unknown:
            print(f"warning: text: skipped {named(unknown)}", file=sys.stderr)
        return unknown

    def check_style(self, style: Style) -> None:
        """Refuses a style of another model, or any where there is no model, with a `UserError`."""
        style.check_model(self.model.name, self.model.fingerprint, self.model.noise_size)

    def write(self, text: str, style: Style | None = None, layout: Layout = USUAL, skip_unknown: bool = False) -> Page:
        """Writes a text that fits one page; else as `write_pages`.

        Raises:
            UserError: It needs several pages.
        """
        return only_page(self.write_pages(text, style, layout, skip_unknown), "text: expected one that fits a page")

    def write_pages(
        self, text: str, style: Style | None = None, layout: Layout = USUAL, skip_unknown: bool = False
    ) -> Iterator[Page]:
        """Writes a text in one hand, page after page; only one is held in memory.

        Args:
            text: Of the alphabet, blanks and line breaks.
            style: The hand; by default one that the seed draws.
            skip_unknown: Characters outside the alphabet leave a gap, and a warning on stderr, instead of an error.

        Raises:
            UserError: The text is empty, or has characters that cannot be written; `layout` does not fit it; the
                source is told no characters.
        """
        self._refuse_untold()
        text = self.in_its_marks(text)
        unknown = self.find_unknown(text, skip_unknown)
        if style is not None:
            self.check_style(style)
        return self._set(text, self.source.hand(self.seed) if style is None else style, layout, unknown)

    def _refuse_untold(self) -> None:
        if isinstance(self.source, UntoldGlyphs):
            raise UserError(f"source {self.source.name!r}: expected a number of characters, as --random 20, received "
                            f"characters; it is told none and draws whichever its noise makes: choose the source "
                            f"'cgan' to say which")  # fmt: skip

    def _set(self, text: str, hand: Any, layout: Layout, unknown: str = "") -> Iterator[Page]:
        def draw_run(characters: str, start: int) -> np.ndarray:
            return self.source.draw(self.labels_of(characters), self.seed, start, hand)[..., 0]

        return set_pages(text, draw_run, layout, self.seed, unknown)

    def invent_pages(self, count: int, layout: Layout = USUAL) -> Iterator[Page]:
        """Sets characters of a plain GAN side by side, whichever they become, page after page.

        What a box says is what a recogniser reads: `recogniser-digits` where the model was trained on digits.

        Raises:
            UserError: The source is told its characters; the recogniser is missing; `layout` does not fit.
        """
        if not isinstance(self.source, UntoldGlyphs):
            raise UserError(f"source {self.source.name!r}: expected one that is told no characters, received one that "
                            f"is; say which to write, or choose the source 'gan'")  # fmt: skip
        return self._set(self.source.read(count, self.seed), None, layout)

    def sample(
        self, characters: str | Sequence[int] | np.ndarray, style: Style | None = None, start: int = 0
    ) -> np.ndarray:
        """Draws single characters, each in a hand of its own unless a style is given.

        Args:
            characters: N of the alphabet, or their labels.
            start: Number of the first: glyph k is a function of the seed, k and its character alone.

        Returns:
            uint8 `(N, S, S, 1)`, white ink on black.
        """
        self._refuse_untold()
        labels = self.labels_of(characters)
        if style is not None:
            self.check_style(style)
        return self.source.draw(labels, self.seed, start, style)

    def mix(
        self, weights: Mapping[str, float], count: int = 1, style: Style | None = None, start: int = 0
    ) -> np.ndarray:
        """Draws pictures between several characters, each in a hand of its own unless a style is given.

        Args:
            weights: How much of each character; they are brought to a sum of 1.
            start: Number of the first: picture k is a function of the seed, k, the weights and the style alone.

        Returns:
            uint8 `(N, S, S, 1)`, white ink on black.

        Raises:
            UserError: The source draws single characters only, does not know one, or the style is of another model; a
                weight is negative or not finite, or all are 0.
        """
        if not isinstance(self.source, InventedGlyphs):
            raise UserError(f"source {self.source.name!r}: expected one that mixes characters, received one that draws "
                            f"single ones only; choose the source 'cgan'")  # fmt: skip
        shares = shares_of(weights.items())
        self._refuse("".join(character for character in shares if character not in self.alphabet), "mix")
        if style is not None:
            self.check_style(style)
        return self.source.draw_mixture(shares, count, self.seed, start, style)

    def draw_from_dataset(
        self, characters: str | Sequence[int] | np.ndarray, dataset: str | None = None, layout: Layout = USUAL
    ) -> Page:
        """Joins characters that people wrote to a line; which of them is a function of the seed and the place.

        Args:
            characters: Of the alphabet, or their labels.
            dataset: `mnist` or `unipen94`; by default the first for digits, the second for others.
        """
        text = characters if isinstance(characters, str) else "".join(
            self.alphabet[label] for label in self.labels_of(characters))  # fmt: skip
        source = dataset or SAMPLED_SETS[not set(text) <= set(DIGITS)]
        return HandwritingGenerator(source=source, seed=self.seed, data_dir=self.data_dir).write(text, layout=layout)

    def style(self, seed: int) -> Style:
        """The hand that a seed draws.

        Raises:
            UserError: The seed is out of its range, or it draws from a data set.
        """
        check_seed(seed)
        return self.model.hand(seed)

    def style_of(self, images: np.ndarray, characters: str | Sequence[int] | np.ndarray) -> Style:
        """The hand that somebody's characters are written in.

        Those characters are then written as they were; the others as the hand common to all of them would write them.
        `style.py` tells how both are found.

        Args:
            images: uint8 `(N, S, S, 1)`, white ink on black, as `to_glyph` makes them.
            characters: What they show.

        Raises:
            UserError: A picture is blank, or a character not in the alphabet.
            ValueError: The arrays do not fit together.
        """
        labels, size = self.labels_of(characters), self.cvae.image_size
        fits = images.dtype == np.uint8 and images.shape == (max(len(labels), 1), size, size, 1)
        require(fits, f"`images` must be uint8 (N, {size}, {size}, 1), a label each", images=images, labels=labels)
        blank = np.flatnonzero(images.max(axis=(1, 2, 3)) == 0)
        if blank.size:
            raise UserError(f"picture {blank[0]}: expected a character, received a blank picture; leave it out")
        return self.cvae.style_of(images, labels)

    def reconstruct(self, images: np.ndarray, characters: str | Sequence[int] | None = None) -> np.ndarray:
        """Pictures uint8 `(N, S, S, 1)` as the model remembers them: float32 in [0, 1]; see `restoration.py`."""
        return reconstruct(self.cvae.writer, images, self._told(characters))

    def denoise(self, images: np.ndarray, characters: str | Sequence[int] | None = None) -> np.ndarray:
        """Noisy pictures uint8 `(N, S, S, 1)` without their noise: float32 in [0, 1]; see `restoration.py`."""
        return denoise(self.cvae.writer, images, self._told(characters))

    def _told(self, characters: str | Sequence[int] | None) -> np.ndarray | None:
        return None if characters is None else self.labels_of(characters)

    def interpolate(self, first: tuple[Any, str], second: tuple[Any, str], steps: int) -> np.ndarray:
        """Pictures on the way from one character to the same or another.

        Args:
            first: A `Style`, or a picture uint8 `(S, S, 1)`, and the character. second: Where the way ends.
            steps: Pictures, both ends among them.

        Returns:
            float32 `(steps, S, S, 1)` in [0, 1].

        Raises:
            UserError: A character is not in the alphabet, a style of another model, or `steps` out of its range.
            ValueError: An end has not just one character, or a picture of another shape or type.
        """
        return interpolate(self.cvae.writer, self._end(*first), self._end(*second), steps)

    def _end(self, shown: Style | np.ndarray, character: str) -> tuple[np.ndarray, int]:
        """A style of the character, float32 `(Z,)`, and its label."""
        labels, writer = self.labels_of(character), self.cvae.writer
        require(len(labels) == 1, "an end must have one character", character=character)
        if isinstance(shown, Style):
            self.check_style(shown)
            return writer.styles(shown.noise(character), labels)[0], int(labels[0])
        size = writer.image_size
        fits = shown.dtype == np.uint8 and shown.shape == (size, size, 1)
        require(fits, f"an end must be a style or a picture uint8 ({size}, {size}, 1)", shown=shown)
        return writer.encode(shown[None], labels)[0][0], int(labels[0])


def only_page(pages: Iterator[Page], expected: str) -> Page:
    """The only page; where there are several, it is a `UserError` that begins with what was expected."""
    page = next(pages)
    if next(pages, None) is not None:
        raise UserError(f"{expected}, received more; raise the page's height, or write several pages")
    return page


def check_seed(seed: int) -> None:
    """Refuses what is no seed with a `UserError`."""
    if not (isinstance(seed, int | np.integer) and 0 <= seed < SEEDS):
        raise UserError(f"seed: expected a whole number in [0, 2**32), received {seed}; choose another")

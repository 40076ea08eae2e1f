"""Text written by hand: characters of a model or of real people, in one hand, laid out as pages. No TensorFlow.

>>> generator = HandwritingGenerator("cvae-ascii", seed=7)
>>> generator.write("Dear Ada, call me at 9:30!").save_png("dear.png")
>>> mine = generator.style_of(images, "abeg")  # of four pictures of my characters, as `to_glyph` makes them
>>> generator.write("the rest of the alphabet", style=mine).show()
"""

import functools
import hashlib
import json
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from checks import check, check_labels, require
from config import DIGITS
from layout import Layout, Page, set_pages
from restoration import arc, denoise, interpolate, reconstruct
from runtime import Writer, is_number
from shell import UserError, did_you_mean, written_whole
from style_fitting import draw

TEMPERATURE = 0.8  # scale of the noise: below 1 hands are a little more alike and letters clearer
LIVELINESS = 0.3  # share of a character's noise that is its own and not its hand's
FREEDOM = 0.5  # variance, of 1, by which the characters that one person writes differ in noise
SEEDS = range(2**32)
BLOCK = 256  # rows of random numbers drawn at a time
POSTERIOR_DRAWS = 32  # of each picture's style, where a learned prior bends it
OUTLIER, ROUNDS = 2.0, 10  # median distances from the hand that a picture may have; reweighted least squares
HAND, CHARACTER = 11, 12  # streams of random numbers, beside those of layout.py
NAMED_AT_MOST = 12  # characters in a message
USUAL = Layout()


@dataclass(frozen=True, eq=False)
class Style:
    """A hand, as a model knows it: the noise that all its characters share."""

    vector: np.ndarray
    """float32 `(Z,)`; of a hand drawn at random from N(0, 1) times the temperature."""
    model: str
    """Name of the model whose style it is."""
    fingerprint: str
    """SHA-256, in hex, of what the model draws with: it tells one trained anew from its namesake."""

    def save(self, path: Path | str) -> None:
        """Writes it as JSON."""
        fields = {"model": self.model, "fingerprint": self.fingerprint, "vector": [float(x) for x in self.vector]}
        with written_whole(Path(path)) as draft:
            draft.write_text(json.dumps({"style": fields}, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path | str) -> "Style":
        """Reads what `save` wrote.

        Raises:
            UserError: It is no such file, or a damaged one.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            content = None
        fields = content.get("style") if isinstance(content, dict) else None
        fields = fields if isinstance(fields, dict) else {}
        vector = fields.get("vector")
        names = [fields.get("model"), fields.get("fingerprint")]
        is_vector = isinstance(vector, list) and bool(vector) and all(is_number(value) for value in vector)
        if not (is_vector and all(isinstance(name, str) for name in names)):
            raise UserError(f"{path}: expected a style in JSON, as it is saved, received something else or damaged; "
                            f"save it anew")  # fmt: skip
        return cls(np.array(vector, np.float32), *names)

    def mix(self, other: "Style", share: float) -> "Style":
        """A hand between two: `share` 0 is this one, 1 the other.

        The way leads along an arc: the plain average of two hands would be tamer than either.

        Raises:
            UserError: They are of different models, or the share does not lie in [0, 1].
        """
        if not 0 <= share <= 1:
            raise UserError(f"share: expected a number in [0, 1], received {share}; 0 is the first hand, 1 the second")
        other.check_model(self.model, self.fingerprint, len(self.vector))
        return replace(self, vector=arc(self.vector, other.vector, np.array([share]))[0])

    def check_model(self, model: str, fingerprint: str, size: int) -> None:
        """Refuses to be used with another model than its own.

        Raises:
            UserError: It is another one, or one of the same name trained anew.
        """
        if (self.fingerprint, len(self.vector)) != (fingerprint, size):
            other = "an earlier one of that name" if self.model == model else repr(self.model)
            raise UserError(f"style: expected one of the model {model!r}, received one of {other}, whose styles mean "
                            f"something else; use that model or make the style anew")  # fmt: skip


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


class ModelGlyphs:
    """Characters drawn by a conditional VAE."""

    def __init__(self, writer: Writer, temperature: float = TEMPERATURE):
        self.writer, self.temperature = writer, temperature
        self.name, self.alphabet, self.image_size = writer.card["name"], writer.alphabet, writer.image_size
        drawing = [writer.card["files"].get(part, "") for part in ("decoder.onnx", "prior.onnx")]
        self.fingerprint = hashlib.sha256("".join(drawing).encode()).hexdigest()

    def style(self, vector: np.ndarray) -> Style:
        return Style(vector.astype(np.float32), self.name, self.fingerprint)

    def hand(self, seed: int) -> Style:
        noise = np.random.default_rng([seed, HAND]).standard_normal(self.writer.latent_size, np.float32)
        return self.style(self.temperature * noise)

    def draw(self, labels: np.ndarray, seed: int, start: int = 0, hand: Style | None = None) -> np.ndarray:
        size = self.writer.latent_size
        own = numbered([seed, CHARACTER], start, len(labels), lambda rng: rng.standard_normal((BLOCK, size), "f4"))
        noise = np.float32(self.temperature) * own
        if hand is not None:  # shares whose squares sum to 1: the noise varies as much as that of single characters
            noise = np.float32((1 - LIVELINESS**2) ** 0.5) * hand.vector + np.float32(LIVELINESS) * noise
        return np.round(255 * draw(self.writer, noise, labels)).astype(np.uint8)


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
SOURCES = ("cvae", *SAMPLED_SETS)
"""Names of what characters can come from."""


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


class HandwritingGenerator:
    """Writes text by hand. It changes nothing that is stored.

    Args:
        model: Name of a trained CVAE; of no matter for another source.
        seed: The one integer, in [0, 2**32), that everything drawn is a function of.
        models_dir: Folder of the trained models; by default `modelh5`.
        source: `cvae` (the default), or `mnist` or `unipen94` for the characters of real people, or any `GlyphSource`.
        temperature: Scale of the model's noise; 0 draws the most usual hand, 1 hands as they come.
        data_dir: Folder of the data sets; by default what the environment says.

    Raises:
        UserError: There is no such model, source or data; the seed or the temperature is out of its range.
    """

    def __init__(
        self,
        model: str = "cvae-ascii",
        seed: int = 0,
        models_dir: Path | None = None,
        source: str | GlyphSource | None = None,
        temperature: float = TEMPERATURE,
        data_dir: Path | None = None,
    ):
        if seed not in SEEDS:
            raise UserError(f"seed: expected a whole number in [0, 2**32), received {seed}; choose another")
        if not 0 <= temperature <= 2:
            raise UserError(f"temperature: expected a number in [0, 2], received {temperature}; choose another")
        if isinstance(source, str) and source not in SOURCES:
            raise UserError(f"source {source!r}: expected one of {', '.join(SOURCES)}{did_you_mean(source, SOURCES)}")
        if source is None or source == "cvae":
            source = ModelGlyphs(Writer.open(model, models_dir), temperature)
        self.source: GlyphSource = RealGlyphs(source, data_dir) if isinstance(source, str) else source
        self.seed, self.data_dir = seed, data_dir

    @property
    def alphabet(self) -> str:
        """Characters it can write, in label order."""
        return self.source.alphabet

    @property
    def model(self) -> ModelGlyphs:
        """The model.

        Raises:
            UserError: It draws from a data set, so that there are no styles.
        """
        if not isinstance(self.source, ModelGlyphs):
            raise UserError(f"source {self.source.name!r}: expected a model, received real characters, which know no "
                            f"styles; choose the source 'cvae'")  # fmt: skip
        return self.source

    def labels_of(self, characters: str | Sequence[int] | np.ndarray) -> np.ndarray:
        """Labels int32 `(N,)` of characters, or labels as they are.

        Raises:
            UserError: A character is not in the alphabet.
            ValueError: A label is not in the alphabet.
        """
        if isinstance(characters, str):
            self._refuse("".join(sorted(set(characters) - set(self.alphabet))))
            return np.array([self.alphabet.index(character) for character in characters], np.int32)
        labels = np.asarray(characters)
        check("N", labels=labels)
        check_labels(len(self.alphabet), labels=labels)
        return labels.astype(np.int32)

    def _refuse(self, unknown: str) -> None:
        if unknown:
            raise UserError(f"text: expected characters of {self.alphabet!r}, which {self.source.name} can write, "
                            f"received {named(unknown)}; change the text, choose another model, or have unknown "
                            f"characters skipped")  # fmt: skip

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
        style.check_model(self.model.name, self.model.fingerprint, self.model.writer.latent_size)

    def write(self, text: str, style: Style | None = None, layout: Layout = USUAL, skip_unknown: bool = False) -> Page:
        """Writes a text that fits one page; else as `write_pages`.

        Raises:
            UserError: It needs several pages.
        """
        pages = self.write_pages(text, style, layout, skip_unknown)
        page = next(pages)
        if next(pages, None) is not None:
            raise UserError("text: expected one that fits a page, received more; raise the page's height, or write "
                            "several pages")  # fmt: skip
        return page

    def write_pages(
        self, text: str, style: Style | None = None, layout: Layout = USUAL, skip_unknown: bool = False
    ) -> Iterator[Page]:
        """Writes a text in one hand, page after page; only one is held in memory.

        Args:
            text: Of the alphabet, blanks and line breaks.
            style: The hand; by default one that the seed draws.
            skip_unknown: Characters outside the alphabet leave a gap, and a warning on stderr, instead of an error.

        Raises:
            UserError: The text is empty, or has characters that cannot be written; `layout` does not fit it.
        """
        unknown = self.find_unknown(text, skip_unknown)
        if style is not None:
            self.check_style(style)
        hand = self.source.hand(self.seed) if style is None else style

        def draw_run(characters: str, start: int) -> np.ndarray:
            return self.source.draw(self.labels_of(characters), self.seed, start, hand)[..., 0]

        return set_pages(text, draw_run, layout, self.seed, unknown)

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
        labels = self.labels_of(characters)
        if style is not None:
            self.check_style(style)
        return self.source.draw(labels, self.seed, start, style)

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
            UserError: It draws from a data set.
        """
        return self.model.hand(seed)

    def style_of(self, images: np.ndarray, characters: str | Sequence[int] | np.ndarray) -> Style:
        """The hand that somebody's characters are written in.

        Each picture tells its noise as a normal distribution. The hand h explains all of them: character i has the
        noise sqrt(1 - f) h + sqrt(f) e_i, with h and e_i from N(0, 1) and f = `FREEDOM`. The result is the mean of h
        given all pictures: a product of normal distributions, weighted by their precisions, the prior counted once.
        A picture that lies far from the hand of the others, being misread or mislabelled, weighs less.

        Args:
            images: uint8 `(N, S, S, 1)`, white ink on black, as `to_glyph` makes them.
            characters: What they show.

        Raises:
            UserError: A picture is blank, or a character not in the alphabet.
            ValueError: The arrays do not fit together.
        """
        labels, writer = self.labels_of(characters), self.model.writer
        size = writer.image_size
        fits = images.dtype == np.uint8 and images.shape == (max(len(labels), 1), size, size, 1)
        require(fits, f"`images` must be uint8 (N, {size}, {size}, 1), a label each", images=images, labels=labels)
        blank = np.flatnonzero(images.max(axis=(1, 2, 3)) == 0)
        if blank.size:
            raise UserError(f"picture {blank[0]}: expected a character, received a blank picture; leave it out")
        return self.model.style(common_noise(*noise_of(writer, images, labels)))

    def reconstruct(self, images: np.ndarray, characters: str | Sequence[int] | None = None) -> np.ndarray:
        """Pictures uint8 `(N, S, S, 1)` as the model remembers them: float32 in [0, 1]; see `restoration.py`."""
        return reconstruct(self.model.writer, images, self._told(characters))

    def denoise(self, images: np.ndarray, characters: str | Sequence[int] | None = None) -> np.ndarray:
        """Noisy pictures uint8 `(N, S, S, 1)` without their noise: float32 in [0, 1]; see `restoration.py`."""
        return denoise(self.model.writer, images, self._told(characters))

    def _told(self, characters: str | Sequence[int] | None) -> np.ndarray | None:
        return None if characters is None else self.labels_of(characters)

    def interpolate(self, first: tuple[Any, str], second: tuple[Any, str], steps: int) -> np.ndarray:
        """Pictures on the way from one character to the same or another.

        Args:
            first: A `Style`, or a picture uint8 `(S, S, 1)`, and the character. second: Where the way ends.
            steps: Pictures, both ends among them.

        Returns:
            float32 `(steps, S, S, 1)` in [0, 1].
        """
        return interpolate(self.model.writer, self._end(*first), self._end(*second), steps)

    def _end(self, shown: Style | np.ndarray, character: str) -> tuple[np.ndarray, int]:
        """A style of the character, float32 `(Z,)`, and its label."""
        labels, writer = self.labels_of(character), self.model.writer
        if isinstance(shown, Style):
            self.check_style(shown)
            return writer.styles(shown.vector[None], labels)[0], int(labels[0])
        return writer.encode(shown[None], labels)[0][0], int(labels[0])


def noise_of(writer: Writer, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The noise that pictures were drawn from: means and variances `(N, Z)` of normal distributions.

    A learned prior bends the encoder's distribution; then they are taken of draws from it.
    """
    mean, log_variance = writer.encode(images, labels)
    if not writer.has_prior:
        return mean, np.exp(log_variance)
    draws = np.random.default_rng(0).standard_normal((POSTERIOR_DRAWS, *mean.shape), np.float32)
    styles = (mean + np.exp(0.5 * log_variance) * draws).reshape(-1, mean.shape[1])
    noise = writer.noise(styles, np.tile(labels, POSTERIOR_DRAWS))[0].reshape(draws.shape)
    return noise.mean(axis=0), noise.var(axis=0, ddof=1)


def common_noise(means: np.ndarray, variances: np.ndarray, freedom: float = FREEDOM) -> np.ndarray:
    """The hand behind characters, by the formula of `HandwritingGenerator.style_of`.

    Args:
        means, variances: `(N, Z)`, the posterior of each character's noise under the prior N(0, 1).
        freedom: Variance of what is a character's own, in [0, 1).

    Returns:
        float64 `(Z,)`.
    """
    variances = np.clip(variances.astype(float), 1e-6, 0.95)  # a coordinate that tells nothing shall weigh nothing
    evidence = 1 / variances - 1  # precision of what the picture tells by itself, the prior taken out
    said = means / variances / evidence  # and its mean
    known = 1 / (freedom + 1 / evidence)  # precision of what it tells about sqrt(1 - f) h
    hand, weights = np.median(means, axis=0), np.ones(len(means))
    for _ in range(ROUNDS if len(means) > 2 else 1):
        distance = (known * np.square(said - (1 - freedom) ** 0.5 * hand)).sum(axis=1)
        if len(means) > 2:
            weights = np.minimum(1, (OUTLIER * np.median(distance) / np.maximum(distance, 1e-12)) ** 2)
        precision = 1 + (1 - freedom) * (weights[:, None] * known).sum(axis=0)
        hand = (1 - freedom) ** 0.5 * (weights[:, None] * known * said).sum(axis=0) / precision
    return hand


def named(characters: str) -> str:
    """Characters for a message; what is no plain ASCII, and may not show or look like another, with its code point."""
    told = []
    for character in characters[:NAMED_AT_MOST]:
        code = f" (U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip() + ")"
        told.append(repr(character) + (code if not 32 <= ord(character) < 127 else ""))
    more = len(characters) - len(told)
    return ", ".join(told) + (f" and {more} more" if more else "")

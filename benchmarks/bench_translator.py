"""How well a translator reads and typesets test pictures, as they are and as pictures a user brings.

python benchmarks/bench_translator.py
python benchmarks/bench_translator.py --model translator-ascii
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measuring import nearest
from benchmarks.table import Row, as_markdown, share_row
from config import ALNUM, ASCII, DIGITS
from data_processor import load
from data_sources import TEST
from picture import to_glyph
from runtime import MODELS_DIR, Translator
from shell import UserError, parse, run_script
from synthetic_image_generator import render_alphabet

NEAREST, CLOSE, FOLDED = 0.995, 0.985, 0.86  # shares wanted
LOSS = 0.003  # share that a change of the picture may cost
TOLERANCE = 0.1  # of the range from paper to ink, for every pixel of a glyph
CANVAS = 40  # pixels a side
DIAGONALS = ((4, 4), (4, -4), (-4, 4), (-4, -4))  # pixels down and right; picture k goes the (k mod 4)th way


@dataclass(frozen=True)
class Arguments:
    """Measures a trained translator on the test parts of MNIST and, where it knows all of ASCII, of unipen94."""

    model: str = "translator-digits"
    """Name of a trained model in the models folder."""
    models_dir: Path = MODELS_DIR
    """Folder of the trained models."""
    data_dir: Path | None = None
    """Where the data files are; unset: the environment variable SCRIPTORIUM_DATA, or else data/."""
    limit: int | None = None
    """Use about this many pictures of a test part, spread over it, for a rehearsal; unset: all."""


class Pictures(NamedTuple):
    """Test pictures and what they show."""

    images: np.ndarray  # uint8 (N, 28, 28, 1)
    labels: np.ndarray  # int (N,), on the model's alphabet

    def take(self, chosen: np.ndarray) -> "Pictures":
        return Pictures(self.images[chosen], self.labels[chosen])


class Outcome(NamedTuple):
    """What a translator made of N pictures."""

    nearest: np.ndarray  # bool (F, N): of the font's glyphs, the right one is nearest to the output
    close: np.ndarray  # bool (F, N): no pixel of the output is further than TOLERANCE from the right glyph
    read: np.ndarray  # int (N,): label of the most probable character


class Bench:
    """A translator with the glyphs it ought to draw.

    Args:
        translator: Has `alphabet`, `card["fonts"]` and `translate` as `runtime.Translator` has.
    """

    def __init__(self, translator: Translator):
        self.translator, self.fonts = translator, translator.card["fonts"]
        self.type_glyphs = [render_alphabet(font, translator.alphabet) for font in self.fonts]  # each (K, 28, 28, 1)

    def outcome(self, pictures: Pictures, allowed: str | None = None) -> Outcome:
        """Translates pictures into every font; `allowed` narrows what may be read."""
        near, close, read = [], [], None
        for font, type_glyphs in zip(self.fonts, self.type_glyphs, strict=True):
            glyphs, probabilities = self.translator.translate(pictures.images, font, allowed)
            near.append(nearest(glyphs, type_glyphs) == pictures.labels)
            close.append(within(glyphs, type_glyphs[pictures.labels]))
            read = probabilities.argmax(axis=1)
        return Outcome(np.stack(near), np.stack(close), read)

    def folded(self, labels: np.ndarray) -> np.ndarray:
        """Labels with capital and small letters made one: `(N,)` code points."""
        return np.array([ord(character.lower()) for character in self.translator.alphabet])[labels]


def within(glyphs: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Which outputs, float `(N, S, S, 1)`, have every pixel within TOLERANCE of the right glyphs, uint8."""
    return np.abs(glyphs - right.astype(np.float32) / 255).max(axis=(1, 2, 3)) <= TOLERANCE


def moved(image: np.ndarray, side: int, way: tuple[int, int]) -> np.ndarray:
    """A picture `(S, S)` set off-centre on a black canvas `(side, side)`; what crosses an edge returns at the other."""
    margin = side - len(image)
    canvas = np.pad(image, (margin // 2, margin - margin // 2))
    return np.roll(canvas, way, axis=(0, 1))


def fits(image: np.ndarray, way: tuple[int, int]) -> bool:
    """Whether a picture `(S, S)` can be moved on a canvas of its own size without losing ink."""
    far = max(map(abs, way))
    side = len(image)
    shifted = moved(image, side + 2 * far, way)[far : far + side, far : far + side]
    return np.count_nonzero(shifted) == np.count_nonzero(image)


def reframed(pictures: Pictures, change: Callable[[int, np.ndarray], np.ndarray]) -> tuple[Pictures, np.ndarray]:
    """Pictures changed, then sent through `to_glyph`.

    Args:
        change: Number and image `(28, 28)` -> any picture.

    Returns:
        What `to_glyph` made of them, and which it accepted, bool `(N,)`.
    """
    images, accepted = np.zeros_like(pictures.images), np.ones(len(pictures.labels), bool)
    for k, image in enumerate(pictures.images[..., 0]):
        try:
            images[k, ..., 0] = to_glyph(change(k, image))
        except UserError:
            accepted[k] = False
    return Pictures(images, pictures.labels), accepted


def pictures_of(name: str, characters: str, alphabet: str, arguments: Arguments) -> Pictures:
    """The test part of a data set: those of `characters` that the alphabet has."""
    data = load(name, arguments.data_dir)
    images, labels = data.part(TEST)
    wanted = set(characters) & set(alphabet)
    chosen = np.flatnonzero(np.array([character in wanted for character in data.alphabet])[labels])
    if not len(chosen):
        raise UserError(
            f"{arguments.model}: expected a model that reads some of {characters!r}; its alphabet is {alphabet!r}"
        )
    if arguments.limit:
        chosen = chosen[:: max(1, len(chosen) // arguments.limit)]
    return Pictures(images[chosen], np.array([alphabet.find(character) for character in data.alphabet])[labels[chosen]])


def typesetting_rows(bench: Bench, outcome: Outcome) -> list[Row]:
    """How often each font's glyph is right, and how often pixel for pixel: wanted of a reader of digits alone."""
    count = outcome.nearest.shape[1]
    near_wanted, close_wanted = (NEAREST, CLOSE) if set(bench.translator.alphabet) <= set(DIGITS) else (None, None)
    results = list(zip(bench.fonts, outcome.nearest.sum(axis=1), outcome.close.sum(axis=1), strict=True))
    return [
        *(
            share_row(f"{font}: output nearest to the right glyph", near, count, near_wanted)
            for font, near, _ in results
        ),
        *(
            share_row(f"{font}: every pixel within {TOLERANCE}", close, count, close_wanted)
            for font, _, close in results
        ),
    ]


def robustness_rows(bench: Bench, pictures: Pictures, original: Outcome, allowed: str) -> list[Row]:
    """What is lost where the same digits come as pictures; right is what is nearest to the right glyph in all fonts."""
    roomy = np.flatnonzero([fits(image, way_of(k)) for k, image in enumerate(pictures.images[..., 0])])
    everyone = np.arange(len(pictures.labels))
    changes = [
        ("dark on light", everyone, lambda k, image: 255 - image),
        (f"moved 4 px diagonally on {CANVAS}x{CANVAS}", everyone, lambda k, image: moved(image, CANVAS, way_of(k))),
        ("moved 4 px diagonally on 28x28, where it fits", roomy, lambda k, image: moved(image, 28, way_of(roomy[k]))),
    ]
    right = original.nearest.all(axis=0)
    rows = [share_row("as they are: right in every font", right.sum(), len(right))]
    for name, chosen, change in changes:
        if len(chosen):
            glyphs, accepted = reframed(pictures.take(chosen), change)
            hits = (bench.outcome(glyphs, allowed).nearest.all(axis=0) & accepted).sum()
            rows.append(
                share_row(
                    f"{name}, through `to_glyph`", hits, len(chosen), right[chosen].mean() - LOSS, " (0.3 points)"
                )
            )
    return rows


def way_of(k: int) -> tuple[int, int]:
    """Where picture k is moved: down and right, pixels."""
    return DIAGONALS[k % len(DIAGONALS)]


def reading_rows(bench: Bench, pictures: Pictures, allowed: dict[str, str | None], target: float | None) -> list[Row]:
    """How often pictures are read right, and typeset right in every font, for each narrowing of what may be read."""
    rows, labels, count = [], pictures.labels, len(pictures.labels)
    for name, characters in allowed.items():
        outcome = bench.outcome(pictures, characters)
        same_folded = bench.folded(outcome.read) == bench.folded(labels)
        rows += [
            share_row(f"{name}: read right", (outcome.read == labels).sum(), count),
            share_row(f"{name}: read right but for its case", same_folded.sum(), count, target),
            share_row(
                f"{name}: output nearest to the right glyph, every font", outcome.nearest.all(axis=0).sum(), count
            ),
        ]
    return rows


def main(arguments: Arguments) -> None:
    """Prints the tables.

    Raises:
        UserError: Model or data are missing or damaged, or the model reads no digits.
    """
    translator = Translator.open(arguments.model, arguments.models_dir)
    bench, alphabet = Bench(translator), translator.alphabet
    digits = pictures_of("mnist", DIGITS, alphabet, arguments)
    readable = "".join(character for character in alphabet if character in DIGITS)
    original = bench.outcome(digits, readable)
    rows = typesetting_rows(bench, original) + robustness_rows(bench, digits, original, readable)
    print(as_markdown(f"{arguments.model}: {len(digits.labels):,} test digits of MNIST, digits allowed", rows))
    if set(ASCII) <= set(alphabet):
        rows = reading_rows(bench, digits, {"digits allowed": DIGITS, "all allowed": None}, None)
        print(as_markdown(f"{arguments.model}: the same digits read", rows))
        characters = pictures_of("unipen94", ALNUM, alphabet, arguments)
        rows = reading_rows(bench, characters, {"all allowed": None, "letters and digits allowed": ALNUM}, FOLDED)
        print(as_markdown(f"{arguments.model}: {len(characters.labels):,} test letters and digits of unipen94", rows))


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))

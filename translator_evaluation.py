"""How well a font translator reads and sets, and whether others can read what it set.

Every figure of its type stands beside that of an oracle which sets what the translator read without any fault: what is
missing there is the reading's, what is missing between the two is the typesetting's.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from checks import unit_range
from config import DIGITS
from drawing import as_levels
from evaluation_data import Pictures
from glyph_metrics import SSIM_WINDOW, nearest_glyph, ssim, within
from reader_evaluation import (
    RIGHT,
    Read,
    hardest_of,
    interval_note,
    labels_on,
    mildest,
    read_once,
    reading_section,
    robustness_steps,
    ways_of_right,
)
from readers import Recogniser, Translator
from report import NUMBER, Measure, Section
from robustness import Outcome
from runtime import TrainedModel, find_models
from synthetic_image_generator import render_alphabet

TOLERANCE = 0.1  # of the range from paper to ink, for every pixel of a glyph
NEAREST, CLOSE = "nearest to the right glyph", f"every pixel within {TOLERANCE}"
BATCH = 2000  # pictures scored at a time; SSIM holds eight float64 copies of them


class Scores(NamedTuple):
    """What typeset glyphs are worth, picture by picture."""

    nearest: np.ndarray  # bool (N,): of the font's glyphs, the right one is nearest
    close: np.ndarray  # bool (N,): no pixel is further than TOLERANCE from the right glyph
    likeness: np.ndarray  # float (N,): SSIM to the right glyph; NaN where its window is larger than the glyph
    error: np.ndarray  # float (N,): mean squared error


def translator_steps(
    translator: Translator, sets: Sequence[Pictures], seed: int, robustness_pictures: int, judge: Recogniser | None
) -> list[Callable[[], Section]]:
    """What there is to measure of a translator, a section each.

    Args:
        judge: Reads what was set; None: there is none.

    Raises:
        UserError: A font that it sets is not at hand.
    """
    alphabet, size = translator.alphabet, sets[0].images.shape[1]
    type_glyphs = {font: render_alphabet(font, alphabet, size) for font in translator.card["fonts"]}
    sample = hardest_of(sets).spread(robustness_pictures)
    attempt = partial(set_outcome, translator, type_glyphs, sample)
    counted, _ = mildest(alphabet, sample)
    what = f"{NEAREST} of {next(iter(type_glyphs))}{counted.removeprefix(RIGHT)}"
    steps = []
    for pictures in sets:
        once = read_once(reader_of(translator), alphabet, pictures.images)
        steps += [partial(translated_reading, once, alphabet, pictures, name, seed) for name in pictures.narrowings]
    return [
        *steps,
        *(partial(typesetting, translator, type_glyphs, judge, pictures, seed) for pictures in sets),
        *([] if judge else [no_legibility]),
        *robustness_steps(attempt, what, sample, seed),
    ]


def find_judge(model: TrainedModel, models_dir: Path | None) -> Recogniser | None:
    """The independent reader of what a model sets or writes, or None where it was not trained.

    Raises:
        UserError: It is damaged.
    """
    suited = ["judge-digits"] if set(model.alphabet) <= set(DIGITS) else []
    trained = find_models(models_dir)
    name = next((name for name in [*suited, "judge-ascii"] if name in trained), None)
    return Recogniser.open(name, models_dir) if name else None


def reader_of(translator: Translator) -> Read:
    """The translator's probabilities alone, which no font changes."""
    return lambda images, allowed: translator.translate(images, None, allowed)[1]


def translated_reading(
    once: Callable[[str | None], np.ndarray], alphabet: str, pictures: Pictures, narrowing: str, seed: int
) -> Section:
    """What a translator reads of a set of pictures; `once` is what `read_once` made of it."""
    return reading_section(once(pictures.narrowings[narrowing]), alphabet, pictures, narrowing, seed)


def typesetting(
    translator: Translator, type_glyphs: dict[str, np.ndarray], judge: Recogniser | None, pictures: Pictures, seed: int
) -> Section:
    """What a translator sets of a set of pictures, font by font.

    Args:
        type_glyphs: uint8 `(K, S, S, 1)` by font, as they ought to be.
    """
    allowed, labels = pictures.allowed, pictures.labels
    objection = objection_to(judge, allowed or translator.alphabet, pictures.images.shape[1]) if judge else ""
    measures, ours, oracles = {}, [], []
    for font, right in type_glyphs.items():
        glyphs, probabilities = translator.translate(pictures.images, font, allowed)
        read = probabilities.argmax(axis=1)
        ours.append(scores(glyphs, labels, right))
        oracles.append(oracle_scores(read, labels, right))
        measures |= font_measures(font, ours[-1], oracles[-1], pictures.writers, seed)
        if judge and not objection:
            measures |= legibility(font, glyphs, right, read, judge, translator.alphabet, pictures, seed)
    every = every_font(ours, oracles, pictures.writers, seed)
    legible = [name for name in measures if name.startswith(f"{next(iter(type_glyphs))}: {RIGHT}")]
    note = " ".join(filter(None, [objection, interval_note(pictures)]))
    return Section(f"type: {pictures.name}, {pictures.suiting} allowed", pictures.dataset, every | measures,
                   (*every, *legible), note=note)  # fmt: skip


def objection_to(judge: Recogniser, characters: str, size: int) -> str:
    """Why a judge cannot read what is set of some characters in glyphs of `size` pixels, or nothing."""
    if not set(characters) <= set(judge.alphabet):
        return f"{judge.folder.name} does not know all that may be set."
    if judge.image_size != size:
        return f"{judge.folder.name} reads glyphs of {judge.image_size} pixels, not of {size}."
    return ""


def scores(glyphs: np.ndarray, labels: np.ndarray, type_glyphs: np.ndarray) -> Scores:
    """Holds glyphs against the right ones.

    Args:
        glyphs: `(N, S, S, 1)`, uint8 or float in [0, 1]. labels: int `(N,)`. type_glyphs: uint8 `(K, S, S, 1)`.
    """
    parts = []
    for start in range(0, len(glyphs), BATCH):
        drawn, wanted = unit_range(glyphs[start : start + BATCH]), labels[start : start + BATCH]
        right = unit_range(type_glyphs[wanted])
        near = nearest_glyph(drawn, type_glyphs) == wanted
        error = np.square(drawn - right).mean(axis=(1, 2, 3))
        fits = min(drawn.shape[1:3]) >= SSIM_WINDOW
        likeness = ssim(drawn, right) if fits else np.full(len(drawn), np.nan)
        parts.append(Scores(near, within(drawn, right, TOLERANCE), likeness, error))
    return Scores(*map(np.concatenate, zip(*parts, strict=True)))


def oracle_scores(read: np.ndarray, labels: np.ndarray, type_glyphs: np.ndarray) -> Scores:
    """`scores` of type set perfectly from what was read, int `(N,)`; each pair of read and right character once."""
    pairs, place = np.unique(np.stack([read, labels]), axis=1, return_inverse=True)
    return Scores(*(values[place] for values in scores(type_glyphs[pairs[0]], pairs[1], type_glyphs)))


def every_font(
    ours: Sequence[Scores], oracles: Sequence[Scores], writers: np.ndarray | None, seed: int
) -> dict[str, Measure]:
    """What is right whatever the font; `writers` is int `(N,)`, or None where unknown."""
    measures = {}
    for name, field in {NEAREST: "nearest", CLOSE: "close"}.items():
        own, oracle = (np.all([getattr(one, field) for one in scored], axis=0) for scored in (ours, oracles))
        measures[f"every font: {name}"] = Measure.counted(own, writers, seed, oracle)
    return measures


def font_measures(font: str, own: Scores, oracle: Scores, writers: np.ndarray | None, seed: int) -> dict[str, Measure]:
    """The figures of one font; `writers` is int `(N,)`, or None where unknown."""
    measures = {
        f"{font}: {NEAREST}": Measure.counted(own.nearest, writers, seed, oracle.nearest),
        f"{font}: {CLOSE}": Measure.counted(own.close, writers, seed, oracle.close),
    }
    if not np.isnan(own.likeness).any():
        likeness = Measure.mean(own.likeness, NUMBER, seed, oracle.likeness, writers)
        measures[f"{font}: structural similarity"] = likeness
    error = Measure.mean(own.error, NUMBER, seed, oracle.error, writers)
    return measures | {f"{font}: mean squared error": error}


def legibility(font: str, glyphs: np.ndarray, type_glyphs: np.ndarray, read: np.ndarray, judge: Recogniser,
               alphabet: str, pictures: Pictures, seed: int) -> dict[str, Measure]:  # fmt: skip
    """How much of what was set the judge reads as the handwriting's character.

    Args:
        glyphs: float `(N, S, S, 1)`, what was set. type_glyphs: uint8 `(K, S, S, 1)`, as they ought to be.
        read: int `(N,)`, what the translator read, which an oracle sets without a fault.
    """
    allowed, labels, label_of = pictures.allowed, pictures.labels, labels_on(alphabet, judge.alphabet)
    own, every_glyph = (label_of[judge.recognise(images, allowed or alphabet).probabilities.argmax(axis=1)]
                        for images in (as_levels(glyphs), type_glyphs))  # fmt: skip
    oracle = every_glyph[read]
    return {
        f"{font}: {name} by {judge.folder.name}": Measure.counted(
            same[own, labels], pictures.writers, seed, same[oracle, labels]
        )
        for name, same in ways_of_right(alphabet, allowed, labels).items()
    }


def no_legibility() -> Section:
    """What stands in for it where there is no judge."""
    note = ("Not measured: there is no judge of all its characters among the models; `python train.py judge-ascii` "
            "trains one, and one of digits `python train.py judge-digits`.")  # fmt: skip
    return Section("legibility", "", {}, note=note)


def set_outcome(
    translator: Translator, type_glyphs: dict[str, np.ndarray], pictures: Pictures, images: np.ndarray
) -> Outcome:
    """Which images are set in the first font as the pictures' labels or their look-alikes; none is refused."""
    font, right = next(iter(type_glyphs.items()))
    allowed, labels = pictures.allowed, pictures.labels
    _, same = mildest(translator.alphabet, pictures)
    drawn = nearest_glyph(translator.translate(images, font, allowed)[0], right)
    return Outcome(same[drawn, labels], np.zeros(len(labels), bool))

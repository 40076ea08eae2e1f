"""How well a generator invents: what `writer_evaluation.py` tells of all that draw characters and, besides, how various
its pictures of each are, and whether its discriminator can tell them from real ones.

Of one that is not told what to draw nothing is read as asked: the judge says what its pictures show, which is whether
it draws every character, and how sure it is of that. Picture k of any figure depends on the seed and k alone.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from PIL import Image

from config import in_words
from evaluation_data import Pictures
from evaluation_pictures import draw_beside_real, draw_sheet
from evaluation_samples import Maker, Trial
from generator_metrics import Estimate, distances_within, likeness_within
from generators import Generator
from glyph_metrics import SSIM_WINDOW
from metrics import Share
from reader_evaluation import file_name, unmeasured
from readers import Reading, Recogniser
from report import JACKKNIFE, NUMBER, SHARE, Measure, Section
from shell import UserError
from validation_samples import COLLAPSED
from writer_evaluation import (
    LEFT_OUT,
    OF_REAL,
    SHEET_ROWS,
    Extent,
    Subject,
    copying,
    distances,
    hand_step,
    read_steps,
    subjects_of,
    teaching,
    told_steps,
)

FEWEST = 3  # pictures of a class, of which it can be told how various they are
DISTANCE, UNLIKENESS = "distance", "structural dissimilarity"  # of two pictures of a class


def invention_steps(
    generator: Generator, sets: Sequence[Pictures], training_for: Callable[[Pictures], Pictures | None],
    judge: Recogniser | None, extent: Extent, seed: int,
) -> list[Callable[[], Section]]:  # fmt: skip
    """What there is to measure of a generator, a section each; arguments as of `writer_steps`.

    Raises:
        UserError: It cannot be told what to draw, and the pictures are of some of its characters alone.
    """
    maker, subjects = inventor(generator), subjects_of(sets, training_for)
    steps = [step for subject in subjects for step in subject_steps(generator, maker, judge, subject, extent, seed)]
    return [*steps, hand_step(maker, subjects, extent, seed)] if generator.labelled else steps


def subject_steps(
    generator: Generator, maker: Maker, judge: Recogniser | None, subject: Subject, extent: Extent, seed: int
) -> list[Callable[[], Section]]:
    """What there is to measure on one data set."""
    whole, training, count = subject.whole, subject.training, extent.samples
    lesson = partial(teaching, maker, whole, training, extent.lessons, seed)
    trial = Trial(maker, judge, whole, count, seed)
    various = partial(variety, trial, generator.labelled)
    own = [partial(told_apart, generator, trial, training)]
    if generator.labelled:
        told = [*told_steps(trial, subject), various]
        read = read_steps(maker, judge, subject.read_among(maker.alphabet), told)
        own.append(lesson)
    else:
        refuse_some(generator, whole)
        known = [partial(classes_read, trial), partial(distances, trial, training, told=False)]
        read = read_steps(maker, judge, maker.alphabet, [*known, various, partial(lesson, judge)])
    return [*read, *own, partial(copying, maker, whole, training, seed)]


def inventor(generator: Generator) -> Maker:
    """A generator as one that is told labels, whether it heeds them or not."""

    def draw(noise: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return generator.invent(noise, generator.label_weights(labels))

    return Maker(generator.alphabet, generator.image_size, generator.noise_size, draw)


def refuse_some(generator: Generator, pictures: Pictures) -> None:
    """Refuses pictures of which only some characters may be read: it draws the others, too."""
    allowed, alphabet = pictures.allowed, generator.alphabet
    if allowed is not None and set(allowed) < set(alphabet):
        raise UserError(f"model {generator.card['name']!r} draws whichever it likes of {in_words(alphabet)}: expected "
                        f"pictures of them all, received {pictures.dataset} of {in_words(allowed)}; choose another "
                        f"--dataset, or leave --alphabet out")  # fmt: skip


def classes_read(trial: Trial) -> Section:
    """Which characters the judge takes samples for, how sure of that it is, and the same of real pictures."""
    pictures, made, judge, alphabet, seed = trial.test, trial.made, trial.judge, trial.maker.alphabet, trial.seed
    own, real = trial.readings
    read, of_real = (one.probabilities.argmax(axis=1) for one in (own, real))
    shares, known = ([Share.of(labels == label) for label in pictures.classes] for labels in (read, of_real))
    covered = sum(one.share > COLLAPSED * other.share for one, other in zip(shares, known, strict=True))
    measures = {f"classes covered, read by {judge.folder.name}":
                Measure(covered, None, None, len(made.labels), f"of {len(shares)}")}  # fmt: skip
    measures |= sureness(judge, own, shares, made, seed)
    beside = sureness(judge, real, known, pictures, seed)
    characters = [alphabet[label] for label in pictures.classes]
    bars = [(character, one.share, one.low, one.high, other.share)
            for character, one, other in zip(characters, shares, known, strict=True)]  # fmt: skip
    drawings = {"shares": partial(draw_beside_real, bars, "Share of the samples"),
                "samples": partial(draw_as_read, made.images, read, pictures.classes)}  # fmt: skip
    rarest = characters[int(np.argmin([one.share for one in shares]))]
    note = (f"{len(made.labels):,} samples, whichever characters they show. A class is covered if its share is above "
            f"{COLLAPSED:.0%} of that in real pictures, read likewise. The rarest is {rarest}.")  # fmt: skip
    return Section(f"classes read: {pictures.name}, {pictures.suiting} allowed", pictures.dataset,
                   measures | {f"real pictures, {what}": one for what, one in beside.items()}, tuple(measures),
                   dict(zip(characters, map(Measure.of, shares), strict=True)), {},
                   {file_name(f"{pictures.name} {name}"): draw for name, draw in drawings.items()}, note)  # fmt: skip


def sureness(
    judge: Recogniser, reading: Reading, shares: Sequence[Share], pictures: Pictures, seed: int
) -> dict[str, Measure]:
    """The least of the shares that classes have of some pictures, and how sure the judge is of what it read there."""
    confidence = reading.probabilities.max(axis=1).astype(float)
    return {
        "least share of a class": Measure.lowest(shares)[1],
        f"taken for a character by {judge.folder.name}": Measure.counted(reading.is_character, pictures.writers, seed),
        f"mean confidence of {judge.folder.name}": Measure.mean(confidence, SHARE, seed, writers=pictures.writers),
    }


def draw_as_read(images: np.ndarray, read: np.ndarray, classes: np.ndarray) -> Image.Image:
    """The first pictures `(N, S, S, 1)` read as each of some classes `(C,)`, a column a class."""
    glyphs = np.zeros((SHEET_ROWS, len(classes), *images.shape[1:]), np.uint8)
    for column, label in enumerate(classes):
        some = images[read == label][:SHEET_ROWS]
        glyphs[: len(some), column] = some
    return draw_sheet(glyphs)


def variety(trial: Trial, told: bool) -> Section:
    """How far pictures of one character lie apart, over how far those of real ones do, class by class.

    Args:
        told: Whether the generator draws what it is asked for; if not, classes are as the judge reads them.
    """
    pictures, judge, alphabet = trial.pictures, trial.judge, trial.maker.alphabet
    name, count = f"diversity inside each class: {pictures.name}", len(trial.test.labels)
    shown = zip((trial.made, trial.test), trial.readings, strict=True)
    own, real = (spreads(some, reading, told, trial.seed) for some, reading in shown)
    common = [label for label in own if label in real and all(one.value > 0 for one in real[label].values())]
    if not common:
        return unmeasured(name, pictures, f"it takes {FEWEST} different pictures of a character.")
    ratios, beside = {}, {}
    for kind in own[common[0]]:
        ratios[kind] = {alphabet[label]: own[label][kind].over(real[label][kind]) for label in common}
        beside |= {f"{kind} within a class{whose}": estimated([known[label][kind] for label in common], count)
                   for whose, known in {"": own, OF_REAL: real}.items()}  # fmt: skip
    least = {kind: min(each, key=lambda character: each[character].value) for kind, each in ratios.items()}
    measures = {}
    for kind, each in ratios.items():
        measures[f"{kind} within a class over that of real"] = estimated(list(each.values()), count)
        lowest = estimated([each[least[kind]]], count)
        lowest = lowest._replace(low=None, high=None, interval=None)  # picked for being low, it says less than it seems
        measures[f"{kind} within the least various class over that of real"] = lowest
    classes = {character: estimated([ratio], count) for character, ratio in ratios[DISTANCE].items()}
    rows = [(character, one.value, one.low, one.high, 1.0) for character, one in classes.items()]
    drawn = partial(draw_beside_real, rows, "Diversity of each class")
    named = " and ".join(f"{character} by {kind}" for kind, character in least.items())
    note = (f"Means over {len(common)} classes{'' if told else f', as {judge.folder.name} reads them,'} of the "
            f"Euclidean distance of two pictures in features of {judge.folder.name}, and of {UNLIKENESS}, which is "
            f"1 - SSIM. A class drawn as another raises both. The least various is {named}.")  # fmt: skip
    return Section(name, pictures.dataset, measures | beside, tuple(measures), classes,
                   drawings={file_name(f"{pictures.name} diversity"): drawn}, note=note)  # fmt: skip


def spreads(pictures: Pictures, reading: Reading, told: bool, seed: int) -> dict[int, dict[str, Estimate]]:
    """How far pictures of each label lie apart: their mean distance in the features of their reading, and 1 - SSIM.

    Classes of fewer than 3 pictures are left out, and SSIM where its window is larger than a picture.
    """
    found = {}
    labels = pictures.labels if told else reading.probabilities.argmax(axis=1)
    for label in np.flatnonzero(np.bincount(labels) >= FEWEST):
        chosen = np.random.default_rng([seed, label]).permutation(np.flatnonzero(labels == label))
        means = {DISTANCE: distances_within(reading.features[chosen])}
        if min(pictures.images.shape[1:3]) >= SSIM_WINDOW:
            means[UNLIKENESS] = 1 - likeness_within(pictures.images[chosen])
        found[int(label)] = {kind: Estimate.of_pairs(each) for kind, each in means.items()}
    return found


def estimated(estimates: Sequence[Estimate], count: int) -> Measure:
    """The mean of some estimates, for the report; `count` pictures were looked at."""
    whole = Estimate.mean(estimates)
    return Measure(whole.value, *whole.ends, count, NUMBER, interval=JACKKNIFE)


def told_apart(generator: Generator, trial: Trial, training: Callable[[], Pictures | None]) -> Section:
    """How well the discriminator tells samples from test pictures, which it was not trained on; and training ones."""
    pictures, seed, name = trial.pictures, trial.seed, f"discriminator: {trial.pictures.name}"
    if not generator.has_part("discriminator"):
        return unmeasured(name, pictures, "the model comes without its discriminator; training it anew exports one.")
    test, known = trial.test, training()
    learned = known and known.trained_on

    def score(some: Pictures) -> np.ndarray:
        return generator.score(some.images, generator.label_weights(some.labels))

    real, generated = score(test) > 0, score(trial.made) < 0
    both = np.concatenate([real, generated])
    measures = {"right of as many real as generated pictures": Measure.counted(both, None, seed),
                "real pictures taken for real": Measure.counted(real, test.writers, seed),
                "generated pictures taken for generated": Measure.counted(generated, None, seed)}  # fmt: skip
    headline = tuple(measures)
    note = ("Of a perfect generator it would be right of one in two; one that takes far more training than test "
            "pictures for real has learned them by heart. A plain GAN's is told the cluster that a picture is nearest "
            "to.")  # fmt: skip
    if learned:
        note += LEFT_OUT if learned.some_left_out else ""
        seen = learned.drawn(trial.count, seed)
        measures["training pictures taken for real"] = Measure.counted(score(seen) > 0, seen.writers, seed)
    return Section(name, pictures.dataset, measures, headline, note=note)

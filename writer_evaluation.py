"""How well a model draws characters: whether they can be read, how real and how various they are, what they are worth
as training data, whether they are copied, and whether a hand holds; of a conditional VAE before all that how likely it
finds real handwriting. `invention_evaluation.py` tells what there is to measure of a generator.

Picture k of any figure depends on the seed and k alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from PIL import Image

from classification_score import LabelledPictures, train_on_synthetic_test_on_real
from evaluation_data import Pictures, by_dataset, joined
from evaluation_pictures import draw_mistakes, draw_sheet
from evaluation_samples import Maker, Trial, maker_of, noise_of, read_by, samples, written
from feature_distances import GROUPS, FrechetResult, NoFloorError, frechet, kernel_distance
from generator_metrics import (
    CLOSEST_PERCENT,
    Neighbourhoods,
    expected_coverage,
    memorised,
    nearest_training_image,
    neighbourhoods,
)
from generators import Writer
from hand_metrics import TRAITS, letters_of, shared_trait, trait_tables, writer_tables
from metrics import Share, bootstrap_interval, wilson
from reader_evaluation import (
    drawings,
    file_name,
    hardest_of,
    mildest,
    most_confused,
    share_read_as,
    unmeasured,
    ways_of_right,
)
from readers import Recogniser
from report import BOOTSTRAP, DISCOUNTED, JACKKNIFE, NUMBER, Measure, Section
from translator_evaluation import no_legibility, objection_to
from writer_likelihood import APART, generator_of, likelihood

FLOOR_SAMPLES = 3  # of training pictures, that real is compared with real by
COPIES_TRIED = 2000  # pictures that the nearest training picture is looked up for
COPIES_SHOWN = 12
SHEET_ROWS = 12  # of a grid of samples
FEWEST_HANDS = 20  # of which it can be told what letters of one share

OF_REAL = " of real pictures"
LEFT_OUT = " The training may have done without some of the pictures that count as its own here."


class Extent(NamedTuple):
    """How much is measured."""

    likelihood_pictures: int = 500
    importance_samples: int = 500
    samples: int = 10_000
    """Pictures written, to be read and compared with real ones."""
    lessons: int = 60_000
    """Pictures written to train a reader on."""
    hands: int = 300

    def limited(self, limit: int | None) -> "Extent":
        """The same for a rehearsal on `limit` pictures; None: all."""
        if limit is None:
            return self
        return self._replace(samples=min(self.samples, limit), lessons=min(self.lessons, limit),
                             hands=min(self.hands, max(20, limit)))  # fmt: skip


class Subject(NamedTuple):
    """A data set that a maker is held against."""

    whole: Pictures
    """Its test pictures."""
    groups: list[Pictures]
    """The same, of each kind of characters apart."""
    training: Callable[[], Pictures | None]
    """Gives those that are not the test's; None where there are none such."""

    def read_among(self, alphabet: str) -> str:
        """The characters of a maker's alphabet that a judge has to know: those that it may read somewhere."""
        allowed = {one.allowed for one in (self.whole, *self.groups)}
        return alphabet if None in allowed else "".join(filter("".join(allowed).__contains__, alphabet))


def subjects_of(sets: Sequence[Pictures], training_for: Callable[[Pictures], Pictures | None]) -> list[Subject]:
    """The data sets of some groups of pictures; what is trained on is loaded once, when first asked for."""
    wholes = [joined(groups) for groups in by_dataset(sets)]
    return [Subject(whole, groups, cache(partial(training_for, whole)))
            for whole, groups in zip(wholes, by_dataset(sets), strict=True)]  # fmt: skip


def writer_steps(
    writer: Writer, sets: Sequence[Pictures], training_for: Callable[[Pictures], Pictures | None],
    judge: Recogniser | None, extent: Extent, seed: int,
) -> list[Callable[[], Section]]:  # fmt: skip
    """What there is to measure of a writer, a section each.

    Args:
        sets: Test pictures.
        training_for: Gives the pictures of a set that are not the test's, or None where there are none such.
        judge: Reads what was written; None: there is none.
    """
    steps, maker, subjects = [], maker_of(writer), subjects_of(sets, training_for)
    for subject in subjects:
        whole, training = subject.whole, subject.training
        steps.append(partial(likelihood, writer, whole, extent.likelihood_pictures, extent.importance_samples, seed))
        trial = Trial(maker, judge, whole, extent.samples, seed)
        steps += read_steps(maker, judge, subject.read_among(maker.alphabet), told_steps(trial, subject))
        steps.append(partial(teaching, maker, whole, training, extent.lessons, seed))
        steps.append(partial(copying, maker, whole, training, seed))
    return [*steps, hand_step(maker, subjects, extent, seed)]


def told_steps(trial: Trial, subject: Subject) -> list[Callable[[], Section]]:
    """What a judge measures of samples that shall show what test pictures do."""
    each = max(1, trial.count // subject.whole.classes.size)
    legible = [partial(legibility, trial.maker, trial.judge, pictures, each, trial.seed) for pictures in subject.groups]
    return [*legible, partial(distances, trial, subject.training)]


def read_steps(
    maker: Maker, judge: Recogniser | None, characters: str, steps: list[Callable[[], Section]]
) -> list[Callable[[], Section]]:
    """Steps that take a judge who reads some characters; or one that says why they are left out."""
    objection = objection_to(judge, characters, maker.image_size) if judge else ""
    return steps if judge and not objection else [partial(unread, objection)]


def hand_step(maker: Maker, subjects: Sequence[Subject], extent: Extent, seed: int) -> Callable[[], Section]:
    """Measures hands on the characters of the data set that has the most."""
    main = hardest_of([subject.whole for subject in subjects])
    training = next(subject.training for subject in subjects if subject.whole is main)
    return partial(one_hand, maker, main, training, extent.hands, seed)


def main_data(sets: Sequence[Pictures]) -> list[Pictures]:
    """The groups of the one data set that tells most of a writer: it holds the most different characters."""
    return [pictures for pictures in sets if pictures.dataset == hardest_of(sets).dataset]


def unread(objection: str) -> Section:
    """What stands in for what a judge would measure."""
    section = replace(no_legibility(), name="legibility and distances")
    return replace(section, note=f"Not measured: {objection}") if objection else section


def legibility(maker: Maker, judge: Recogniser, pictures: Pictures, each: int, seed: int) -> Section:
    """What the judge reads of samples of the pictures' characters, `each` of every one, with the same allowed."""
    labels = np.tile(pictures.classes, each)
    made = pictures._replace(images=samples(maker, labels, seed), labels=labels, writers=None)
    probabilities, of_real = (read_by(judge, maker.alphabet, one).probabilities for one in (made, pictures))
    read, read_of_real = probabilities.argmax(axis=1), of_real.argmax(axis=1)
    ways = {f"{name} by {judge.folder.name}": same
            for name, same in ways_of_right(maker.alphabet, pictures.allowed, pictures.labels).items()}  # fmt: skip
    measures = {name: Measure.counted(same[read, labels], None, seed) for name, same in ways.items()}
    worst, lowest = worst_character(maker.alphabet, made, read)
    measures[f"worst character, {list(ways)[-1]}"] = lowest
    headline = tuple(measures)
    measures |= {f"real pictures, {name}": Measure.balanced(same[read_of_real, pictures.labels], pictures.labels,
                                                          pictures.writers, seed)
                 for name, same in ways.items()}  # fmt: skip
    classes = {maker.alphabet[label]: share_read_as(label, label, read, made, seed) for label in made.classes}
    return Section(
        f"legibility: {pictures.name}, {pictures.suiting} allowed", pictures.dataset, measures, headline, classes,
        most_confused(read, made, maker.alphabet, seed), drawings(made, probabilities, classes, maker.alphabet),
        f"{each:,} samples of each of {pictures.classes.size} characters, of which real pictures count alike, too. The "
        f"worst is {worst}.",
    )  # fmt: skip


def worst_character(alphabet: str, made: Pictures, read: np.ndarray) -> tuple[str, Measure]:
    """The character whose samples are least often read as asked, as far as anybody could tell it."""
    _, same = mildest(alphabet, made)
    right = same[read, made.labels]
    worst, lowest = Measure.lowest([Share.of(right[made.labels == label]) for label in made.classes])
    return alphabet[made.classes[worst]], lowest


def distances(trial: Trial, training: Callable[[], Pictures | None], told: bool = True) -> Section:
    """How far samples are from test pictures, class for class as many, in the judge's features; and training ones.

    Args:
        told: Whether samples are of the classes they were asked for; if not, they have them at random, and so have the
            training pictures.
    """
    pictures, judge, seed, real = trial.pictures, trial.judge, trial.seed, training()
    name, enough = f"distances: {pictures.name}", len(real.labels) // 2 if real else 0
    count = min(len(trial.test.labels), enough)
    if count < GROUPS:
        return unmeasured(name, pictures, f"it takes {GROUPS} test pictures, and training pictures twice as many.")
    trial = trial if count == len(trial.test.labels) else replace(trial, count=count)
    known = real_features(trial, real, told)
    if not len(known):
        return unmeasured(name, pictures, "it takes as many training pictures of every character as test pictures.")
    made, right = (reading.features for reading in trial.readings)
    try:
        found = frechet(made, known, right, judge.folder.name, seed, trial.test.labels if told else None)
    except NoFloorError:
        return unmeasured(name, pictures, "training and test pictures are the same, over and over.")
    measures = frechet_measures(found)
    headline, deviations = (*measures, "coverage", f"coverage{OF_REAL}"), []
    for whose, features in {"": made, OF_REAL: known[0]}.items():
        kernel = kernel_distance(features, right, seed)
        measures[f"kernel distance{whose}"] = Measure(kernel.mean, None, None, count, NUMBER)
        measures |= neighbour_measures(neighbourhoods(features, right), whose)
        deviations.append(f"{kernel.deviation:.2g}")
    note = (f"In features of {found.extractor}. Real pictures are held against the test's, too, those of the training "
            f"part: of {len(known)} samples of {count:,}, with {'as many' if told else 'any number'} of each "
            f"character, the Frechet distances are {found.lowest_floor:.4g} to {found.highest_floor:.4g}. Kernel "
            f"distances deviate by {' and '.join(deviations)} between subsets. Pictures of one distribution would "
            f"cover {expected_coverage(count, count):.1%}.")  # fmt: skip
    return Section(name, pictures.dataset, measures, headline, note=note)


def real_features(trial: Trial, real: Pictures, told: bool) -> np.ndarray:
    """Features `(S, N, F)` of samples of training pictures, each as many as there are test pictures.

    Args:
        told: Whether they have as many of each class, too.
    """
    labels, seed = trial.test.labels, trial.seed
    drawn = real.samples(labels, FLOOR_SAMPLES, seed) if told else real.drawn_apart(len(labels), FLOOR_SAMPLES, seed)
    return np.array([trial.judge.recognise(sample.images).features for sample in drawn])


def frechet_measures(found: FrechetResult) -> dict[str, Measure]:
    alone = Measure(found.floor, None, None, found.count, NUMBER)
    own = alone._replace(value=found.distance, low=found.low, high=found.high, interval=JACKKNIFE)
    ratio = own._replace(value=found.ratio, low=found.lowest_ratio, high=found.highest_ratio)
    return {"Frechet distance": own, f"Frechet distance{OF_REAL}": alone, "Frechet distance over that of real": ratio}


def neighbour_measures(found: Neighbourhoods, whose: str) -> dict[str, Measure]:
    shares = {f"{what}{whose}": Measure.of(getattr(found, what)) for what in ("precision", "recall", "coverage")}
    return shares | {f"density{whose}": Measure(found.density, None, None, found.precision.count, NUMBER)}


def teaching(maker: Maker, pictures: Pictures, training: Callable[[], Pictures | None], count: int, seed: int,
             reader: Recogniser | None = None) -> Section:  # fmt: skip
    """What samples are worth as training data, beside as many real pictures of the same characters.

    Args:
        reader: Tells what samples show, where they are not drawn as asked.
    """
    name, real = f"training on synthetic, testing on real: {pictures.name}", training()
    if real is None or pictures.classes.size < 2:
        return unmeasured(name, pictures, "it takes training pictures of two characters.")
    real = real.drawn(count, seed)
    made = real._replace(images=samples(maker, real.labels, seed))
    if reader:
        made = made._replace(labels=read_by(reader, maker.alphabet, made).probabilities.argmax(axis=1))
    kinds = f"synthetic pictures labelled by {reader.folder.name}" if reader else "synthetic pictures", "real pictures"
    found = train_on_synthetic_test_on_real(
        *(LabelledPictures(one.images, one.labels) for one in (made, real, pictures))
    )
    measures = {f"read right, trained on {len(real.labels):,} {kind}": Measure.counted(right, pictures.writers, seed)
                for kind, right in zip(kinds, found, strict=True)}  # fmt: skip
    return Section(name, pictures.dataset, measures, tuple(measures),
                   note="The reader is the same small network both times, no character ruled out.")  # fmt: skip


def copying(maker: Maker, pictures: Pictures, training: Callable[[], Pictures | None], seed: int) -> Section:
    """Whether samples are training pictures handed out again."""
    name, known = f"nearest training pictures: {pictures.name}", training()
    real = known and known.trained_on
    if real is None:
        return unmeasured(name, pictures, "no picture of these characters is known to have trained the model.")
    test = pictures.spread(COPIES_TRIED)
    made = samples(maker, test.labels, seed)
    (index, own), (_, others) = (nearest_training_image(images, real.images) for images in (made, test.images))
    nearer = f"as near as the nearest {CLOSEST_PERCENT:.0f} % of test pictures"
    means = {"mean distance": own, "mean distance of test pictures": others}
    measures = {nearer: as_estimated(memorised(own, others), len(others))}
    measures |= {what: Measure.mean(values, NUMBER, seed) for what, values in means.items()}
    nearest = np.argsort(own, kind="stable")[:COPIES_SHOWN]
    pairs = np.concatenate([made[nearest], real.images[index[nearest]]], axis=2)  # side by side
    captions = [f"{distance:.1f} apart" for distance in own[nearest]]
    return Section(name, pictures.dataset, measures, (nearer,),
                   drawings={file_name(f"{pictures.name} nearest"): partial(draw_mistakes, pairs, captions)},
                   note="Euclidean, of pixels in [0, 1]. Whoever copies nothing comes to about 1 %."
                        + (LEFT_OUT if real.some_left_out else ""))  # fmt: skip


def as_estimated(share: Share, others: int) -> Measure:
    """A share within a limit that is itself estimated, on so many other pictures: worth fewer trials than counted."""
    worth = share.count * others / (share.count + others)
    low, high = wilson(share.share * worth, worth)
    return Measure.of(share)._replace(low=low, high=high, interval=DISCOUNTED)


def one_hand(
    maker: Maker, pictures: Pictures, training: Callable[[], Pictures | None], hands: int, seed: int
) -> Section:
    """Whether letters written with one noise vector share what letters of one hand do."""
    letters, title = letters_of(maker.alphabet, pictures.classes), f"one hand: {pictures.name}"
    if len(letters) < 2:
        return unmeasured(title, pictures, "it takes two characters.")
    row, column = np.divmod(np.arange(hands * len(letters)), len(letters))
    together = noise_of(seed, hands, maker.noise_size)
    apart = np.concatenate([generator_of(seed, hand, APART).standard_normal((len(letters), maker.noise_size), "f4")
                            for hand in range(hands)])  # fmt: skip
    kinds = {"of one noise vector": together[row], "of independent noise vectors": apart}
    tables = {kind: trait_tables(written(maker, noise, letters[column]), row, column) for kind, noise in kinds.items()}
    real = training()
    if real is not None and real.writers is not None:
        tables["of one real writer"] = writer_tables(real.images, real.labels, real.writers, letters)
    known = {
        f"{trait}, letters {kind}": of_two_letters(table[trait]) for trait in TRAITS for kind, table in tables.items()
    }
    measures = {name: shared_measure(values, seed) for name, values in known.items() if len(values) >= FEWEST_HANDS}
    note = ("Correlation between two different characters of a hand, over hands, mean over all pairs of "
            f"{len(letters)}; a hand is counted as a picture.")  # fmt: skip
    return Section(title, pictures.dataset, measures, tuple(name for name in measures if "one noise" in name),
                   drawings={"hands": partial(draw_hands, maker, pictures.classes, together[:SHEET_ROWS])},
                   note=note)  # fmt: skip


def of_two_letters(values: np.ndarray) -> np.ndarray:
    """Of float `(H, C)` the hands that two letters at least are known of; what is blank has no traits."""
    return values[np.count_nonzero(~np.isnan(values), axis=1) > 1]


def shared_measure(values: np.ndarray, seed: int) -> Measure:
    ends = bootstrap_interval(values, shared_trait, seed)
    return Measure(shared_trait(values), *ends, len(values), NUMBER, interval=BOOTSTRAP)


def draw_hands(maker: Maker, labels: np.ndarray, noise: np.ndarray) -> Image.Image:
    """A row a hand, noise `(H, Z)`, and a column a character, labels `(C,)`."""
    glyphs = written(maker, np.repeat(noise, len(labels), axis=0), np.tile(labels, len(noise)))
    return draw_sheet(glyphs.reshape(len(noise), len(labels), *glyphs.shape[1:]))

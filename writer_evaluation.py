"""How well a conditional VAE writes: how likely it finds real handwriting, whether its own can be read, how real and
how various that is, what it is worth as training data, whether it is copied, and whether a hand holds.

Picture k of any figure depends on the seed and k alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from PIL import Image

from classification_score import LabelledPictures, train_on_synthetic_test_on_real
from drawing import enlarge, tile
from evaluation_data import Pictures, by_dataset, joined
from evaluation_pictures import draw_mistakes
from feature_distances import GROUPS, FrechetResult, frechet, kernel_distance
from generator_metrics import (
    CLOSEST_PERCENT,
    Neighbourhoods,
    expected_coverage,
    memorised,
    nearest_training_image,
    neighbourhoods,
)
from hand_metrics import TRAITS, letters_of, shared_trait, trait_tables, writer_tables
from metrics import bootstrap_interval
from reader_evaluation import drawings, file_name, hardest_of, mildest, most_confused, share_read_as, ways_of_right
from report import BOOTSTRAP, JACKKNIFE, NUMBER, Measure, Section
from runtime import Recogniser, Writer
from translator_evaluation import no_legibility, objection_to
from writer_likelihood import APART, SAMPLE, generator_of, likelihood

BLOCK = 2000  # characters drawn at a time: bounds the memory
FLOOR_SAMPLES = 3  # of training pictures, that real is compared with real by
COPIES_TRIED = 2000  # pictures that the nearest training picture is looked up for
COPIES_SHOWN = 12
SHEET_HANDS, SHEET_WIDTH, SHEET_COLUMNS = 12, 1200, 47  # of the grid of samples: rows, pixels, characters a row

OF_REAL = " of real pictures"


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
    steps, wholes = [], [joined(groups) for groups in by_dataset(sets)]
    rest = {whole.dataset: cache(partial(training_for, whole)) for whole in wholes}
    for whole, groups in zip(wholes, by_dataset(sets), strict=True):
        training = rest[whole.dataset]
        steps.append(partial(likelihood, writer, whole, extent.likelihood_pictures, extent.importance_samples, seed))
        shown = "".join(writer.alphabet[label] for label in whole.classes)
        objection = objection_to(judge, shown, writer.image_size) if judge else ""
        if judge and not objection:
            each = max(1, extent.samples // whole.classes.size)
            steps += [partial(legibility, writer, judge, pictures, each, seed) for pictures in groups]
            steps.append(partial(distances, writer, judge, whole, training, extent.samples, seed))
        else:
            steps.append(partial(unread, objection))
        steps.append(partial(teaching, writer, whole, training, extent.lessons, seed))
        steps.append(partial(copying, writer, whole, training, seed))
    main = hardest_of(wholes)
    return [*steps, partial(one_hand, writer, main, rest[main.dataset], extent.hands, seed)]


def main_data(sets: Sequence[Pictures]) -> list[Pictures]:
    """The groups of the one data set that tells most of a writer: it holds the most different characters."""
    return [pictures for pictures in sets if pictures.dataset == hardest_of(sets).dataset]


def unread(objection: str) -> Section:
    """What stands in for what a judge would measure."""
    section = replace(no_legibility(), name="legibility and distances")
    return replace(section, note=f"Not measured: {objection}") if objection else section


def noise_of(seed: int, count: int, size: int) -> np.ndarray:
    """N(0,1) of samples 0, 1, ...: float32 `(count, size)`."""
    return np.stack([generator_of(seed, number, SAMPLE).standard_normal(size, np.float32) for number in range(count)])


def written(writer: Writer, noise: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Draws characters: uint8 `(N, S, S, 1)` of noise `(N, Z)` and labels `(N,)`."""
    parts = []
    for start in range(0, len(labels), BLOCK):
        some = slice(start, start + BLOCK)
        drawn = writer.decode(writer.styles(noise[some], labels[some]), labels[some])
        parts.append(np.round(255 * drawn).astype(np.uint8))
    return np.concatenate(parts)


def samples(writer: Writer, labels: np.ndarray, seed: int) -> np.ndarray:
    """Draws characters from the prior: uint8 `(N, S, S, 1)`, sample k of label k."""
    return written(writer, noise_of(seed, len(labels), writer.latent_size), labels)


def legibility(writer: Writer, judge: Recogniser, pictures: Pictures, each: int, seed: int) -> Section:
    """What the judge reads of samples of the pictures' characters, `each` of every one, with the same allowed."""
    labels = np.tile(pictures.classes, each)
    made = pictures._replace(images=samples(writer, labels, seed), labels=labels, writers=None)
    probabilities, of_real = (read_by(judge, writer.alphabet, one) for one in (made, pictures))
    read, read_of_real = probabilities.argmax(axis=1), of_real.argmax(axis=1)
    ways = {f"{name} by {judge.folder.name}": same
            for name, same in ways_of_right(writer.alphabet, pictures.allowed, pictures.labels).items()}  # fmt: skip
    measures = {name: Measure.counted(same[read, labels], None, seed) for name, same in ways.items()}
    worst, lowest = worst_character(writer.alphabet, made, read)
    measures[f"worst character, {list(ways)[-1]}"] = lowest
    headline = tuple(measures)
    measures |= {f"real pictures, {name}": Measure.counted(same[read_of_real, pictures.labels], pictures.writers, seed)
                 for name, same in ways.items()}  # fmt: skip
    classes = {writer.alphabet[label]: share_read_as(label, label, read, made, seed) for label in made.classes}
    return Section(
        f"legibility: {pictures.name}, {pictures.suiting} allowed", pictures.dataset, measures, headline, classes,
        most_confused(read, made, writer.alphabet, seed), drawings(made, probabilities, classes, writer.alphabet),
        f"{each:,} samples from the prior of each of {pictures.classes.size} characters. The worst is {worst}.",
    )  # fmt: skip


def read_by(judge: Recogniser, alphabet: str, pictures: Pictures) -> np.ndarray:
    """Probabilities `(N, K)` over an alphabet that the judge knows what is to be read of."""
    read = judge.recognise(pictures.images, pictures.allowed or alphabet).probabilities
    place = np.array([judge.alphabet.find(character) for character in alphabet])
    return np.where(place >= 0, read[:, place], 0)


def worst_character(alphabet: str, made: Pictures, read: np.ndarray) -> tuple[str, Measure]:
    """The character whose samples are least often read as asked, as far as anybody could tell it."""
    _, same = mildest(alphabet, made)
    shares = {alphabet[label]: Measure.counted(same[read, made.labels][made.labels == label], None, 0)
              for label in made.classes}  # fmt: skip
    return min(shares.items(), key=lambda item: item[1].value)


def distances(writer: Writer, judge: Recogniser, pictures: Pictures, training: Callable[[], Pictures | None],
              count: int, seed: int) -> Section:  # fmt: skip
    """How far samples are from test pictures, class for class as many, in the judge's features; and training ones."""
    name, real = f"distances: {pictures.name}", training()
    count = min(count, len(pictures.labels), len(real.labels) // 2 if real else 0)
    if count < GROUPS:
        return unmeasured(name, pictures, f"it takes {GROUPS} test pictures, and training pictures twice as many.")
    test = pictures.spread(count)
    made, right, known = (
        judge.recognise(images).features
        for images in (samples(writer, test.labels, seed), test.images, real.drawn(FLOOR_SAMPLES * count, seed).images)
    )
    found = frechet(made, known, right, judge.folder.name, seed)
    measures = frechet_measures(found)
    headline, told = tuple(measures), []
    for whose, features in {"": made, OF_REAL: known[:count]}.items():
        kernel = kernel_distance(features, right, seed)
        measures[f"kernel distance{whose}"] = Measure(kernel.mean, None, None, count, NUMBER)
        measures |= neighbour_measures(neighbourhoods(features, right), whose)
        told.append(f"{kernel.deviation:.2g}")
    note = (f"In features of {found.extractor}. Real pictures are held against the test's, too, those of the training "
            f"part: samples of {count:,} of them have Frechet distances from {found.lowest_floor:.4g} to "
            f"{found.highest_floor:.4g}. Kernel distances deviate by {' and '.join(told)} between subsets. Pictures of "
            f"one distribution would cover {expected_coverage(count, count):.1%}.")  # fmt: skip
    return Section(name, pictures.dataset, measures, headline, note=note)


def unmeasured(name: str, pictures: Pictures, reason: str) -> Section:
    return Section(name, pictures.dataset, {}, note=f"Not measured: {reason}")


def frechet_measures(found: FrechetResult) -> dict[str, Measure]:
    alone = Measure(found.floor, None, None, found.count, NUMBER)
    own = alone._replace(value=found.distance, low=found.low, high=found.high, interval=JACKKNIFE)
    ratio = own._replace(value=found.ratio, low=found.low / found.floor, high=found.high / found.floor)
    return {"Frechet distance": own, f"Frechet distance{OF_REAL}": alone, "Frechet distance over that of real": ratio}


def neighbour_measures(found: Neighbourhoods, whose: str) -> dict[str, Measure]:
    shares = {f"{what}{whose}": Measure.of(getattr(found, what)) for what in ("precision", "recall", "coverage")}
    return shares | {f"density{whose}": Measure(found.density, None, None, found.precision.count, NUMBER)}


def teaching(
    writer: Writer, pictures: Pictures, training: Callable[[], Pictures | None], count: int, seed: int
) -> Section:
    """What samples are worth as training data, beside as many real pictures of the same characters."""
    name, real = f"training on synthetic, testing on real: {pictures.name}", training()
    if real is None or pictures.classes.size < 2:
        return unmeasured(name, pictures, "it takes training pictures of two characters.")
    real = real.spread(count)
    made = LabelledPictures(samples(writer, real.labels, seed), real.labels)
    found = train_on_synthetic_test_on_real(
        made, *(LabelledPictures(one.images, one.labels) for one in (real, pictures))
    )
    measures = {f"read right, trained on {len(real.labels):,} {kind} pictures": Measure.of(share)
                for kind, share in zip(("synthetic", "real"), found, strict=True)}  # fmt: skip
    return Section(name, pictures.dataset, measures, tuple(measures),
                   note="The reader is the same small network both times, no character ruled out.")  # fmt: skip


def copying(writer: Writer, pictures: Pictures, training: Callable[[], Pictures | None], seed: int) -> Section:
    """Whether samples are training pictures handed out again."""
    name, real = f"nearest training pictures: {pictures.name}", training()
    if real is None:
        return unmeasured(name, pictures, "there are no training pictures.")
    test = pictures.spread(COPIES_TRIED)
    made = samples(writer, test.labels, seed)
    (index, own), (_, others) = (nearest_training_image(images, real.images) for images in (made, test.images))
    nearer = f"nearer than the nearest {CLOSEST_PERCENT:.0f} % of test pictures"
    measures = {nearer: Measure.of(memorised(own, others)), "mean distance": Measure.mean(own, NUMBER, seed),
                "mean distance of test pictures": Measure.mean(others, NUMBER, seed)}  # fmt: skip
    nearest = np.argsort(own, kind="stable")[:COPIES_SHOWN]
    pairs = np.concatenate([made[nearest], real.images[index[nearest]]], axis=2)  # side by side
    captions = [f"{distance:.1f} apart" for distance in own[nearest]]
    return Section(name, pictures.dataset, measures, (nearer,),
                   drawings={file_name(f"{pictures.name} nearest"): partial(draw_mistakes, pairs, captions)},
                   note="Euclidean, of pixels in [0, 1]. A writer that copies nothing comes to about 1 %.")  # fmt: skip


def one_hand(
    writer: Writer, pictures: Pictures, training: Callable[[], Pictures | None], hands: int, seed: int
) -> Section:
    """Whether letters written with one noise vector share what letters of one hand do."""
    letters = letters_of(writer.alphabet, pictures.classes)
    if len(letters) < 2:
        return unmeasured("one hand", pictures, "it takes two characters.")
    row, column = np.divmod(np.arange(hands * len(letters)), len(letters))
    together = noise_of(seed, hands, writer.latent_size)
    apart = np.concatenate([generator_of(seed, hand, APART).standard_normal((len(letters), writer.latent_size), "f4")
                            for hand in range(hands)])  # fmt: skip
    kinds = {"of one noise vector": together[row], "of independent noise vectors": apart}
    tables = {kind: trait_tables(written(writer, noise, letters[column]), row, column) for kind, noise in kinds.items()}
    real = training()
    if real is not None and real.writers is not None:
        tables["of one real writer"] = writer_tables(real.images, real.labels, real.writers, letters)
    known = {
        f"{trait}, letters {kind}": of_two_letters(table[trait]) for trait in TRAITS for kind, table in tables.items()
    }
    measures = {name: shared_measure(values, seed) for name, values in known.items() if len(values)}
    note = ("Correlation between two different characters of a hand, over hands, mean over all pairs of "
            f"{len(letters)}; a hand is counted as a picture.")  # fmt: skip
    return Section("one hand", pictures.dataset, measures, tuple(name for name in measures if "one noise" in name),
                   drawings={"hands": partial(draw_hands, writer, pictures.classes, together[:SHEET_HANDS])},
                   note=note)  # fmt: skip


def of_two_letters(values: np.ndarray) -> np.ndarray:
    """Of float `(H, C)` the hands that two letters at least are known of; what is blank has no traits."""
    return values[np.count_nonzero(~np.isnan(values), axis=1) > 1]


def shared_measure(values: np.ndarray, seed: int) -> Measure:
    ends = bootstrap_interval(values, shared_trait, seed)
    return Measure(shared_trait(values), *ends, len(values), NUMBER, interval=BOOTSTRAP)


def draw_hands(writer: Writer, labels: np.ndarray, noise: np.ndarray) -> Image.Image:
    """A row a hand, noise `(H, Z)`, and a column a character; many characters in several such blocks."""
    blocks = []
    for some in np.array_split(labels, -(-len(labels) // SHEET_COLUMNS)):
        glyphs = written(writer, np.repeat(noise, len(some), axis=0), np.tile(some, len(noise)))
        blocks.append(glyphs.reshape(len(noise), len(some), *glyphs.shape[1:]))
    widest = blocks[0].shape[1]
    missing = [[(0, 0), (0, widest - block.shape[1]), *[(0, 0)] * 3] for block in blocks]
    sheet = tile(np.concatenate([np.pad(*both) for both in zip(blocks, missing, strict=True)]))
    return enlarge(sheet, max(1, SHEET_WIDTH // sheet.shape[1]))

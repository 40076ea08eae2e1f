"""How well a model reads: how often it is right, how far its confidence can be believed, and what it refuses."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np

from config import IMAGE_SIZE, LOOK_ALIKES
from evaluation_data import Pictures
from evaluation_pictures import Bar, draw_class_bars, draw_confusion, draw_mistakes, draw_reliability, draw_robustness
from metrics import (
    SMALLEST_PROBABILITY,
    alike,
    bootstrap_interval,
    confusion,
    expected_calibration_error,
    mcnemar,
    negative_log_likelihood,
    reliability_curve,
)
from non_characters import CALIBRATED, non_characters
from readers import Reading, Recogniser
from report import NUMBER, SHARE, Measure, Section, resampled
from robustness import Attempt, Outcome, robustness
from shell import UserError, naming

RIGHT = "read right"
NON_CHARACTERS_EACH = 500  # of every kind, none of them among those that the calibration saw
CONFUSIONS_KEPT = 10  # on the card
MISTAKES_SHOWN = 24
FORGIVEN = {  # arguments of `alike`
    RIGHT: ((), False),
    f"{RIGHT} but for its case": ((), True),
    f"{RIGHT} but for its case or a look-alike": (LOOK_ALIKES, True),
}

Read = Callable[[np.ndarray, str | None], np.ndarray]
"""uint8 images `(N, S, S, 1)`, characters that may be read or None -> probabilities `(N, K)` over the alphabet."""


def reader_steps(
    reader: Recogniser, sets: Sequence[Pictures], seed: int, robustness_pictures: int
) -> list[Callable[[], Section]]:
    """What there is to measure of a reader, a section each."""
    hardest = hardest_of(sets)
    sample = hardest.spread(robustness_pictures)
    what, _ = mildest(reader.alphabet, sample)
    steps = []
    for pictures in sets:
        reading = cache(partial(reader.recognise, pictures.images))
        steps += [partial(reader_section, reader, reading, pictures, name, seed) for name in pictures.narrowings]
    return [
        *steps,
        partial(refusals, reader, hardest, seed),
        *robustness_steps(partial(read_outcome, reader, sample), what, sample, seed),
    ]


def reader_of(reader: Recogniser) -> Read:
    """The reader's probabilities alone."""
    return lambda images, allowed: reader.recognise(images, allowed).probabilities


def read_once(read: Read, alphabet: str, images: np.ndarray) -> Callable[[str | None], np.ndarray]:
    """What is read of pictures, by the characters that may be read; the network runs once for all of them."""
    everything = cache(partial(read, images, None))
    return lambda allowed: narrow(everything(), allowed, alphabet, images, read)


def narrow(probabilities: np.ndarray, allowed: str | None, alphabet: str, images: np.ndarray, read: Read) -> np.ndarray:
    """Probabilities `(N, K)` over the alphabet as those over some characters alone; None: all.

    Args:
        images, read: To read those again that leave to these characters less than float32 can tell from nothing.
    """
    if allowed is None:
        return probabilities
    kept = np.where([character in allowed for character in alphabet], probabilities, 0)
    sums = kept.sum(axis=1, keepdims=True)
    lost = np.flatnonzero(sums < SMALLEST_PROBABILITY)
    result = kept / np.maximum(sums, SMALLEST_PROBABILITY)
    if len(lost):
        result[lost] = read(images[lost], allowed)
    return result


def reader_section(
    reader: Recogniser, reading: Callable[[], Reading], pictures: Pictures, narrowing: str, seed: int
) -> Section:
    """What a reader makes of a set of pictures and, once for all narrowings, how many of them it refuses.

    Args:
        reading: Gives what is read of the set where all may be read.
    """
    allowed = pictures.narrowings[narrowing]
    read = narrow(reading().probabilities, allowed, reader.alphabet, pictures.images, reader_of(reader))
    section = reading_section(read, reader.alphabet, pictures, narrowing, seed)
    if narrowing != pictures.suiting:
        return section
    refused = {"refused as no character": Measure.counted(~reading().is_character, pictures.writers, seed)}
    return replace(section, measures=section.measures | refused, headline=(*section.headline, *refused))


def labels_on(alphabet: str, other: str) -> np.ndarray:
    """int `(L,)`: for each label of another alphabet the one on this, -1 where it is not on it."""
    return np.array([alphabet.find(character) for character in other])


def hardest_of(sets: Sequence[Pictures]) -> Pictures:
    """The set of the most different characters, and of those the largest: what a figure of the whole is taken on."""
    return max(sets, key=lambda pictures: (len(np.unique(pictures.labels)), len(pictures.labels)))


def ways_of_right(alphabet: str, allowed: str | None, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Ways to count a reading as right, the strictest first; a way that could forgive nothing more is left out.

    Args:
        allowed: Characters that may be read; None: all. labels: int `(N,)`, of the pictures.

    Returns:
        bool `(K, K)` of `alike`, by what it is called.
    """
    may = np.flatnonzero([allowed is None or character in allowed for character in alphabet])
    shown, ways, most = np.unique(labels), {}, 0
    for name, (groups, fold_case) in FORGIVEN.items():
        same = alike(alphabet, groups, fold_case)
        forgiving = np.count_nonzero(same[np.ix_(shown, may)])
        if forgiving > most:
            ways[name], most = same, forgiving
    return ways


def mildest(alphabet: str, pictures: Pictures) -> tuple[str, np.ndarray]:
    """The last of `ways_of_right` with the narrowing that suits the pictures: it forgives what nobody could tell."""
    return list(ways_of_right(alphabet, pictures.allowed, pictures.labels).items())[-1]


def read_outcome(reader: Recogniser, pictures: Pictures, images: np.ndarray) -> Outcome:
    """Which images are read as the pictures' labels, as far as anybody could, and which refused as no character."""
    reading = reader.recognise(images, pictures.allowed)
    _, same = mildest(reader.alphabet, pictures)
    return Outcome(same[reading.probabilities.argmax(axis=1), pictures.labels], ~reading.is_character)


def reading_section(probabilities: np.ndarray, alphabet: str, pictures: Pictures, narrowing: str, seed: int) -> Section:
    """What is read of a set of pictures; class by class and drawn, too, with the narrowing that suits them."""
    labels, writers = pictures.labels, pictures.writers
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    ways = ways_of_right(alphabet, pictures.narrowings[narrowing], labels)
    measures = {name: Measure.counted(same[predicted, labels], writers, seed) for name, same in ways.items()}
    nats = negative_log_likelihood(probabilities, labels)
    measures["negative log-likelihood"] = Measure.mean(nats, "nats", seed, writers=writers)
    measures["expected calibration error"] = calibration_error(confidence, predicted == labels, seed, writers)
    measures["mean confidence"] = Measure.mean(confidence.astype(float), SHARE, seed, writers=writers)
    section = Section(f"{pictures.name}, {narrowing} allowed", pictures.dataset, measures, tuple(ways),
                      note=interval_note(pictures))  # fmt: skip
    if narrowing != pictures.suiting:
        return section
    classes = {alphabet[label]: share_read_as(label, label, predicted, pictures, seed) for label in np.unique(labels)}
    return replace(section, classes=classes, confusions=most_confused(predicted, pictures, alphabet, seed),
                   drawings=drawings(pictures, probabilities, classes, alphabet))  # fmt: skip


def interval_note(pictures: Pictures) -> str:
    """A sentence on where intervals come from."""
    if resampled(pictures.writers)[0] is None:
        return "Intervals of shares are Wilson's, which take every picture as independent of the others."
    return (f"Intervals are bootstrapped over the {len(np.unique(pictures.writers)):,} writers; those of shares are "
            f"Wilson's where all draws agree.")  # fmt: skip


def share_read_as(row: int, column: int, predicted: np.ndarray, pictures: Pictures, seed: int) -> Measure:
    """How many of the pictures of one label were read as another, or as itself."""
    shown = pictures.labels == row
    writers = None if pictures.writers is None else pictures.writers[shown]
    return Measure.counted(predicted[shown] == column, writers, seed)


def calibration_error(
    confidence: np.ndarray, right: np.ndarray, seed: int, writers: np.ndarray | None = None
) -> Measure:
    """How far confidence and accuracy lie apart; noise can only raise it, which its interval takes off."""

    def error(chosen: np.ndarray) -> float:
        return expected_calibration_error(reliability_curve(confidence[chosen], right[chosen]))

    everyone = np.arange(len(right))
    value = error(everyone)
    if len(right) < 2:  # of one, nothing is known of others
        return Measure(value, None, None, len(right), SHARE)
    writers, interval = resampled(writers)
    low, high = bootstrap_interval(everyone, error, seed, basic=True, writers=writers)
    return Measure(value, min(low, value), min(max(high, value), 1.0), len(right), SHARE, interval=interval)


def most_confused(predicted: np.ndarray, pictures: Pictures, alphabet: str, seed: int) -> dict[str, Measure]:
    """The pairs most often confused, as shares of the right character's pictures."""
    counts = confusion(predicted, pictures.labels, len(alphabet))
    mistakes = counts * ~np.eye(len(counts), dtype=bool)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:CONFUSIONS_KEPT]
    pairs = [divmod(int(place), len(counts)) for place in order]
    return {
        f"{alphabet[row]} read as {alphabet[column]}": share_read_as(row, column, predicted, pictures, seed)
        for row, column in pairs
        if mistakes[row, column]
    }


def drawings(
    pictures: Pictures, probabilities: np.ndarray, classes: dict[str, Measure], alphabet: str
) -> dict[str, Callable]:
    """What draws a section's pictures, by their names; `classes` holds the share read right of each character."""
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    counts = confusion(predicted, pictures.labels, len(alphabet))
    seen = np.flatnonzero(counts.any(axis=0) | counts.any(axis=1))
    curve = reliability_curve(confidence, predicted == pictures.labels)
    made = {
        "confusion": partial(draw_confusion, counts[np.ix_(seen, seen)], "".join(alphabet[label] for label in seen)),
        "reliability": partial(draw_reliability, curve, expected_calibration_error(curve)),
        "classes": partial(
            draw_class_bars, [(character, one.value, one.low, one.high) for character, one in classes.items()]
        ),
    }
    _, same = mildest(alphabet, pictures)
    wrong = np.flatnonzero(~same[predicted, pictures.labels])
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:MISTAKES_SHOWN]
    if len(worst):
        captions = [f"{alphabet[pictures.labels[k]]} read as {alphabet[predicted[k]]} {confidence[k]:.0%}"
                    for k in worst]  # fmt: skip
        made["mistakes"] = partial(draw_mistakes, pictures.images[worst], captions)
    return {file_name(f"{pictures.name} {name}"): draw for name, draw in made.items()}


def file_name(words: str) -> str:
    """Words as a file's name, without a suffix."""
    return re.sub(r"[^\w.]+", "-", words)


def refusals(reader: Recogniser, ink: Pictures, seed: int) -> Section:
    """How often what is no character is refused; it is made of the ink of some that are."""
    with naming(ink.name):
        made = non_characters(ink.images, NON_CHARACTERS_EACH, seed, first=CALIBRATED)
    measures = {f"{kind} refused": Measure.counted(~reader.recognise(images).is_character, None, seed)
                for kind, images in made.items()}  # fmt: skip
    return Section(f"non-characters made of {ink.name}", ink.dataset, measures, tuple(measures))


def unmeasured(name: str, pictures: Pictures, reason: str) -> Section:
    """What stands in for a section that cannot be."""
    return Section(name, pictures.dataset, {}, note=f"Not measured: {reason}")


def robustness_steps(attempt: Attempt, what: str, pictures: Pictures, seed: int) -> list[Callable[[], Section]]:
    """The robustness suite, or why it is left out, which takes pictures of the size that it corrupts."""
    if pictures.images.shape[1] != IMAGE_SIZE:
        reason = f"it takes pictures of {IMAGE_SIZE} pixels."
        return [partial(unmeasured, f"robustness: {pictures.name}", pictures, reason)]
    return [partial(robustness_section, attempt, what, pictures, seed)]


def robustness_section(attempt: Attempt, what: str, pictures: Pictures, seed: int) -> Section:
    """What each corruption leaves right; `what` says in words what counts as such."""
    outcomes = robustness(pictures.images, attempt, seed)
    measures = {name: Measure.counted(one.right, pictures.writers, seed, refused=one.refused)
                for name, one in outcomes.items()}  # fmt: skip
    bars = [Bar(one.value, one.low, one.high) for one in measures.values()]
    drawn = {"robustness": partial(draw_robustness, list(measures), bars, what)}
    note = (f"Counted: {what}. Every picture is framed as a user's is; one that cannot be framed counts as wrong and "
            f"refused. A picture that is refused as no character still counts as right "
            f"where the character was read right. {interval_note(pictures)}")  # fmt: skip
    return Section(f"robustness: {pictures.name}, {pictures.suiting} allowed", pictures.dataset, measures,
                   tuple(measures), drawings=drawn, note=note)  # fmt: skip


def comparison_steps(
    names: Sequence[str], reads: Sequence[Read], alphabets: Sequence[str], sets: Sequence[Pictures], seed: int
) -> list[Callable[[], Section]]:
    """Two readers on the same pictures, wherever both may read the same characters.

    Args:
        names, reads, alphabets: Of the two; the sets are labelled on the first alphabet.

    Raises:
        UserError: There is no such narrowing.
    """
    ours, theirs = alphabets
    steps = []
    for pictures in sets:
        once = [read_once(read, alphabet, pictures.images) for read, alphabet in zip(reads, alphabets, strict=True)]
        common = [name for name, allowed in pictures.narrowings.items() if set(allowed or ours) <= set(theirs)]
        steps += [partial(comparison, names, once, alphabets, pictures, name, seed) for name in common]
    if not steps:
        raise UserError(f"{names[0]} and {names[1]}: expected two models that read the same characters, received "
                        f"{ours!r} and {theirs!r}; choose another --against or --alphabet")  # fmt: skip
    return steps


def comparison(names: Sequence[str], once: Sequence[Callable[[str | None], np.ndarray]], alphabets: Sequence[str],
               pictures: Pictures, narrowing: str, seed: int) -> Section:  # fmt: skip
    """How two readers differ on the same pictures, by McNemar's test; `once` is what `read_once` made of each."""
    allowed = pictures.narrowings[narrowing] or alphabets[0]
    first, second = (
        labels_on(alphabets[0], alphabet)[read(allowed).argmax(axis=1)] == pictures.labels
        for read, alphabet in zip(once, alphabets, strict=True)
    )
    counted = {
        f"{names[0]}: {RIGHT}": first,
        f"{names[1]}: {RIGHT}": second,
        f"{names[0]} alone right": first & ~second,
        f"{names[1]} alone right": second & ~first,
    }
    measures = {what: Measure.counted(one, pictures.writers, seed) for what, one in counted.items()}
    measures["McNemar's p"] = Measure(mcnemar(first, second).p, None, None, len(pictures.labels), NUMBER)
    note = ("McNemar's p is exact if the pictures are independent. Those of one writer are not: where writers wrote "
            f"many, p is too small. {interval_note(pictures)}")  # fmt: skip
    return Section(f"{names[0]} against {names[1]}: {pictures.name}, {narrowing} allowed", pictures.dataset, measures,
                   note=note)  # fmt: skip

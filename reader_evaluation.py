"""How well a model reads: how often it is right, how far its confidence can be believed, and what it refuses."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from config import IMAGE_SIZE, LOOK_ALIKES
from evaluation_data import Pictures
from evaluation_pictures import draw_class_bars, draw_confusion, draw_mistakes, draw_reliability, draw_robustness
from metrics import (
    Share,
    accuracy,
    alike,
    bootstrap_interval,
    class_accuracies,
    confusion,
    expected_calibration_error,
    mcnemar,
    negative_log_likelihood,
    reliability_curve,
)
from non_characters import non_characters
from report import NUMBER, SHARE, Measure, Section
from robustness import robustness
from runtime import Recogniser
from shell import UserError

RIGHT = "read right"
NON_CHARACTERS_EACH = 500  # of every kind
CONFUSIONS_KEPT = 10  # on the card
MISTAKES_SHOWN = 24
FORGIVEN = {  # arguments of `alike`
    RIGHT: ((), False),
    f"{RIGHT} but for its case": ((), True),
    f"{RIGHT} but for its case or a look-alike": (LOOK_ALIKES, True),
}

Read = Callable[[np.ndarray, str | None], np.ndarray]
"""uint8 images `(N, S, S, 1)`, characters that may be read or None -> probabilities `(N, K)` over the alphabet."""

Right = Callable[[np.ndarray], np.ndarray]
"""What came of a set's pictures, uint8 `(N, S, S, 1)` -> which of them are read or set right, bool `(N,)`."""


def reader_steps(
    reader: Recogniser, sets: Sequence[Pictures], seed: int, robustness_pictures: int
) -> list[Callable[[], Section]]:
    """What there is to measure of a reader, a section each."""
    hardest = hardest_of(sets)
    sample = hardest.spread(robustness_pictures)
    right = partial(read_right, reader_of(reader), reader.alphabet, sample)
    what, _ = mildest(reader.alphabet, sample)
    return [
        *(partial(reader_section, reader, *one, seed) for one in narrowed(sets)),
        partial(refusals, reader, hardest, seed),
        *robustness_steps(right, what, sample, seed),
    ]


def reader_of(reader: Recogniser) -> Read:
    """The reader's probabilities alone."""
    return lambda images, allowed: reader.recognise(images, allowed).probabilities


def reader_section(reader: Recogniser, pictures: Pictures, narrowing: str, seed: int) -> Section:
    """What a reader makes of a set of pictures and, once for all narrowings, how many of them it refuses."""
    reading = reader.recognise(pictures.images, pictures.narrowings[narrowing])
    section = reading_section(reading.probabilities, reader.alphabet, pictures, narrowing, seed)
    if narrowing != pictures.suiting:
        return section
    refused = {"refused as no character": Measure.of(Share.of(~reading.is_character))}
    return replace(section, measures=section.measures | refused, headline=(*section.headline, *refused))


def labels_on(alphabet: str, other: str) -> np.ndarray:
    """int `(L,)`: for each label of another alphabet the one on this, -1 where it is not on it."""
    return np.array([alphabet.find(character) for character in other])


def narrowed(sets: Sequence[Pictures]) -> list[tuple[Pictures, str]]:
    """Each set with each narrowing of what may be read."""
    return [(pictures, narrowing) for pictures in sets for narrowing in pictures.narrowings]


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


def read_right(read: Read, alphabet: str, pictures: Pictures, images: np.ndarray) -> np.ndarray:
    """Which images are read as the pictures' labels, as far as anybody could, bool `(N,)`."""
    _, same = mildest(alphabet, pictures)
    return same[read(images, pictures.allowed).argmax(axis=1), pictures.labels]


def reading_section(probabilities: np.ndarray, alphabet: str, pictures: Pictures, narrowing: str, seed: int) -> Section:
    """What is read of a set of pictures; class by class and drawn, too, with the narrowing that suits them."""
    allowed, labels = pictures.narrowings[narrowing], pictures.labels
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    ways = ways_of_right(alphabet, allowed, labels)
    measures = {name: Measure.of(accuracy(predicted, labels, same)) for name, same in ways.items()}
    measures["negative log-likelihood"] = Measure.mean(negative_log_likelihood(probabilities, labels), "nats", seed)
    measures["expected calibration error"] = calibration_error(confidence, predicted == labels, seed)
    measures["mean confidence"] = Measure.mean(confidence.astype(float), SHARE, seed)
    section = Section(f"{pictures.name}, {narrowing} allowed", pictures.dataset, measures, tuple(ways))
    if narrowing != pictures.suiting:
        return section
    counts = confusion(predicted, labels, len(alphabet))
    classes = {character: Measure.of(share)
               for character, share in zip(alphabet, class_accuracies(counts), strict=True) if share.count}  # fmt: skip
    drawn = drawings(pictures, probabilities, counts, alphabet)
    return replace(section, classes=classes, confusions=most_confused(counts, alphabet), drawings=drawn)


def calibration_error(confidence: np.ndarray, right: np.ndarray, seed: int) -> Measure:
    """How far confidence and accuracy lie apart; noise can only raise it, so that its interval is an upper bound."""

    def error(chosen: np.ndarray) -> float:
        return expected_calibration_error(reliability_curve(confidence[chosen], right[chosen]))

    everyone = np.arange(len(right))
    value = error(everyone)
    low, high = bootstrap_interval(everyone, error, seed)
    return Measure(value, min(low, value), max(high, value), len(right), SHARE)


def most_confused(counts: np.ndarray, alphabet: str) -> dict[str, Measure]:
    """The pairs most often confused, from int `(K, K)` of `confusion`: shares of the right character's pictures."""
    mistakes = counts * ~np.eye(len(counts), dtype=bool)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:CONFUSIONS_KEPT]
    pairs = [divmod(int(place), len(counts)) for place in order]
    return {
        f"{alphabet[row]} read as {alphabet[column]}": Measure.of(
            Share(int(mistakes[row, column]), int(counts[row].sum()))
        )
        for row, column in pairs
        if mistakes[row, column]
    }


def drawings(pictures: Pictures, probabilities: np.ndarray, counts: np.ndarray, alphabet: str) -> dict[str, Callable]:
    """What draws a section's pictures, by their names; `counts` is int `(K, K)` of `confusion`."""
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    seen = np.flatnonzero(counts.any(axis=0) | counts.any(axis=1))
    curve = reliability_curve(confidence, predicted == pictures.labels)
    shares = zip(alphabet, class_accuracies(counts), strict=True)
    made = {
        "confusion": partial(draw_confusion, counts[np.ix_(seen, seen)], "".join(alphabet[label] for label in seen)),
        "reliability": partial(draw_reliability, curve, expected_calibration_error(curve)),
        "classes": partial(draw_class_bars, [(character, one.share, one.low, one.high) for character, one in shares]),
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
    made = non_characters(ink.images, NON_CHARACTERS_EACH, seed)
    measures = {f"{kind} refused": Measure.of(Share.of(~reader.recognise(images).is_character))
                for kind, images in made.items()}  # fmt: skip
    return Section(f"non-characters made of {ink.name}", ink.dataset, measures, tuple(measures))


def robustness_steps(right: Right, what: str, pictures: Pictures, seed: int) -> list[Callable[[], Section]]:
    """The robustness suite, where the pictures are of the size that it corrupts."""
    fits = pictures.images.shape[1] == IMAGE_SIZE
    return [partial(robustness_section, right, what, pictures, seed)] if fits else []


def robustness_section(right: Right, what: str, pictures: Pictures, seed: int) -> Section:
    """What each corruption leaves right; `what` says in words what `right` counts."""
    shares = robustness(pictures.images, right, seed)
    measures = {name: Measure.of(share) for name, share in shares.items()}
    drawn = {"robustness": partial(draw_robustness, list(shares), list(shares.values()))}
    note = f"Counted: {what}. Every picture is framed as a user's is; one that cannot be framed counts as wrong."
    return Section(f"robustness: {pictures.name}, {pictures.suiting} allowed", pictures.dataset, measures,
                   tuple(measures), drawings=drawn, note=note)  # fmt: skip


def comparison_steps(
    names: Sequence[str], reads: Sequence[Read], alphabets: Sequence[str], sets: Sequence[Pictures]
) -> list[Callable[[], Section]]:
    """Two readers on the same pictures, wherever both may read the same characters.

    Args:
        names, reads, alphabets: Of the two; the sets are labelled on the first alphabet.

    Raises:
        UserError: There is no such narrowing.
    """
    ours, theirs = alphabets
    steps = [
        partial(comparison, names, reads, alphabets, pictures, narrowing)
        for pictures, narrowing in narrowed(sets)
        if set(pictures.narrowings[narrowing] or ours) <= set(theirs)
    ]
    if not steps:
        raise UserError(f"{names[0]} and {names[1]}: expected two models that read the same characters, received "
                        f"{ours!r} and {theirs!r}; choose another --against or --alphabet")  # fmt: skip
    return steps


def comparison(
    names: Sequence[str], reads: Sequence[Read], alphabets: Sequence[str], pictures: Pictures, narrowing: str
) -> Section:
    """How two readers differ on the same pictures, by McNemar's test."""
    allowed = pictures.narrowings[narrowing] or alphabets[0]
    right = []
    for read, alphabet in zip(reads, alphabets, strict=True):
        label_of = labels_on(alphabets[0], alphabet)
        right.append(label_of[read(pictures.images, allowed).argmax(axis=1)] == pictures.labels)
    result, count = mcnemar(*right), len(pictures.labels)
    measures = {f"{name}: {RIGHT}": Measure.of(Share.of(one)) for name, one in zip(names, right, strict=True)}
    measures[f"{names[0]} alone right"] = Measure.of(Share(result.first_only, count))
    measures[f"{names[1]} alone right"] = Measure.of(Share(result.second_only, count))
    measures["McNemar's p"] = Measure(result.p, None, None, count, NUMBER)
    return Section(f"{names[0]} against {names[1]}: {pictures.name}, {narrowing} allowed", pictures.dataset, measures)

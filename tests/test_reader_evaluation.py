"""What is counted of a reader, held against readers whose faults are known."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import ALNUM, ASCII, DIGITS
from evaluation_data import ALL, Pictures
from non_characters import CALIBRATED, non_characters
from reader_evaluation import (
    MISTAKES_SHOWN,
    RIGHT,
    calibration_error,
    comparison_steps,
    hardest_of,
    most_confused,
    narrow,
    read_once,
    read_outcome,
    reader_section,
    reader_steps,
    reading_section,
    refusals,
    ways_of_right,
)
from shell import UserError

CASE, ALIKE = f"{RIGHT} but for its case", f"{RIGHT} but for its case or a look-alike"


def labels_of(characters: str, alphabet: str = ASCII) -> np.ndarray:
    return np.array([alphabet.index(character) for character in characters])


def shown(characters: str, alphabet: str, allowed: str | None = None, kind="set", dataset="") -> Pictures:
    """Pictures whose first pixel tells their label."""
    labels = labels_of(characters, alphabet)
    images = np.zeros((len(labels), 28, 28, 1), np.uint8)
    images[:, 0, 0, 0] = labels
    images[:, 6:22, 12:16] = 255
    return Pictures(dataset, kind, images, labels, {kind: allowed})


class Reader:
    """Reads the first pixel, but what `mistakes` says otherwise; refuses what is not framed so."""

    def __init__(self, alphabet: str, sure=0.9, **mistakes: str):
        self.alphabet, self.sure, self.mistakes = alphabet, sure, mistakes
        self.card, self.runs = {"name": "reader"}, 0

    def recognise(self, images: np.ndarray, allowed: str | None = None) -> SimpleNamespace:
        self.runs += 1
        told = images[:, 0, 0, 0].astype(int) % len(self.alphabet)
        read = [self.alphabet.index(self.mistakes.get(self.alphabet[label], self.alphabet[label])) for label in told]
        rest = (1 - self.sure) / (len(self.alphabet) - 1)
        probabilities = np.where(np.eye(len(self.alphabet))[read] > 0, self.sure, rest)
        return SimpleNamespace(probabilities=probabilities, is_character=images[:, 14, 14, 0] == 255)


def section_of(reader: Reader, pictures: Pictures):
    return reading_section(reader.recognise(pictures.images).probabilities, reader.alphabet, pictures, pictures.kind, 0)


@pytest.mark.parametrize(
    ("characters", "allowed", "ways"),
    [
        ("019", DIGITS, [RIGHT]),
        ("019", None, [RIGHT, ALIKE]),
        ("aS3", ALNUM, [RIGHT, CASE, ALIKE]),
        ("ab", "abAB", [RIGHT, CASE]),
        ("ab", "ab", [RIGHT]),
        ("?!", None, [RIGHT]),
        (".,", None, [RIGHT, ALIKE]),
    ],
)
def test_what_could_not_be_forgiven_is_not_listed(characters, allowed, ways):
    assert list(ways_of_right(ASCII, allowed, labels_of(characters))) == ways


def test_readings_are_counted_ever_more_mildly():
    section = section_of(Reader(ASCII, a="A", O="0", x="y"), shown("aOxb", ASCII))
    hits = {name: measure.value * 4 for name, measure in section.measures.items() if name.startswith(RIGHT)}
    assert hits == pytest.approx({RIGHT: 1, CASE: 2, ALIKE: 3})
    assert section.headline == (RIGHT, CASE, ALIKE)


def test_confidence_is_measured_beside_what_is_right():
    section = section_of(Reader(DIGITS, sure=0.75), shown("0123456789" * 5, DIGITS, DIGITS))
    assert section.measures["mean confidence"].value == pytest.approx(0.75)
    assert section.measures["expected calibration error"].value == pytest.approx(0.25)
    assert section.measures["negative log-likelihood"].value == pytest.approx(-np.log(0.75))
    assert section.measures["negative log-likelihood"].unit == "nats"
    assert {measure.count for measure in section.measures.values()} == {50}


def test_classes_and_confusions_are_counted():
    section = section_of(Reader(DIGITS, **{"3": "5", "7": "1"}), shown("3337012", DIGITS, DIGITS))
    assert {name: measure.value for name, measure in section.classes.items()} == dict(
        zip("01237", (1, 1, 1, 0, 0), strict=True)
    )
    assert [(name, measure.value, measure.count) for name, measure in section.confusions.items()] == [
        ("3 read as 5", 1.0, 3),
        ("7 read as 1", 1.0, 1),
    ]


def test_the_most_frequent_confusion_comes_first():
    found = most_confused(np.array([1, 1, 2, 0, 0]), shown("aaaba", "abc"), "abc", 0)
    assert list(found) == ["a read as b", "a read as c", "b read as a"]


def test_intervals_are_over_writers_where_they_are_known_and_a_note_says_so():
    alone = shown("01230123" * 4, DIGITS, DIGITS)
    written = alone._replace(writers=np.arange(32) // 8)
    alone, written = (section_of(Reader(DIGITS, **{"3": "5"}), pictures) for pictures in (alone, written))
    assert (alone.measures[RIGHT].interval, written.measures[RIGHT].interval) == ("wilson", "wilson")  # all write alike
    assert "Wilson's, which" in alone.note and "over the 4 writers" in written.note
    by_hand = shown("01233333", DIGITS, DIGITS)._replace(writers=np.repeat([7, 8], 4))
    section = section_of(Reader(DIGITS, **{"3": "5"}), by_hand)
    assert section.measures[RIGHT].interval == "writers"
    assert section.measures["mean confidence"].interval == "writers"
    alone = section_of(Reader(DIGITS), by_hand._replace(writers=np.full(8, 7)))
    assert alone.measures["mean confidence"].interval == "bootstrap"  # one writer tells nothing of others
    assert "Wilson's, which" in alone.note


@given(st.integers(0, 5))
def test_what_is_allowed_shares_all_probability(seed):
    given = np.random.default_rng(seed).dirichlet(np.ones(4), 6)
    narrowed = narrow(given, "bd", "abcd", np.zeros((6, 1, 1, 1)), None)
    np.testing.assert_allclose(narrowed[:, [1, 3]], given[:, [1, 3]] / given[:, [1, 3]].sum(axis=1, keepdims=True))
    assert not narrowed[:, [0, 2]].any()


def test_what_leaves_nothing_to_the_allowed_is_read_again():
    given, images = np.eye(3)[[0, 1]], np.arange(2)[:, None]
    narrowed = narrow(given, "b", "abc", images, lambda again, allowed: np.float64([[0, 1, 0]]) * (again == 0))
    assert narrowed.tolist() == [[0, 1, 0], [0, 1, 0]]


def test_a_set_is_read_once_whatever_is_allowed():
    reader, pictures = Reader(ASCII), shown("012", ASCII)._replace(narrowings={"digits": DIGITS, ALL: None})
    steps = reader_steps(reader, [pictures], 0, 3)[:2]
    sections = [step() for step in steps]
    assert reader.runs == 1
    assert sections[0].measures["mean confidence"].value > sections[1].measures["mean confidence"].value
    once = read_once(lambda images, allowed: reader.recognise(images).probabilities, ASCII, pictures.images)
    assert [once(allowed).argmax(axis=1).tolist() for allowed in (None, DIGITS)] == [[0, 1, 2]] * 2
    assert reader.runs == 2


def test_only_the_suiting_narrowing_is_told_class_by_class_and_drawn():
    pictures = shown("012", ASCII)._replace(narrowings={"digits": DIGITS, ALL: None})
    probabilities = Reader(ASCII).recognise(pictures.images).probabilities
    suiting, every = (reading_section(probabilities, ASCII, pictures, name, 0) for name in ("digits", ALL))
    assert suiting.classes and suiting.drawings
    assert not every.classes and not every.drawings


def test_mistakes_are_drawn_where_there_are_some_the_surest_first():
    faultless = section_of(Reader(DIGITS), shown("012", DIGITS, DIGITS, "digits"))
    assert list(faultless.drawings) == ["-digits-confusion", "-digits-reliability", "-digits-classes"]
    mistaken = section_of(Reader(DIGITS, **{"3": "5"}), shown("3" * 40, DIGITS, DIGITS, "digits"))
    images, captions = mistaken.drawings["-digits-mistakes"].args
    assert len(images) == len(captions) == MISTAKES_SHOWN
    assert captions[0] == "3 read as 5 90%"


def test_a_look_alike_is_no_mistake_worth_a_picture():
    section = section_of(Reader(ASCII, O="0"), shown("OOO1", ASCII))
    assert not any(name.endswith("mistakes") for name in section.drawings)
    assert section.measures[RIGHT].value == 0.25


def test_refused_characters_are_counted():
    pictures = shown("01234567", DIGITS, DIGITS)
    pictures.images[:2, 14, 14] = 0
    reader = Reader(DIGITS)
    section = reader_section(reader, lambda: reader.recognise(pictures.images), pictures, "set", 0)
    assert section.measures["refused as no character"].value == 0.25


def test_non_characters_are_counted_by_kind(monkeypatch):
    blots, inks = np.zeros((4, 28, 28, 1), np.uint8), shown("0123", DIGITS).images
    made = {"blot": blots, "ink": inks, "both": np.concatenate([blots[:3], inks[:1]])}
    monkeypatch.setattr("reader_evaluation.non_characters", lambda *args, first: made if first == CALIBRATED else {})
    section = refusals(Reader(DIGITS), shown("0123", DIGITS, DIGITS), 0)
    found = {kind: (measure.value, measure.count) for kind, measure in section.measures.items()}
    assert found == {"blot refused": (1, 4), "ink refused": (0, 4), "both refused": (0.75, 4)}


def test_every_kind_of_non_character_is_told(monkeypatch):
    monkeypatch.setattr("reader_evaluation.NON_CHARACTERS_EACH", 2)
    ink = shown("0123", DIGITS, DIGITS)
    told = refusals(Reader(DIGITS), ink, 0).measures
    assert list(told) == [f"{kind} refused" for kind in non_characters(ink.images, 1)] and "photograph refused" in told


@settings(max_examples=15)
@given(st.integers(0, 5), st.floats(0.5, 1.0))
def test_the_calibration_error_lies_in_its_interval(hits, sure):
    right = np.arange(6) < hits
    measure = calibration_error(np.full(6, sure), right, seed=0)
    assert 0 <= measure.low <= measure.value <= measure.high <= 1
    assert measure.value == pytest.approx(abs(hits / 6 - sure))


def test_the_hardest_set_has_the_most_characters_then_the_most_pictures():
    few, many, more = shown("00000", ASCII), shown("0123", ASCII), shown("01233", ASCII)
    assert hardest_of([few, more, many]) is more


def test_robustness_counts_what_is_read_right_as_far_as_anybody_could():
    pictures = shown("aOxb", ASCII)
    pictures.images[3, 14, 14] = 0
    outcome = read_outcome(Reader(ASCII, a="A", O="0", x="y"), pictures, pictures.images)
    assert outcome.right.tolist() == [True, True, False, True]
    assert outcome.refused.tolist() == [False, False, False, True]


def test_robustness_is_left_out_where_pictures_are_of_another_size():
    small = shown("01", DIGITS, DIGITS)
    large = small._replace(images=np.zeros((2, 64, 64, 1), np.uint8))
    assert len(reader_steps(Reader(DIGITS), [small], 0, 5)) == 3
    *_, left_out = reader_steps(Reader(DIGITS), [large], 0, 5)
    assert left_out().note == "Not measured: it takes pictures of 28 pixels."


def compared(first: Reader, second: Reader, pictures: Pictures):
    reads = [lambda images, allowed, one=one: one.recognise(images).probabilities for one in (first, second)]
    return comparison_steps(("A", "B"), reads, (first.alphabet, second.alphabet), [pictures], 0)


def test_two_readers_are_compared_on_the_same_pictures():
    first, second = Reader(DIGITS, **{"1": "7"}), Reader(DIGITS, **{"2": "3"})
    (step,) = compared(first, second, shown("1222222", DIGITS, DIGITS))
    section = step()
    measures = section.measures
    assert "independent" in section.note
    assert [round(7 * measures[f"{name} alone right"].value) for name in "AB"] == [6, 1]
    assert measures["McNemar's p"].value == pytest.approx(2 * (1 + 7) / 2**7)


def test_readers_of_other_alphabets_are_compared_where_they_read_the_same():
    first = Reader("abc")
    second = SimpleNamespace(alphabet="xcba", recognise=lambda images: SimpleNamespace(
        probabilities=np.eye(4)[[3, 2, 1]]))  # fmt: skip
    (step,) = compared(first, second, shown("abc", "abc"))
    assert {measure.value for name, measure in step().measures.items() if RIGHT in name} == {1.0}


def test_readers_without_a_common_alphabet_are_named():
    with pytest.raises(UserError, match=r"A and B.*'abc' and 'abd'"):
        compared(Reader("abc"), Reader("abd"), shown("ab", "abc"))

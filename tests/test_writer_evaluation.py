"""What is said of a writer, of writers that are so simple that it is known beforehand."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from toy_writers import SIDE, Judge, Toy, columns, flat, pictures, untrained

import evaluation_samples
from config import ASCII, DIGITS
from evaluation_data import Pictures, by_dataset, joined, training_pictures
from evaluation_samples import Maker, Trial, maker_of, samples
from feature_distances import frechet
from metrics import wilson
from readers import Reading
from report import DISCOUNTED
from runtime import TrainedModel
from writer_evaluation import (
    LEFT_OUT,
    Extent,
    copying,
    distances,
    draw_hands,
    legibility,
    main_data,
    one_hand,
    teaching,
    writer_steps,
)

EXTENT = Extent(likelihood_pictures=12, importance_samples=5, samples=60, lessons=60, hands=20)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("metrics.RESAMPLES", 40)
    monkeypatch.setattr("writer_evaluation.train_on_synthetic_test_on_real", untrained)


def maker(*args, **settings) -> Maker:
    """A toy writer as what draws of noise."""
    return maker_of(Toy(*args, **settings))


def test_drawn_pictures_are_no_regular_sample():
    ordered = pictures(100)._replace(labels=np.arange(100))
    some = ordered.drawn(50, 0).labels
    assert len(set(some.tolist())) == 50
    assert 10 < (some % 2).sum() < 40
    np.testing.assert_array_equal(ordered.drawn(50, 0).labels, some)
    np.testing.assert_array_equal(ordered.drawn(100, 0).labels, ordered.labels)


def test_classes_keep_their_share_of_the_pictures_measured():
    labels = np.repeat([0, 1, 0], [30, 20, 50])
    some = pictures(100)._replace(labels=labels).stratified(20)
    assert np.bincount(some.labels).tolist() == [16, 4]


def test_sample_k_is_the_same_however_many_there_are(monkeypatch):
    toy, labels = maker(partial(columns, lean=0.3)), np.arange(30) % 4
    whole = samples(toy, labels, 0)
    assert whole.dtype == np.uint8
    monkeypatch.setattr(evaluation_samples, "BLOCK", 7)
    np.testing.assert_array_equal(samples(toy, labels[:11], 0), whole[:11])
    assert (samples(toy, labels, 1) != whole).any()


def test_what_the_judge_cannot_read_is_counted_and_named():
    section = legibility(maker(), Judge(blind=2), pictures(), 30, 0)
    measures = {name: measure.value for name, measure in section.measures.items()}
    assert measures == {
        "read right by judge-toy": 0.75,
        "worst character, read right by judge-toy": 0,
        "real pictures, read right by judge-toy": pytest.approx(0.75),
    }
    assert section.headline == tuple(measures)[:2]
    assert {name: one.value for name, one in section.classes.items()} == {"0": 1, "1": 1, "2": 0, "3": 1}
    assert section.measures["read right by judge-toy"].count == 120
    assert "The worst is 2." in section.note and "2 read as 0" in section.confusions
    assert {"toys-digits-classes", "toys-digits-mistakes"} <= set(section.drawings)


def test_letters_are_forgiven_their_case_and_look_alikes_one_after_the_other():
    letters = pictures(alphabet="Oo0b")._replace(narrowings={"letters and digits": None})
    names = list(legibility(maker(alphabet="Oo0b"), Judge("Oo0b"), letters, 5, 0).measures)
    assert [name for name in names if name.startswith("read")] == [
        "read right by judge-toy",
        "read right but for its case by judge-toy",
        "read right but for its case or a look-alike by judge-toy",
    ]


def test_a_judge_of_more_characters_in_another_order_is_understood():
    class Wide(Judge):
        def recognise(self, images, allowed=None):
            read = super().recognise(images)
            order = [1, 0, 2, 3]  # of "0123" on "1023x"
            wide = np.pad(read.probabilities[:, order], ((0, 0), (0, 1)))
            return Reading(wide, read.evidence, read.is_character, read.features)

    judge = Wide()
    section = legibility(maker(), SimpleNamespace(folder=judge.folder, alphabet="1023x", recognise=judge.recognise),
                         pictures(), 5, 0)  # fmt: skip
    assert section.measures["read right by judge-toy"].value == 1


def test_distances_stand_beside_those_of_real_pictures():
    real = pictures(300, 1)
    near, far = (Trial(maker(draw), Judge(), pictures(), 60, 0) for draw in (partial(columns, lean=0.1), flat(0.5)))
    section = distances(near, lambda: real)
    near = {name: measure.value for name, measure in section.measures.items()}
    far = distances(far, lambda: real).measures
    assert far["Frechet distance"].value > 100 * near["Frechet distance"]
    assert near["Frechet distance over that of real"] == pytest.approx(
        near["Frechet distance"] / near["Frechet distance of real pictures"]
    )
    assert far["precision"].value == far["coverage"].value == 0 < near["coverage"]
    assert {name.removesuffix(" of real pictures") for name in near if name.endswith("pictures")} == {
        *("Frechet distance", "kernel distance", "precision", "recall", "coverage", "density")
    }
    assert section.measures["coverage"].count == 60 and "judge-toy" in section.note
    assert far["coverage of real pictures"].value == near["coverage of real pictures"] > 0.5
    alike = distances(Trial(maker(columns), Judge(), pictures(), 60, 0), lambda: real).measures
    assert alike["precision"].value > 0.2 and alike["recall"].value == 0
    assert section.headline[-2:] == ("coverage", "coverage of real pictures")


def test_whoever_draws_what_was_asked_is_held_against_as_many_real_pictures_of_each_class(monkeypatch):
    def recording(*given):
        classes.append(given[-1])
        return frechet(*given)

    class Counting(Judge):
        def recognise(self, images, allowed=None):
            read = super().recognise(images, allowed)
            counted.append(np.bincount(read.probabilities.argmax(axis=1), minlength=4).tolist())
            return read

    test = pictures(100)
    test = test.samples(np.repeat(np.arange(4), [25, 15, 10, 5]), 1, 0)[0]
    trial, counted = Trial(maker(partial(columns, lean=0.1)), Counting(), test, 60, 0), []
    classes = []
    monkeypatch.setattr("writer_evaluation.frechet", recording)
    distances(trial, lambda: pictures(400, 1))
    assert counted == [[25, 15, 10, 5]] * 5  # three samples of training pictures, what was made and the test
    counted.clear()
    distances(replace(trial), lambda: pictures(400, 1), told=False)
    assert [sum(one) for one in counted] == [55] * 5 and counted[0] != counted[1]
    np.testing.assert_array_equal(classes[0], test.labels)  # left out class by class
    assert classes[1] is None  # and at random
    few = pictures(400, 1)
    few = few._take(np.flatnonzero((few.labels > 0) | (np.arange(400) < 60)))
    assert "as many training pictures of every character" in distances(trial, lambda: few).note


def test_samples_share_no_picture_and_have_the_classes_asked_for():
    known = pictures(100)._replace(writers=np.arange(100))
    samples_of = known.samples(np.array([3, 3, 0, 1, 3]), 9, 0)
    assert len(samples_of) == 8  # 25 pictures of each class, three wanted of one
    assert all(one.labels.tolist() == [3, 3, 0, 1, 3] for one in samples_of)
    writers = np.concatenate([one.writers for one in samples_of])
    assert len(set(writers.tolist())) == 40
    assert all((one.labels == one.writers % 4).all() for one in samples_of)
    assert known.samples(np.zeros(26, int), 3, 0) == []
    apart = known.drawn_apart(30, 9, 0)
    assert len(apart) == 3 and len({w for one in apart for w in one.writers.tolist()}) == 90


def test_pictures_that_are_all_alike_are_no_measure():
    same = pictures(400, alphabet="0")._replace(images=np.zeros((400, SIDE, SIDE, 1), np.uint8))
    section = distances(Trial(maker(), Judge(), same.spread(60), 60, 0), lambda: same)
    assert not section.measures and "training and test pictures are the same" in section.note


@pytest.mark.parametrize("each", [15, 50])
def test_one_picture_a_class_over_and_over_is_no_measure(each):
    labels = np.tile(np.arange(4), 4 * each)
    same = pictures(len(labels))._replace(images=pictures(4).images[labels], labels=labels)
    section = distances(Trial(maker(), Judge(), same.spread(4 * each), 4 * each, 0), lambda: same)
    assert not section.measures and "training and test pictures are the same" in section.note


@pytest.mark.parametrize("real", [None, pictures(30, 1)])
def test_distances_of_too_few_pictures_are_not_told(real):
    section = distances(Trial(maker(), Judge(), pictures(), 60, 0), lambda: real)
    assert not section.measures and section.note.startswith("Not measured: ")


def test_samples_are_drawn_and_read_once_whoever_asks():
    drawn, read = [], []

    def draw(styles, labels):
        drawn.append(len(labels))
        return columns(styles, labels)

    class Counting(Judge):
        def recognise(self, images, allowed=None):
            read.append(len(images))
            return super().recognise(images, allowed)

    trial = Trial(maker(draw), Counting(), pictures(), 60, 0)
    assert trial.made is trial.made and trial.readings is trial.readings
    assert (drawn, read) == ([60], [60, 60])
    assert trial.made.labels.tolist() == trial.test.labels.tolist()
    np.testing.assert_array_equal(trial.made.images, samples(maker(), trial.test.labels, 0))


def test_a_small_training_part_is_held_against_as_many_samples_as_it_allows():
    trial, real = Trial(maker(partial(columns, lean=0.1)), Judge(), pictures(), 60, 0), pictures(50, 1)
    measures = distances(trial, lambda: real).measures
    assert measures == distances(replace(trial, count=25), lambda: real).measures
    assert measures["coverage"].count == 25


def test_samples_that_teach_nothing_teach_less():
    real = pictures(300, 1)
    good, poor = (teaching(maker(draw), pictures(), lambda: real, 200, 0) for draw in (columns, flat(0.5)))
    assert list(good.measures) == [f"read right, trained on 200 {kind} pictures" for kind in ("synthetic", "real")]
    (good_share, real_share), (poor_share, _) = ([one.value for one in section.measures.values()]
                                                 for section in (good, poor))  # fmt: skip
    assert good_share > 0.9 and real_share > 0.9 and poor_share < 0.5
    mislabelled = real._replace(labels=(real.labels + 1) % 4)
    assert [one.value for one in teaching(maker(), pictures(), lambda: mislabelled, 200, 0).measures.values()][1] < 0.1
    by_hands = teaching(maker(), pictures(writers=np.arange(80) // 8), lambda: real, 200, 0).measures
    assert {one.count for one in by_hands.values()} == {80}
    one_in_four = teaching(maker(), pictures(), lambda: pictures(400, 1), 100, 0).measures  # every fourth is of a class
    assert [one.value for one in one_in_four.values()][1] > 0.9
    assert not teaching(maker(), pictures(), lambda: None, 200, 0).measures


def test_a_writer_that_hands_out_training_pictures_is_found_out():
    rng = np.random.default_rng(0)
    test, real = (pictures(count)._replace(images=rng.integers(0, 256, (count, SIDE, SIDE, 1), np.uint8))
                  for count in (80, 200))  # fmt: skip
    real = real._replace(learned=True)
    copies = real.images / np.float32(255)

    def copy(styles, labels):
        return copies[np.arange(len(labels))]

    section = copying(maker(copy), test, lambda: real, 0)
    found = section.measures[section.headline[0]]
    assert found.interval == DISCOUNTED
    assert found.value == 1 and found.low < 1 - 1.3 * (1 - wilson(80, 80)[0])  # the limit is none but an estimate
    assert section.measures["mean distance"].value == pytest.approx(0, abs=1e-6)
    assert copying(maker(flat(0.5)), test, lambda: real, 0).measures["mean distance"].value > 1
    assert next(iter(section.drawings.values()))().mode == "L"
    partly = copying(maker(copy), test, lambda: real._replace(some_left_out=True), 0)
    assert partly.note.endswith(LEFT_OUT) and LEFT_OUT not in section.note
    for untold in (None, real._replace(learned=False), real._replace(validation=np.ones(200, bool))):
        assert "is known to have trained the model" in copying(maker(copy), test, lambda untold=untold: untold, 0).note


# --- hands ------------------------------------------------------------------------------------------------------------


def test_a_hand_that_holds_is_told_from_letters_drawn_apart():
    section = one_hand(maker(partial(columns, lean=0.3)), pictures(), lambda: None, 40, 0)
    own, apart = (section.measures[f"slant, letters of {kind}"]
                  for kind in ("one noise vector", "independent noise vectors"))  # fmt: skip
    assert own.value > 0.9 and own.low > 0.8
    assert apart.low < 0 < apart.high
    assert section.headline == tuple(f"{trait}, letters of one noise vector"
                                     for trait in ("slant", "stroke width", "width to height"))  # fmt: skip


def test_what_real_writers_share_stands_beside_it():
    real = pictures(80, 1, writers=np.arange(80) // 4)
    measures = one_hand(maker(), pictures(), lambda: real, 20, 0).measures
    assert measures["slant, letters of one real writer"].count == 20
    for unknown in (pictures(), real._replace(writers=np.zeros(80, int)), real._replace(writers=np.arange(80) // 40)):
        told = one_hand(maker(), pictures(), lambda unknown=unknown: unknown, 20, 0).measures
        assert told and not [name for name in told if "real" in name]


def test_a_writer_of_blank_pictures_has_no_hand_and_is_measured_all_the_same():
    told = {section.name: section for section in sections(Toy(flat(0.0)), [pictures()], Judge())}
    hand = told["one hand: toys digits"]
    assert not hand.measures and not hand.headline
    assert told["distances: toys digits"].measures["precision"].value == 0
    real = pictures(80, 1, writers=np.arange(80) // 4)
    assert len(one_hand(maker(flat(0.0)), pictures(), lambda: real, 20, 0).measures) == 3


def test_a_hand_is_not_told_by_one_character():
    assert "two characters" in one_hand(maker(), pictures(alphabet="0"), lambda: None, 20, 0).note


def test_a_sheet_has_a_row_a_hand_and_a_column_a_character(monkeypatch):
    monkeypatch.setattr("evaluation_pictures.SHEET_COLUMNS", 3)
    monkeypatch.setattr("evaluation_pictures.SHEET_WIDTH", 90)
    sheet = draw_hands(maker(), np.arange(4), np.zeros((5, 2), np.float32))
    cell = SIDE + 2
    assert sheet.size == (3 * (2 * cell + 2), 3 * (10 * cell + 2))  # four characters in two blocks of two


# --- the whole --------------------------------------------------------------------------------------------------------


def sections(writer, sets, judge, **changes):
    training = pictures(200, 1, learned=True)
    steps = writer_steps(writer, sets, lambda test: training, judge, EXTENT._replace(**changes), 0)
    return [step() for step in steps]


def test_every_section_is_there_and_the_same_by_the_same_seed():
    writer = Toy(partial(columns, lean=0.1))
    told = sections(writer, [pictures()], Judge())
    assert [section.name for section in told] == [
        "likelihood: toys digits",
        "legibility: toys digits, digits allowed",
        "distances: toys digits",
        "training on synthetic, testing on real: toys digits",
        "nearest training pictures: toys digits",
        "one hand: toys digits",
    ]
    again = sections(writer, [pictures()], Judge())
    assert [section.measures for section in told] == [section.measures for section in again]
    assert all(section.measures and section.dataset == "toys" for section in told)


@pytest.mark.parametrize(
    ("judge", "reason"),
    [
        (None, "there is no judge of all its characters among the models"),
        (Judge("012"), "judge-toy does not know all"),
        (Judge(image_size=28), "judge-toy reads glyphs of 28 pixels, not of 12"),
    ],
)
def test_without_a_judge_that_suits_it_is_said_so(judge, reason):
    told = {section.name: section for section in sections(Toy(), [pictures()], judge)}
    assert "distances: toys digits" not in told
    section = told["legibility and distances"]
    assert section.note.startswith("Not measured: ") and reason in section.note and not section.measures


def test_letters_and_signs_are_read_apart_and_measured_together():
    signs = pictures()._replace(kind="signs", narrowings={"all": None})
    names = [section.name for section in sections(Toy(), [pictures(), signs], Judge())]
    assert names[:4] == [
        "likelihood: toys characters",
        "legibility: toys digits, digits allowed",
        "legibility: toys signs, all allowed",
        "distances: toys characters",
    ]
    assert names[-1] == "one hand: toys characters" and len(names) == len(set(names)) == 7


def test_a_judge_has_to_know_whatever_it_is_asked_for():
    signs = pictures()._replace(kind="signs", narrowings={"all": None})
    for sets, known in (([pictures()], True), ([pictures(), signs], False)):
        told = {section.name for section in sections(Toy(alphabet="0123é"), sets, Judge("0123"))}
        assert ("legibility and distances" not in told) == known


def test_the_data_set_of_the_most_characters_tells_most():
    few, many = pictures(dataset="few", alphabet="01"), pictures(8, dataset="many")
    assert [one.dataset for one in main_data([few, many, many])] == ["many", "many"]
    assert [[one.dataset for one in group] for group in by_dataset([few, many, few])] == [["few", "few"], ["many"]]


def test_groups_become_one_with_their_writers():
    parts = [pictures(8, writers=np.arange(8)), pictures(4, writers=np.arange(4))]
    whole = joined(parts)
    assert (len(whole.images), whole.kind, whole.allowed) == (12, "characters", None)
    assert whole.writers.tolist() == [*range(8), *range(4)]
    assert joined(parts[:1]) is parts[0]


def test_a_rehearsal_writes_less_but_enough_hands_to_tell_something():
    assert Extent().limited(None) == Extent()
    assert Extent().limited(5) == Extent(samples=5, lessons=5, hands=20)


# --- the training part ------------------------------------------------------------------------------------------------


def test_the_training_part_holds_what_is_not_tested_of_the_same_characters(tmp_path):
    labels, path = np.arange(40) % 4, tmp_path / "set.npz"
    images = np.zeros((40, 28, 28), np.uint8)
    images[:, 4:24, 12] = 100 + np.arange(40)[:, None]
    np.savez(path, images=images, labels=labels, classes=np.array(list("ab1?")),
             split=np.where(np.arange(40) < 30, "train", "test"))  # fmt: skip
    model = TrainedModel(Path(), {"name": "writer", "alphabet": ASCII, "data": {"name": str(path)}})
    test = Pictures("set.npz", "letters", images[30:, ..., None], np.full(10, ASCII.index("b")), {"all": None})
    rest = training_pictures(model, test)
    assert set(rest.labels) == {ASCII.index("b")} and len(rest.labels) == np.count_nonzero(labels[:30] == 1)
    assert rest.images.max() < 130 and rest.learned
    assert not rest.some_left_out
    for config in ({"cleaned_by": "recogniser-ascii"}, {"limit": 30}):
        model.card["config"] = config
        assert training_pictures(model, test).some_left_out
    other = TrainedModel(Path(), {"name": "writer", "alphabet": ASCII, "data": {"name": "mnist"}})
    assert not training_pictures(other, test, [str(path)]).learned
    assert training_pictures(model, test._replace(dataset="photos")) is None
    assert training_pictures(model, test._replace(labels=np.full(10, ASCII.index("z")))) is None


def test_a_set_that_is_all_tested_has_no_training_part(tmp_path):
    path = tmp_path / "mine.npz"
    images = np.zeros((40, 28, 28), np.uint8)
    images[:, 4:24, 12] = 255
    np.savez(path, images=images, labels=np.arange(40) % 4, classes=np.array(list("0123")))
    model = TrainedModel(Path(), {"name": "writer", "alphabet": DIGITS, "data": {"name": "digits"}})
    test = Pictures("mine.npz", "digits", images[..., None], np.arange(40) % 4, {"digits": DIGITS})
    assert training_pictures(model, test, [str(path)]) is None

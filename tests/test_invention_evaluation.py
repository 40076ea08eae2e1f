"""What is said of a generator, of generators that are so simple that it is known beforehand."""

from functools import partial

import numpy as np
import pytest
from toy_writers import SIDE, Judge, columns, flat, pictures, untrained

from evaluation_samples import Trial
from invention_evaluation import classes_read, draw_as_read, invention_steps, inventor, told_apart, variety
from shell import UserError
from writer_evaluation import LEFT_OUT, Extent

EXTENT = Extent(samples=60, lessons=60, hands=20)
LEANING = partial(columns, lean=0.1)  # as `pictures` are


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("metrics.RESAMPLES", 40)
    monkeypatch.setattr("writer_evaluation.train_on_synthetic_test_on_real", untrained)


class Toy:
    """A generator that draws columns: of the label told or, if it is told none, of `shares` of the noise."""

    def __init__(self, draw=LEANING, labelled=True, shares=(0.25, 0.25, 0.25, 0.25), critic=True, alphabet="0123"):
        self.alphabet, self.image_size, self.noise_size, self.labelled = alphabet, SIDE, 2, labelled
        self.card = {"name": "toy", "alphabet": alphabet}
        self.draw, self.shares, self.critic = draw, shares, critic

    def label_weights(self, labels):
        return np.eye(len(self.alphabet), dtype=np.float32)[labels]

    def invent(self, noise, label_weights):
        labels = label_weights.argmax(axis=1)
        if not self.labelled:
            ranks = noise[:, 1].argsort().argsort() / len(noise)
            labels = np.searchsorted(np.cumsum(self.shares), ranks, side="right")
        return self.draw(noise, labels)

    def score(self, images, label_weights):
        """Whatever has black ink is real."""
        return images.max(axis=(1, 2, 3)).astype(np.float32) - 200

    def has_part(self, part):
        return self.critic


def trial_of(toy: Toy, count: int) -> Trial:
    return Trial(inventor(toy), Judge(), pictures(240), count, 0)


def values(section):
    return {name: measure.value for name, measure in section.measures.items()}


def test_a_generator_as_various_as_writers_has_ratios_of_about_one():
    section = variety(trial_of(Toy(), 240), True)
    told = values(section)
    for kind in ("distance", "structural dissimilarity"):
        ratio = section.measures[f"{kind} within a class over that of real"]
        assert ratio.low < 1 < ratio.high and 0.8 < ratio.value < 1.25
        assert told[f"{kind} within the least various class over that of real"] <= ratio.value
        assert told[f"{kind} within a class"] > 0 < told[f"{kind} within a class of real pictures"]
    assert set(section.classes) == set("0123") and "4 classes of" in section.note
    assert section.headline == tuple(name for name in told if "over that of real" in name)


def test_a_class_that_is_one_picture_over_and_over_is_named():
    def collapsed(noise, labels):
        return LEANING(np.where(labels[:, None] == 2, 0, noise), labels)

    section = variety(trial_of(Toy(collapsed), 240), True)
    told = values(section)
    assert section.classes["2"].value == pytest.approx(0, abs=1e-6) and section.classes["1"].value > 0.8
    assert told["distance within the least various class over that of real"] == section.classes["2"].value
    assert told["structural dissimilarity within the least various class over that of real"] == pytest.approx(
        0, abs=1e-9
    )
    assert "The least various is 2 by distance and 2 by structural dissimilarity." in section.note
    assert next(iter(section.drawings)) == "toys-digits-diversity"


@pytest.mark.parametrize("count", [1, 2])
def test_the_diversity_of_too_few_pictures_is_not_told(count):
    section = variety(trial_of(Toy(), count), True)
    assert not section.measures and "Not measured: it takes 3 different pictures" in section.note


def test_classes_that_were_not_asked_for_are_as_the_judge_reads_them():
    section = variety(trial_of(Toy(labelled=False, shares=(0.5, 0.5, 0, 0)), 240), False)
    assert set(section.classes) == {"0", "1"} and "2 classes, as judge-toy reads them" in section.note


def test_a_generator_that_forgot_a_character_covers_the_others():
    section = classes_read(trial_of(Toy(labelled=False, shares=(0.7, 0.2, 0.1, 0)), 240))
    told = values(section)
    assert told["classes covered, read by judge-toy"] == 3
    assert section.measures["classes covered, read by judge-toy"].unit == "of 4"
    assert told["least share of a class"] == 0 and told["real pictures, least share of a class"] == 0.25
    assert told["taken for a character by judge-toy"] == told["mean confidence of judge-toy"] == 1
    assert {name: one.value for name, one in section.classes.items()} == pytest.approx(
        {"0": 0.7, "1": 0.2, "2": 0.1, "3": 0}, abs=0.011
    )
    assert "The rarest is 3." in section.note and section.headline == tuple(told)[:4]
    assert set(section.drawings) == {"toys-digits-shares", "toys-digits-samples"}


def test_a_class_that_is_hardly_drawn_is_not_covered():
    trial = trial_of(Toy(labelled=False, shares=(0.5, 0.25, 0.2, 0.05)), 200)
    assert values(classes_read(trial))["classes covered, read by judge-toy"] == 3


def test_a_sheet_has_a_column_a_class_and_nothing_where_nothing_was_drawn():
    images = np.full((5, SIDE, SIDE, 1), 255, np.uint8)
    sheet = np.asarray(draw_as_read(images, np.array([2, 2, 0, 2, 1]), np.arange(4)))
    side, scale = SIDE + 2, sheet.shape[1] // (4 * (SIDE + 2) + 2)
    cells = sheet[::scale, ::scale][2:, 2:].reshape(-1, side, 4, side)[:, 0, :, 0]
    assert (cells == 255).sum(axis=0).tolist() == [1, 1, 3, 0]


def test_the_discriminator_is_right_about_pale_samples():
    faded = Toy(lambda noise, labels: 0.5 * LEANING(noise, labels))
    section = told_apart(faded, trial_of(faded, 60), lambda: pictures(200, 1, learned=True))
    partly = told_apart(faded, trial_of(faded, 60), lambda: pictures(200, 1, learned=True)._replace(some_left_out=True))
    assert partly.note == section.note + LEFT_OUT
    told = values(section)
    assert told == {
        "right of as many real as generated pictures": 1,
        "real pictures taken for real": 1,
        "generated pictures taken for generated": 1,
        "training pictures taken for real": 1,
    }
    assert [measure.count for measure in section.measures.values()] == [120, 60, 60, 60]
    assert {measure.interval for measure in section.measures.values()} == {"wilson"}


def test_the_discriminator_cannot_tell_samples_as_good_as_real():
    told = values(told_apart(Toy(), trial_of(Toy(), 60), lambda: None))
    assert (
        told["generated pictures taken for generated"] == 0
        and told["right of as many real as generated pictures"] == 0.5
    )
    assert "training pictures taken for real" not in told


def test_pictures_that_it_did_not_learn_from_say_nothing_of_learning_by_heart():
    assert "training pictures taken for real" not in values(told_apart(Toy(), trial_of(Toy(), 60), pictures))


def test_what_it_was_validated_on_it_has_not_learned():
    whole = pictures(200, 1, learned=True)
    pale = np.where(np.arange(200)[:, None, None, None] < 60, whole.images // 2, whole.images)
    known = whole._replace(images=pale, validation=np.arange(200) < 60)
    told = told_apart(Toy(), trial_of(Toy(), 240), lambda: known).measures["training pictures taken for real"]
    assert (told.value, told.count) == (1, 140)


def test_a_model_without_its_discriminator_is_measured_all_the_same():
    section = told_apart(Toy(critic=False), trial_of(Toy(), 60), lambda: None)
    assert not section.measures and "without its discriminator" in section.note


# --- the whole --------------------------------------------------------------------------------------------------------


def sections(generator, judge, test=None):
    steps = invention_steps(
        generator, [test or pictures()], lambda test: pictures(200, 1, learned=True), judge, EXTENT, 0
    )
    return [step() for step in steps]


def test_one_that_is_told_what_to_draw_is_measured_as_writers_are_and_more():
    assert [section.name for section in sections(Toy(), Judge())] == [
        "legibility: toys digits, digits allowed",
        "distances: toys digits",
        "diversity inside each class: toys digits",
        "discriminator: toys digits",
        "training on synthetic, testing on real: toys digits",
        "nearest training pictures: toys digits",
        "one hand: toys digits",
    ]


def test_one_that_is_not_told_is_measured_by_what_is_read():
    told = sections(Toy(labelled=False), Judge())
    assert [section.name for section in told] == [
        "classes read: toys digits, digits allowed",
        "distances: toys digits",
        "diversity inside each class: toys digits",
        "training on synthetic, testing on real: toys digits",
        "discriminator: toys digits",
        "nearest training pictures: toys digits",
    ]
    assert values(told[3])["read right, trained on 60 synthetic pictures labelled by judge-toy"] == 1
    assert all(section.measures and section.dataset == "toys" for section in told)


def test_without_a_judge_what_needs_none_is_measured():
    names = [section.name for section in sections(Toy(flat(0.0), labelled=False), None)]
    assert names == ["legibility and distances", "discriminator: toys digits", "nearest training pictures: toys digits"]


def test_a_judge_must_read_whatever_one_may_draw_that_is_not_told():
    few = pictures()._replace(labels=np.zeros(80, int))
    told = sections(Toy(labelled=False), Judge("012"), few)
    assert "judge-toy does not know all" in told[0].note


def test_one_that_is_not_told_is_not_held_against_some_of_its_characters():
    some = pictures()._replace(narrowings={"'01'": "01"})
    with pytest.raises(UserError, match="draws whichever it likes of '0123': expected pictures of them all, received"):
        sections(Toy(labelled=False), Judge(), some)

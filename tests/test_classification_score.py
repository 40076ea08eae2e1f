"""classification_score.py: good pictures teach as much as real ones, poor ones less, and a run repeats."""

import os

import numpy as np
import pytest
from sklearn.datasets import load_digits

import classification_score
from classification_score import LabelledPictures, train_on_synthetic_test_on_real


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(classification_score, "STEPS", 120)


def test_what_is_as_good_as_real_teaches_as_much_and_what_is_not_teaches_less():
    digits = load_digits()
    images, labels = (digits.images[..., None] / 16).astype(np.float32), digits.target
    parts = [np.tile(np.arange(part, len(labels), 3), 26) for part in range(2)]  # one round of them is all 120 steps
    real, same = (LabelledPictures(images[part], labels[part]) for part in parts)
    test = LabelledPictures(images[2::3], labels[2::3])
    trained_on = train_on_synthetic_test_on_real(same, real, test)
    assert trained_on.real.shape == test.labels.shape and trained_on.real.mean() > 0.9
    assert abs(trained_on.real.mean() - trained_on.synthetic.mean()) < 0.03
    few = np.arange(len(real.labels)) % 20  # of all pictures, over and over
    poor = train_on_synthetic_test_on_real(LabelledPictures(real.images[few], real.labels[few]), real, test)
    np.testing.assert_array_equal(poor.real, trained_on.real)  # to the last picture: a run repeats
    assert poor.synthetic.mean() < 0.8


@pytest.mark.parametrize("count", [3, 20, 200, 16_000])
def test_a_lesson_takes_as_many_steps_whatever_there_is_to_learn_from(count, monkeypatch):
    steps, learner_of = [], classification_score._learner

    def learner(*sizes):
        made = learner_of(*sizes)
        fit = made.fit

        def counting(*args, **settings):
            fit(*args, **settings)
            steps.append(int(made.optimizer.iterations))

        made.fit = counting
        return made

    monkeypatch.setattr(classification_score, "_learner", learner)
    some = LabelledPictures(np.zeros((count, 8, 8, 1), np.uint8), np.arange(count) % 3)
    train_on_synthetic_test_on_real(some, some, some)
    assert steps == [120, 120]


def test_pictures_in_bytes_are_the_same_as_in_shares():
    shares = np.linspace(0, 1, 256, dtype=np.float32).reshape(4, 8, 8, 1)
    as_bytes = np.rint(shares * 255).astype(np.uint8)
    np.testing.assert_allclose(classification_score._levels(as_bytes), classification_score._levels(shares), atol=1)


def test_other_programs_round_as_they_always_do(monkeypatch):
    monkeypatch.delenv(classification_score.ROUNDING, raising=False)
    with classification_score._quick():
        assert os.environ[classification_score.ROUNDING] == "1"
    assert classification_score.ROUNDING not in os.environ


def test_more_pictures_of_one_kind_than_of_the_other_are_refused():
    some = LabelledPictures(np.zeros((4, 8, 8, 1)), np.arange(4))
    with pytest.raises(ValueError, match="must be as many"):
        train_on_synthetic_test_on_real(LabelledPictures(some.images[:2], some.labels[:2]), some, some)

"""classification_score.py: good pictures teach as much as real ones, poor ones less, and a run repeats."""

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
    real, same, test = (LabelledPictures(images[part::3], labels[part::3]) for part in range(3))
    trained_on = train_on_synthetic_test_on_real(same, real, test)
    assert trained_on.real.share > 0.9
    assert abs(trained_on.real.share - trained_on.synthetic.share) < 0.03
    assert train_on_synthetic_test_on_real(same, real, test) == trained_on
    few = np.arange(len(real.labels)) % 20
    poor = train_on_synthetic_test_on_real(LabelledPictures(real.images[few], real.labels[few]), real, test)
    assert poor.real == trained_on.real
    assert poor.synthetic.share < 0.8
    as_bytes = LabelledPictures(np.rint(real.images * 255).astype(np.uint8), real.labels)
    assert train_on_synthetic_test_on_real(real, as_bytes, test).real.share == pytest.approx(poor.real.share, abs=0.02)


def test_more_pictures_of_one_kind_than_of_the_other_are_refused():
    some = LabelledPictures(np.zeros((4, 8, 8, 1)), np.arange(4))
    with pytest.raises(ValueError, match="must be as many"):
        train_on_synthetic_test_on_real(LabelledPictures(some.images[:2], some.labels[:2]), some, some)

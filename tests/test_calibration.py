"""What a reader is told about itself: its temperature, and the evidence below which it refuses."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import calibration
from calibration import MOST_REFUSED, calibrate, refusal_threshold
from readers import evidence

values = st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=60).map(np.array)


@given(values, values)
@example(np.array([0.0] + [10.0] * 59), np.array([0.5, 9.0]))  # one of 60 is more than one of 100
def test_the_threshold_refuses_few_characters_and_no_other_refuses_more_strays(characters, strays):
    threshold = refusal_threshold(characters, strays)
    assert (characters < threshold).mean() <= MOST_REFUSED
    kept, refused = (characters >= threshold).mean(), (strays < threshold).mean()
    for other in np.concatenate([characters, strays]):
        if (characters < other).mean() <= MOST_REFUSED:
            assert (characters >= other).mean() + (strays < other).mean() <= kept + refused + 1e-9


def test_the_threshold_lies_in_the_middle_of_a_gap():
    assert refusal_threshold(np.array([4.0, 5, 6]), np.array([-3.0, -2])) == pytest.approx(1.0)


def test_the_shares_on_a_card_are_those_of_the_rule_on_it(monkeypatch):
    characters, strays = np.full(100, 0.80208), 0.80204  # the middle between them would be written as 0.8021

    def read(pictures: np.ndarray) -> np.ndarray:
        return np.log(np.full((len(pictures), 2), 0.5)) + (characters[0] if len(pictures) == 100 else strays)

    monkeypatch.setattr(calibration, "CALIBRATED", 20)
    images = np.zeros((100, 28, 28, 1), np.uint8)
    images[:, 10:18, 10:18] = 255
    rule = calibrate(read, images, np.zeros(100, int), seed=0)["no_character"]
    assert rule["characters_refused"] == (evidence(read(images)) < rule["least_evidence"]).mean() == 0


@given(st.integers(1, 20), st.integers(2, 8))
def test_evidence_is_the_log_odds_of_the_class_without_a_logit(count, classes):
    logits = np.random.default_rng(count * classes).normal(0, 20, (count, classes))
    probability = np.exp(-np.logaddexp(0, -evidence(logits)))
    exponentials = np.exp(logits)
    np.testing.assert_allclose(probability, exponentials.sum(axis=1) / (1 + exponentials.sum(axis=1)), rtol=1e-6)


def test_a_reader_twice_too_sure_is_told_so(monkeypatch):
    rng = np.random.default_rng(0)
    true_logits = rng.normal(0, 2, (4000, 5))
    labels = np.array([rng.choice(5, p=p) for p in np.exp(true_logits) / np.exp(true_logits).sum(axis=1)[:, None]])
    images = np.zeros((4000, 28, 28, 1), np.uint8)
    images[:, 10:18, 10:18] = 255

    def read(pictures: np.ndarray) -> np.ndarray:
        return 2 * true_logits if len(pictures) == 4000 else np.full((len(pictures), 5), -9.0)

    monkeypatch.setattr(calibration, "CALIBRATED", 20)
    told = calibrate(read, images, labels, seed=0)
    assert told["temperature"] == pytest.approx(2, rel=0.1)
    refused = told["no_character"]["non_characters_refused"]
    assert refused == dict.fromkeys(["tangle", "crossed out", "scribble", "smudge", "photograph"], 1.0)
    assert told["no_character"]["characters_refused"] <= MOST_REFUSED

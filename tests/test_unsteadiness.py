"""Unsteadiness is a function of the seed and the letter's number alone, and as strong as asked for."""

import numpy as np
import pytest

from unsteadiness import Hand, drift, hand_of


def hand(letters: range, seed: int = 1, slant: float = 0, jitter: float = 1) -> Hand:
    return hand_of(letters, seed, body=64, slant=slant, jitter=jitter)


@pytest.mark.parametrize("letters", [range(1), range(200, 300), range(256, 512), range(500, 1100)])
def test_a_letter_is_the_same_whatever_is_written_with_it(letters):
    for some, every in zip(hand(letters), hand(range(2000)), strict=True):
        np.testing.assert_array_equal(some, every[letters.start : letters.stop])


def test_another_seed_is_another_hand():
    assert not np.array_equal(hand(range(9), seed=1).size, hand(range(9), seed=2).size)


def test_without_jitter_a_hand_is_steady():
    steady = hand(range(300), slant=45, jitter=0)
    assert (steady.size == 1).all() and (steady.rise == 0).all()
    np.testing.assert_allclose(steady.shear, 1, rtol=1e-6)
    assert (drift(3, [0, 100, 900], seed=1, body=64, jitter=0) == 0).all()


def test_jitter_is_small_but_there():
    alive = hand(range(3000))
    assert 0.01 < alive.size.std() < 0.05 and abs(alive.size.mean() - 1) < 0.005
    assert 0 < alive.rise.std() < 2 and 0 < np.degrees(alive.shear.std()) < 3
    assert 0 <= alive.share.min() < 0.1 < 0.9 < alive.share.max() < 1


def test_the_baseline_drifts_slowly():
    falls = drift(3, range(5000), seed=1, body=64, jitter=1)
    assert 0.5 < np.ptp(falls) < 8
    assert np.abs(np.diff(falls)).max() < 0.03
    np.testing.assert_array_equal(falls[[7, 70]], drift(3, [7, 70], seed=1, body=64, jitter=1))

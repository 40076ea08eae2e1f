"""Signs that look alike are told apart by their places."""

import numpy as np
import pytest

from config import ASCII, DIGITS
from signs import has_signs, weighed_by_place


@pytest.mark.parametrize(("place", "best"), [(0.06, "."), (-0.04, ","), (0.85, "'"), (0.35, "-"), (-0.3, "_")])
def test_the_place_decides_between_look_alikes(place, best):
    alike = np.isin(list(ASCII), list(".,'-_")).astype(np.float32) / 5
    weighed = weighed_by_place(alike, ASCII, place)
    assert ASCII[weighed.argmax()] == best
    assert weighed.sum() == pytest.approx(1)


def test_a_clear_shape_outweighs_a_slightly_odd_place():
    dash = np.where(np.array(list(ASCII)) == "-", 0.97, 0.03 / 93)
    assert ASCII[weighed_by_place(dash, ASCII, 0.5).argmax()] == "-"


@pytest.mark.parametrize("place", [-9.0, 9.0])
def test_no_place_makes_a_character_impossible(place):
    sure = np.eye(len(ASCII), dtype=np.float32)[ASCII.index(".")]
    np.testing.assert_allclose(weighed_by_place(sure, ASCII, place), sure)


def test_alphabets_with_signs():
    assert has_signs(ASCII) and has_signs("0123456789.")
    assert not has_signs(DIGITS)

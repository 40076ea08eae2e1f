"""noises.py: as much noise as asked for, and the same for the same picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noises import NOISES, add_noise
from shell import UserError


@pytest.mark.parametrize("kind", NOISES)
def test_noise_of_a_picture_depends_on_seed_and_number_alone(kind):
    images = np.full((4, 8, 8, 1), 120, np.uint8)
    noisy = add_noise(images, kind, 0.5, 7)
    np.testing.assert_array_equal(add_noise(images[:2], kind, 0.5, 7), noisy[:2])
    assert (noisy[0] != noisy[1]).any()
    assert (add_noise(images, kind, 0.5, 8) != noisy).any()
    assert (images == 120).all()
    np.testing.assert_array_equal(add_noise(images, kind, 0), images)
    assert add_noise(images[:0], kind, 0.5).shape == (0, 8, 8, 1)


@given(st.sampled_from([kind for kind in NOISES if kind != "gaussian"]), st.floats(0, 1), st.integers(0, 2**40))
def test_as_many_pixels_are_hit_as_asked_for(kind, amount, seed):
    hit = add_noise(np.full((1, 40, 40, 1), 9, np.uint8), kind, amount, seed) != 9
    assert abs(hit.mean() - amount) < 5 * (0.25 / hit.size) ** 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gausian", 0.3), "did you mean 'gaussian'"),
        (("salt", 1.5), r"expected a number in \[0, 1\], received 1.5"),
        (("salt", float("nan")), "received nan"),
        (("salt", 0.1, -1), "seed: expected 0 or more"),
    ],
)
def test_impossible_noise_is_a_mistake_of_the_user(arguments, message):
    with pytest.raises(UserError, match=message):
        add_noise(np.zeros((1, 8, 8, 1), np.uint8), *arguments)

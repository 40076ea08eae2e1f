"""Samples are drawn from a seed; the pictures themselves are tested with the demo that translates them."""

import pytest

from sample_pictures import SAMPLES, Arguments, draw_sample


def test_a_seed_is_a_moment_of_the_hand():
    first, again, other = (draw_sample(SAMPLES[0], seed).tobytes() for seed in (0, 0, 1))
    assert first == again != other


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match=r"`seed` must not be negative\. Received: seed=-1"):
        Arguments(seed=-1)

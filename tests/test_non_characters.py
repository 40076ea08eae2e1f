"""Ink that is no character: of every kind as much as asked, framed as pictures are, a function of its number."""

import numpy as np

from data_processor import load
from non_characters import non_characters


def test_every_kind_is_made_framed_and_never_blank():
    images = load("digits").images[:50]
    made = non_characters(images, each=20, seed=1)
    assert list(made) == ["tangle", "crossed out", "scribble", "smudge"]
    for kind, pictures in made.items():
        assert pictures.shape == (20, 28, 28, 1), kind
        assert pictures.dtype == np.uint8
        assert (pictures.max(axis=(1, 2, 3)) > 100).all(), kind
        assert len(np.unique(pictures.reshape(20, -1), axis=0)) == 20, kind


def test_number_k_is_the_same_however_many_there_are():
    images = load("digits").images[:50]
    few, many = non_characters(images, 3, seed=4), non_characters(images, 6, seed=4)
    other = non_characters(images, 3, seed=5)
    for kind in few:
        np.testing.assert_array_equal(few[kind], many[kind][:3])
        assert not np.array_equal(few[kind], other[kind])

"""Pictures are corrupted, framed and counted: the same ones whatever the number of processes."""

import numpy as np
import pytest

import robustness
from corruptions import CORRUPTIONS, apply
from picture import to_glyph
from robustness import CLEAN, Outcome, Piece, framed
from synthetic_image_generator import render_alphabet

COUNT = 6


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return render_alphabet("DejaVu Sans", "012345")


def measured(images: np.ndarray, seed=0, right=COUNT, refused=0):
    """The outcomes, and what was judged: the first `right` pictures as right, the first `refused` as no characters."""
    shown = []

    def look(glyphs):
        shown.append(glyphs)
        return Outcome(np.arange(COUNT) < right, np.arange(COUNT) < refused)

    return robustness.robustness(images, look, seed), shown


def test_every_corruption_is_measured_after_the_clean_pictures(digits):
    outcomes, shown = measured(digits)
    assert list(outcomes) == [CLEAN, *CORRUPTIONS]
    assert all(len(one.right) == len(one.refused) == COUNT for one in outcomes.values())
    np.testing.assert_array_equal(shown[0][..., 0], np.stack([to_glyph(image) for image in digits[..., 0]]))
    assert all(glyphs.shape == digits.shape and glyphs.dtype == np.uint8 for glyphs in shown)
    turned = [to_glyph(image) for image in apply("rotation 20", digits)[..., 0]]
    np.testing.assert_array_equal(shown[list(outcomes).index("rotation 20")][..., 0], np.stack(turned))


def test_what_is_right_is_counted_picture_by_picture(digits):
    outcomes, _ = measured(digits, right=4)
    assert {one.right.sum() for one in outcomes.values()} == {4}


def test_what_the_reader_refuses_is_told_beside_what_it_reads(digits):
    outcomes, _ = measured(digits, right=4, refused=1)
    assert {(one.right.sum(), one.refused.sum()) for one in outcomes.values()} == {(4, 1)}


def test_what_cannot_be_framed_is_wrong_whatever_is_said_of_it(digits):
    images = digits.copy()
    images[3] = 0
    outcomes, shown = measured(images)
    assert outcomes[CLEAN].right.tolist() == (~outcomes[CLEAN].refused).tolist() == [k != 3 for k in range(COUNT)]
    assert shown[0][3].max() == 0
    _, accepted = framed(Piece(CLEAN, images, 0, 0))
    assert accepted.tolist() == [k != 3 for k in range(COUNT)]


def test_noise_is_a_function_of_the_seed(digits):
    noise = [CLEAN, *CORRUPTIONS].index("Gaussian noise")
    first, again, other = (measured(digits, seed)[1][noise] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_neither_pieces_nor_processes_change_anything(digits, monkeypatch):
    _, whole = measured(digits)
    monkeypatch.setattr(robustness, "PIECE", 4)
    monkeypatch.setattr(robustness, "WORTH_PROCESSES", 0)
    monkeypatch.setattr(robustness.os, "cpu_count", lambda: 2)
    _, parted = measured(digits)
    np.testing.assert_array_equal(whole, parted)

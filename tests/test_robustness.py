"""Pictures are corrupted, framed and counted: the same ones whatever the number of processes."""

import numpy as np
import pytest

import robustness
from corruptions import CORRUPTIONS
from picture import to_glyph
from robustness import CLEAN, Piece, framed
from synthetic_image_generator import render_alphabet

COUNT = 6


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return render_alphabet("DejaVu Sans", "012345")


def measured(images: np.ndarray, seed=0, right=lambda glyphs: np.ones(len(glyphs), bool)):
    """The shares, and what `right` was shown."""
    shown = []

    def look(glyphs):
        shown.append(glyphs)
        return right(glyphs)

    return robustness.robustness(images, look, seed), shown


def test_every_corruption_is_measured_after_the_clean_pictures(digits):
    shares, shown = measured(digits)
    assert list(shares) == [CLEAN, *CORRUPTIONS]
    assert all(share.count == COUNT for share in shares.values())
    np.testing.assert_array_equal(shown[0][..., 0], np.stack([to_glyph(image) for image in digits[..., 0]]))
    assert all(glyphs.shape == digits.shape and glyphs.dtype == np.uint8 for glyphs in shown)


def test_what_is_right_is_counted_picture_by_picture(digits):
    shares, _ = measured(digits, right=lambda glyphs: np.arange(COUNT) < 4)
    assert {share.hits for share in shares.values()} == {4}


def test_what_cannot_be_framed_is_wrong_whatever_is_said_of_it(digits):
    images = digits.copy()
    images[3] = 0
    shares, shown = measured(images)
    assert shares[CLEAN].hits == COUNT - 1
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

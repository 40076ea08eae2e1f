"""Measures of pictures, against closed forms and slower implementations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glyph_metrics
from config import ASCII, DIGITS
from glyph_metrics import nearest_glyph, ssim, within
from synthetic_image_generator import render_alphabet


def pictures(count: int = 6, height: int = 15, width: int = 13, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=(count, height, width, 1))


def test_nearest_finds_every_glyph_under_noise(monkeypatch):
    glyphs = render_alphabet("STIXGeneral", ASCII)
    noisy = np.clip(glyphs / 255 + np.random.default_rng(0).normal(0, 0.05, glyphs.shape), 0, 1)
    np.testing.assert_array_equal(nearest_glyph(noisy, glyphs), np.arange(len(ASCII)))
    monkeypatch.setattr(glyph_metrics, "CHUNK", 5 * len(ASCII))
    np.testing.assert_array_equal(nearest_glyph(noisy, glyphs), np.arange(len(ASCII)))


def test_nearest_agrees_with_all_distances():
    some, others = pictures(20), pictures(9, seed=1)
    distances = np.sqrt(np.square(some[:, None] - others).sum(axis=(2, 3, 4)))
    np.testing.assert_array_equal(nearest_glyph(some, others), distances.argmin(axis=1))


def test_within_allows_a_tenth_and_no_more():
    right = np.full((3, 4, 4, 1), 255, np.uint8)
    glyphs = np.ones(right.shape, np.float32)
    glyphs[1, 2, 3], glyphs[2, 2, 3] = 0.91, 0.89
    assert within(glyphs, right, 0.1).tolist() == [True, True, False]


def test_ssim_agrees_with_a_loop_over_windows():
    x, y = pictures(2), pictures(2, seed=1)
    x[1] = 0.7 * x[1] + 0.3 * y[1]
    down, right = np.mgrid[-5:6, -5:6]
    weight = np.exp(-(down**2 + right**2) / (2 * 1.5**2))
    weight /= weight.sum()
    for k in range(2):
        places = []
        for top in range(x.shape[1] - 10):
            for left in range(x.shape[2] - 10):
                a, b = (each[k, top : top + 11, left : left + 11, 0] for each in (x, y))
                mean_a, mean_b = (weight * a).sum(), (weight * b).sum()
                variances = (weight * (a - mean_a) ** 2).sum() + (weight * (b - mean_b) ** 2).sum()
                covariance = (weight * (a - mean_a) * (b - mean_b)).sum()
                luminance = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
                places.append(luminance * (2 * covariance + 9e-4) / (variances + 9e-4))
        assert ssim(x, y)[k] == pytest.approx(np.mean(places), rel=1e-9)


@given(st.floats(0, 1), st.floats(0, 1))
def test_ssim_of_even_greys_has_a_closed_form(grey, other):
    x, y = np.full((1, 11, 12, 1), grey), np.full((1, 11, 12, 1), other)
    assert ssim(x, y)[0] == pytest.approx((2 * grey * other + 1e-4) / (grey**2 + other**2 + 1e-4))


def test_ssim_of_the_same_is_one_and_falls_with_noise():
    glyphs = render_alphabet("STIXGeneral", DIGITS)
    noise = np.random.default_rng(0).normal(0, 1, glyphs.shape)
    likeness = [ssim(np.clip(glyphs / 255 + level * noise, 0, 1), glyphs) for level in (0, 0.02, 0.1, 0.4)]
    np.testing.assert_allclose(likeness[0], 1)
    assert (np.diff(likeness, axis=0) < 0).all()
    np.testing.assert_allclose(likeness[2], ssim(glyphs, np.clip(glyphs / 255 + 0.1 * noise, 0, 1)))  # symmetric


WRONG = {
    "pictures in 0..255 of float": lambda: ssim(255 * pictures(), pictures()),
    "pictures of int": lambda: nearest_glyph(pictures().astype(int), pictures()),
    "pictures without channel": lambda: within(pictures()[..., 0], pictures()[..., 0], 0.1),
    "pictures of another size": lambda: nearest_glyph(pictures(), pictures(height=14)),
    "pictures smaller than the window": lambda: ssim(pictures(width=10), pictures(width=10)),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_told_with_what_was_received(call):
    with pytest.raises(ValueError, match=r"\. Received: \w+="):
        call()

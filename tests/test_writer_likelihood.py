"""writer_likelihood.py: nats of writers whose integrals are known."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_writers import SIDE, Toy, columns, flat, pictures

import writer_likelihood
from writer_likelihood import binarised, likelihood, log_constant, log_likelihood, nats


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("metrics.RESAMPLES", 40)


def test_where_the_style_says_nothing_all_nats_are_the_reconstruction_s():
    seen = binarised(pictures(6).images, 0)
    bound, reconstruction, divergence = nats(Toy(flat(0.25)), seen, np.zeros(6, int), 30, 0)
    ink = (seen > 0).sum(axis=(1, 2, 3))
    expected = -(ink * np.log(0.25) + (SIDE**2 - ink) * np.log(0.75))
    np.testing.assert_allclose(-bound, expected, rtol=1e-5)
    np.testing.assert_allclose(reconstruction, expected, rtol=1e-5)
    np.testing.assert_allclose(divergence, 0, atol=1e-5)


def test_the_bound_comes_up_to_the_integral_over_styles():
    def draw(styles, labels):
        return np.broadcast_to(1 / (1 + np.exp(2 - 0.5 * styles)), (len(styles), SIDE**2)).reshape(-1, SIDE, SIDE, 1)

    writer, seen = Toy(draw, latents=1, mean=0.4, log_variance=-0.5), binarised(pictures(3).images, 0)
    z = np.linspace(-9, 9, 4001)
    ink, p = (seen > 0).sum(axis=(1, 2, 3))[:, None], 1 / (1 + np.exp(2 - 0.5 * z))
    joint = ink * np.log(p) + (SIDE**2 - ink) * np.log(1 - p) - 0.5 * (z**2 + np.log(2 * np.pi))
    evidence = np.log(np.exp(joint - joint.max()).sum(axis=1) * (z[1] - z[0])) + joint.max()
    labels = np.zeros(3, int)
    bound, reconstruction, divergence = nats(writer, seen, labels, 20_000, 0)
    np.testing.assert_allclose(bound, evidence, atol=0.02)
    assert (-(reconstruction + divergence) < evidence).all()
    known = 0.5 * (0.4**2 + np.exp(-0.5) - 1 + 0.5)  # KL of the two normal distributions
    np.testing.assert_allclose(divergence, known, atol=0.03)


def test_more_styles_are_the_same_and_some_more_whatever_is_drawn_at_a_time(monkeypatch):
    writer, seen, labels = Toy(partial(columns, lean=0.2)), binarised(pictures(5).images, 0), pictures(5).labels
    whole = nats(writer, seen, labels, 9, 0)
    monkeypatch.setattr(writer_likelihood, "BLOCK", 4)
    np.testing.assert_allclose(nats(writer, seen[:3], labels[:3], 9, 0), np.array(whole)[:, :3], rtol=1e-5)
    assert (nats(writer, seen, labels, 9, 1)[0] != whole[0]).any()


def test_certainty_that_is_wrong_costs_much_but_not_everything():
    paper, ink = np.zeros((SIDE, SIDE, 1), np.float32), np.ones((SIDE, SIDE, 1), np.float32)
    for drawn, picture in ((0.0, ink), (1.0, paper)):
        wrong = log_likelihood(np.full((1, SIDE, SIDE, 1), drawn, np.float32), picture, False)
        assert wrong == pytest.approx(-16 * SIDE**2, rel=0.02)
    assert log_likelihood(np.ones((1, SIDE, SIDE, 1), np.float32), ink, False) == pytest.approx(0, abs=1e-3)


@given(st.floats(1e-6, 1 - 1e-6))
def test_the_continuous_bernoulli_integrates_to_one(level):
    x, weight = np.polynomial.legendre.leggauss(60)
    x = (x + 1) / 2
    mass = (level**x * (1 - level) ** (1 - x) * weight).sum() / 2
    assert np.log(mass) + log_constant(np.array([level]))[0] == pytest.approx(0, abs=1e-9)


@given(st.floats(-0.03, 0.03))
def test_its_constant_is_smooth_about_one_half_in_single_precision(offset):
    level = np.float32(0.5 + offset)
    exact = log_constant(np.array([float(level)]))[0]
    assert log_constant(np.array([level], np.float32))[0] == pytest.approx(exact, abs=2e-6)


def test_binarised_pictures_are_as_grey_on_the_whole_and_each_its_own():
    grey = np.full((400, SIDE, SIDE, 1), 64, np.uint8)
    grey[:, 0], grey[:, 1] = 0, 255
    seen = binarised(grey, 0)
    assert seen.dtype == np.uint8 and set(np.unique(seen)) == {0, 255}
    assert not seen[:, 0].any() and (seen[:, 1] == 255).all()
    assert (seen[:, 2:] > 0).mean() == pytest.approx(64 / 255, abs=0.005)
    np.testing.assert_array_equal(binarised(grey[:7], 0), seen[:7])
    assert (binarised(grey, 1) != seen).any() and (seen[0] != seen[1]).any()


def test_nats_of_two_kinds_go_by_two_names():
    binary, grey = (likelihood(Toy(flat(0.3), likelihood=kind), pictures(), 12, 5, 0)
                    for kind in ("bernoulli", "continuous"))  # fmt: skip
    assert binary.headline == ("negative log-likelihood, k = 5", "active latents")
    assert grey.headline == ("negative log density of grey pictures, k = 5", "active latents")
    assert "no count of nats of binarised pictures compares" in grey.note
    for section in (binary, grey):
        told = {name.partition(",")[0]: measure.value for name, measure in section.measures.items()}
        whole = told["of it reconstruction"] + told["of it KL divergence"]
        assert told["negative evidence lower bound"] == pytest.approx(whole)
        assert {measure.count for measure in section.measures.values()} == {12}


def test_latents_are_active_where_the_mean_differs_from_picture_to_picture():
    class Halfway(Toy):
        def encode(self, images, labels):
            mean, log_variance = super().encode(images, labels)
            mean[:, 0] = labels
            return mean, log_variance

    assert likelihood(Halfway(), pictures(), 12, 5, 0).measures["active latents"].value == 1
    assert "1 of 2" in likelihood(Halfway(), pictures(), 12, 5, 0).as_markdown()

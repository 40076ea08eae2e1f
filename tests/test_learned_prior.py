"""learned_prior.py: exact both ways, a density, and fitted to what it is shown."""

import keras
import numpy as np
import pytest
from keras import ops

import learned_prior
from learned_prior import LearnedPrior, fit_to_posteriors, standard_log_density

LABELS = np.arange(6, dtype=np.int32) % 3


def bent(size: int = 4) -> LearnedPrior:
    """A prior whose couplings do something."""
    keras.utils.set_random_seed(0)
    prior = LearnedPrior(size, 3, couplings=4, width=8)
    prior(np.zeros((1, size), np.float32), np.zeros(1, np.int32))
    rng = np.random.default_rng(0)
    prior.set_weights([0.5 * rng.standard_normal(weight.shape, dtype=np.float32) for weight in prior.get_weights()])
    return prior


def test_it_begins_as_the_normal_distribution():
    prior = LearnedPrior(5, 3, couplings=4, width=8)
    styles = np.random.default_rng(0).standard_normal((6, 5), dtype=np.float32)
    noise, density = prior(styles, LABELS)
    np.testing.assert_allclose(noise, styles, atol=1e-6)
    np.testing.assert_allclose(density, -0.5 * (styles**2 + np.log(2 * np.pi)).sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize("size", [4, 5])
def test_turned_around_it_gives_the_noise_back_and_the_same_density(size):
    prior = bent(size)
    styles = np.random.default_rng(1).standard_normal((6, size), dtype=np.float32)
    noise, density = prior(styles, LABELS)
    assert np.abs(np.array(noise) - styles).max() > 0.1
    back, density_back = prior(noise, LABELS, inverse=True)
    np.testing.assert_allclose(back, styles, atol=1e-5)
    np.testing.assert_allclose(density_back, density, atol=1e-4)


def test_the_density_is_that_of_the_map():
    prior, step = bent(2), 1e-3
    style = np.array([[0.3, -0.7]], np.float32)
    moved = style + step * np.eye(2, dtype=np.float32)
    label = np.array([1, 1], np.int32)
    noise, density = prior(style, label[:1])
    slopes = (np.array(prior(moved, label)[0]) - np.array(noise)) / step
    expected = float(standard_log_density(noise)[0]) + np.log(abs(np.linalg.det(slopes)))
    assert float(density[0]) == pytest.approx(expected, abs=0.01)


def test_it_is_fitted_to_where_each_character_s_styles_lie(monkeypatch):
    monkeypatch.setattr(learned_prior, "FIT_STEPS", 100)
    centres = np.array([[2.0, 0.0], [-2.0, 1.0], [0.0, -3.0]], np.float32)
    labels = (np.arange(1536) % 3).astype(np.int32)
    prior = LearnedPrior(2, 3, couplings=4, width=16)
    fit_to_posteriors(prior, centres[labels], np.full((1536, 2), np.log(0.25), np.float32), labels, seed=0)
    noise = np.random.default_rng(0).standard_normal((900, 2), dtype=np.float32)
    asked = (np.arange(900) % 3).astype(np.int32)
    styles = ops.convert_to_numpy(prior(noise, asked, inverse=True)[0])
    for label, centre in enumerate(centres):
        np.testing.assert_allclose(styles[asked == label].mean(axis=0), centre, atol=0.2)
        np.testing.assert_allclose(styles[asked == label].std(axis=0), 0.5, atol=0.15)

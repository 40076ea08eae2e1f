"""The running average of the weights: what it is, and that looking at it changes nothing."""

import keras
import numpy as np

from averaging import averaged_weights
from config import ClassifierRun
from train import make_optimizer


def a_model(averaging: float) -> keras.Model:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    model.compile(make_optimizer(ClassifierRun(averaging=averaging, learning_rate=0.05), steps=20), loss="mse")
    return model


def fit(model: keras.Model, steps: int) -> list[list[np.ndarray]]:
    """Weights after each of some steps."""
    rng, seen = np.random.default_rng(0), []
    for _ in range(steps):
        model.train_on_batch(rng.normal(size=(8, 4)), rng.normal(size=(8, 1)))
        seen.append(model.get_weights())
    return seen


def test_inside_are_the_averages_and_afterwards_the_very_weights():
    model = a_model(0.9)
    steps = fit(model, 12)
    expected = steps[0]
    for done, weights in enumerate(steps[1:], start=1):
        kept = min(0.9, (1 + done) / (10 + done))  # at first of few steps: the weights as they were drawn are forgotten
        expected = [kept * average + (1 - kept) * weight for average, weight in zip(expected, weights, strict=True)]
    with averaged_weights(model):
        for weight, average in zip(model.get_weights(), expected, strict=True):
            np.testing.assert_allclose(weight, average, rtol=1e-4, atol=1e-6)
    for weight, before in zip(model.get_weights(), steps[-1], strict=True):
        np.testing.assert_array_equal(weight, before)


def test_without_averaging_nothing_is_exchanged():
    model = a_model(0.0)
    weights = fit(model, 3)[-1]
    with averaged_weights(model):
        for weight, before in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(weight, before)

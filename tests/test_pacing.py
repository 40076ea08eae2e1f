"""pacing.py: weights that are told so learn slower, whatever wraps the optimizer."""

import keras
import numpy as np
import pytest

from pacing import PacedAdamW


def steps_of(optimizer, pace: float) -> tuple[float, float]:
    """How far one step moves a weight of this pace, and one that has none."""
    slow, usual = (keras.Variable(np.zeros(3, np.float32)) for _ in range(2))
    slow.pace = pace
    optimizer.build([slow, usual])
    optimizer.apply([keras.ops.ones(3), keras.ops.ones(3)])
    return float(slow[0]), float(usual[0])


@pytest.mark.parametrize("pace", [0.1, 0.5, 1.0])
def test_a_weight_moves_at_its_pace(pace):
    slow, usual = steps_of(PacedAdamW(0.01, weight_decay=0.0), pace)
    assert usual == pytest.approx(-0.01, rel=1e-3)
    assert slow == pytest.approx(pace * usual, rel=1e-5)


def test_the_loss_scale_of_half_precision_changes_nothing():
    scaled = keras.optimizers.LossScaleOptimizer(PacedAdamW(0.01, weight_decay=0.0), initial_scale=1.0)
    assert steps_of(scaled, 0.1) == pytest.approx((-0.001, -0.01), rel=1e-3)

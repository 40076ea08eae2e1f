"""What a model in training sees, epoch by epoch."""

from collections.abc import Sequence

import keras
import numpy as np

from batches import GlyphBatches
from training import EpochRandomness


def seen_in(epochs: Sequence[int], model: keras.Model, batches: GlyphBatches, *names: str) -> list[list[np.ndarray]]:
    """Outputs of a model by their names, of the first batch of each of these epochs of a run with one seed."""
    randomness = EpochRandomness(3, batches)
    randomness.set_model(model)
    seen = []
    for epoch in epochs:
        randomness.on_epoch_begin(epoch)
        outputs = model(batches[0][0], training=True)
        seen.append([np.array(outputs[name]) for name in names])
    return seen

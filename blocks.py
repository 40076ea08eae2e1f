"""What the models that draw have in common: how they enlarge, are told the character, and are looked at."""

import keras
import numpy as np
from keras import layers

from batches import EVALUATION_BATCH, GlyphBatches
from drawing import as_levels, tile

SHEET_COLUMNS = 12  # of the progress picture
TALLEST_SHEET = 24  # rows of it, before another block begins beside


def doubled(x, width: int, name: str | None = None):
    """Doubles height and width: a convolution draws four pixels for each, a quarter of the cost of drawing after.

    Args:
        x: `(B, H, W, C)`. width: Channels of the result. name: Of the layer that gives it.

    Returns:
        `(B, 2 H, 2 W, width)`.

    Reference: Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution" (arXiv:1609.05158).
    """
    height, breadth = x.shape[1:3]
    x = layers.Conv2D(4 * width, 3, padding="same")(x)
    x = layers.Permute((1, 3, 2, 4, 5))(layers.Reshape((height, breadth, 2, 2, width))(x))
    return layers.Reshape((2 * height, 2 * breadth, width), name=name)(x)


class LabelledBatches(GlyphBatches):
    """Pictures whose label is told to the model, too."""

    def batch(self, chosen: np.ndarray):
        inputs, targets = super().batch(chosen)
        return inputs | targets, targets


def predicted(model: keras.Model, *inputs: np.ndarray):
    """What a model makes of inputs `(N, ...)`: in whole batches, as JAX divides no others among its devices."""
    count = len(inputs[0])
    whole = [np.pad(values, [(0, -count % EVALUATION_BATCH), *[(0, 0)] * (values.ndim - 1)]) for values in inputs]
    outputs = model.predict(whole if len(whole) > 1 else whole[0], batch_size=EVALUATION_BATCH, verbose=0)
    return keras.tree.map_structure(lambda output: output[:count], outputs)


def progress_sheet(drawn: np.ndarray) -> np.ndarray:
    """The progress picture.

    Args:
        drawn: float `(rows, columns, S, S, 1)`, ink 1 and paper 0; a row a character, a column the same style or noise.

    Returns:
        uint8 `(H, W)`; where there are many rows, in blocks side by side.
    """
    rows = as_levels(drawn)
    blocks = -(-len(rows) // TALLEST_SHEET)
    rows = np.pad(rows, [(0, -len(rows) % blocks), *[(0, 0)] * 4])
    return np.concatenate([tile(block) for block in np.split(rows, blocks)], axis=1)

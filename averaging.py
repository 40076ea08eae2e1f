"""The running average of a model's weights, which is steadier than they are: what is validated, shown and kept."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


@contextlib.contextmanager
def averaged_weights(model: "keras.Model") -> Iterator[None]:
    """Inside, the model computes with the averages of its weights, where its optimizer keeps them.

    Afterwards all is as before, to the bit: training goes on as if nobody had looked.
    """
    swap_averages(model)
    try:
        yield
    finally:
        swap_averages(model)


def swap_averages(model: "keras.Model") -> None:
    """Exchanges weights and averages; twice is as never. Keras' own exchange adds and subtracts, and so rounds."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # which one for float16 wraps
    if not getattr(optimizer, "use_ema", False):
        return
    averages = optimizer._model_variables_moving_average  # as Keras' own SwapEMAWeights takes them
    for weight, average in zip(model.trainable_variables, averages, strict=True):
        value = np.array(weight)
        weight.assign(np.array(average))
        average.assign(value)

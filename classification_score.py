"""What generated pictures are worth as training data: a small reader learns from them and is tested on real ones.

Keras is loaded where it trains, and so is no part of any other measure.
"""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from checks import check, check_labels, require, unit_range
from shell import unheard

STEPS, BATCH = 1200, 128  # of the learner's training, however many pictures there are
PEAK_RATE = 2e-3  # of Adam; it falls to zero by a cosine
CHANNELS, UNITS = (16, 32), 128


class LabelledPictures(NamedTuple):
    """Pictures, and what they show."""

    images: np.ndarray
    """`(N, S, S, 1)`, uint8 or float in [0, 1]."""
    labels: np.ndarray
    """int `(N,)`."""


class TrainedOn(NamedTuple):
    """Which real test pictures one learner reads right, bool `(N,)`, by what it was trained on."""

    synthetic: np.ndarray
    real: np.ndarray


def train_on_synthetic_test_on_real(
    synthetic: LabelledPictures, real: LabelledPictures, test: LabelledPictures
) -> TrainedOn:
    """Classification accuracy score: what generated pictures are worth as training data.

    The learner is always the same: two convolutions with pooling and a hidden layer, 1,200 steps of 128 pictures,
    seed 0, no augmentation. What counts is how far the first share falls short of the second: on another machine, or
    with another number of cores, sums are rounded otherwise, and either may come out a tenth of a percent off.

    Args:
        synthetic: Generated pictures, with the labels asked for. real: As many of the training part, best with as many
            of each class. test: Real pictures of other writers.

    Reference: Ravuri and Vinyals 2019, "Classification Accuracy Score for Conditional Generative Models"
    (arXiv:1905.10887).
    """
    for part in (synthetic, real, test):
        check("NHW1 N", images=part.images, labels=part.labels)
        check_labels(np.inf, labels=part.labels)
    require(len(synthetic.labels) == len(real.labels), "`synthetic` and `real` must be as many",
            synthetic=synthetic.labels, real=real.labels)  # fmt: skip
    classes = 1 + max(int(part.labels.max()) for part in (synthetic, real, test))
    return TrainedOn(*(_learn_and_read(part, test, classes) for part in (synthetic, real)))


ROUNDING = "TF_ENABLE_ONEDNN_OPTS"


@contextmanager
def _quick() -> Iterator[None]:
    """Has TensorFlow, which is loaded meanwhile, compute with oneDNN on every processor: it takes 0.4 of the time.

    That is not handed down to programs that are started later.
    """
    usual = os.environ.get(ROUNDING)
    os.environ.setdefault(ROUNDING, "1")
    try:
        yield
    finally:
        if usual is None:
            del os.environ[ROUNDING]


def _learn_and_read(training: LabelledPictures, test: LabelledPictures, classes: int) -> np.ndarray:
    with _quick(), unheard():
        import keras

    keras.utils.set_random_seed(0)
    learner = _learner(training.images.shape[1], classes)
    schedule = keras.optimizers.schedules.CosineDecay(PEAK_RATE, STEPS)
    learner.compile(keras.optimizers.Adam(schedule), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng, count = np.random.default_rng(0), len(training.labels)
    rounds = math.ceil(STEPS * BATCH / count)  # every picture once before any a second time
    order = np.concatenate([rng.permutation(count) for _ in range(rounds)])[: STEPS * BATCH]
    learner.fit(_levels(training.images)[order], training.labels[order], BATCH, shuffle=False, verbose=0)
    return learner.predict(_levels(test.images), batch_size=1000, verbose=0).argmax(axis=1) == test.labels


def _levels(images: np.ndarray) -> np.ndarray:
    if images.dtype == np.uint8:
        return images
    return np.round(255 * unit_range(images)).astype(np.uint8)


def _learner(size: int, classes: int):
    from keras import Sequential, layers

    convolutions = []
    for width in CHANNELS:
        convolutions += [layers.Conv2D(width, 5, padding="same", activation="relu"), layers.MaxPooling2D()]
    dense = [layers.Flatten(), layers.Dense(UNITS, activation="relu"), layers.Dropout(0.3), layers.Dense(classes)]
    return Sequential([layers.Input((size, size, 1), dtype="uint8"), layers.Rescaling(1 / 255), *convolutions, *dense])

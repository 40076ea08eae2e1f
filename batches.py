"""What an epoch is made of: pictures in batches, drawn and ordered as a function of the seed and the epoch's number."""

import math
from collections.abc import Sequence

import keras
import numpy as np

from config import RunConfig
from data_processor import TRAIN, VALIDATION, GlyphDataset

EVALUATION_BATCH = 512  # a power of two, as the numbers of devices mostly are that share it


class GlyphBatches(keras.utils.PyDataset):
    """Pictures with their labels: for training, or always the same ones in the same order for validation.

    Args:
        part: The pictures, and with a `source` where several sets are joined.
        batch_size: Pictures a batch.
        seed: Of what every epoch draws anew; None keeps all pictures in their order.
        shares: Share of each joined set that an epoch draws; empty for all.
        weights: float `(N,)`, a picture's share of its set's places in an epoch being its weight's among those drawn:
            some come twice or more, then, and others in a later epoch; `None`: each once.
    """

    def __init__(
        self,
        part: GlyphDataset,
        batch_size: int,
        seed: int | None = None,
        shares: Sequence[float] = (),
        weights: np.ndarray | None = None,
    ):
        super().__init__()
        self.part, self.batch_size, self.seed, self.shares, self.weights = part, batch_size, seed, shares, weights
        self.order = np.arange(len(part.labels))
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draws what an epoch holds, a function of (seed, epoch) alone."""
        if self.seed is not None:
            self.draw(np.random.default_rng([self.seed, epoch]))

    def draw(self, rng: np.random.Generator) -> None:
        """Everything random in an epoch; models that need more than an order add it here."""
        self.order = keep_shares(rng.permutation(len(self.part.labels)), self.part.source, self.shares)
        if self.weights is not None:
            self.order = rng.permutation(self._weighed(rng))

    def _weighed(self, rng: np.random.Generator) -> np.ndarray:
        """The epoch's pictures as often as they weigh: of every set as many as there were."""
        order, source = self.order, self.part.source
        number = np.zeros(len(order), int) if source is None else source[order]
        members = [order[number == one] for one in np.unique(number)]
        return np.concatenate([as_often_as_due(some, self.weights[some], rng) for some in members])

    def __len__(self) -> int:
        if self.seed is None:
            return math.ceil(len(self.order) / self.batch_size)
        return max(len(self.order) // self.batch_size, 1)  # a last short batch would weigh its pictures more

    def __getitem__(self, index: int):
        return self.batch(self.order[index * self.batch_size : (index + 1) * self.batch_size])

    def batch(self, chosen: np.ndarray):
        """Inputs and targets of the pictures with these numbers."""
        return {"image": self.part.images[chosen]}, {"label": self.part.labels[chosen]}


class MeanOverBatch(keras.losses.Loss):
    """The mean of losses `(B,)` already worked out: Keras weighs it rightly where several devices share a batch."""

    def call(self, y_true, y_pred):
        return y_pred


def as_often_as_due(indices: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As many indices, each as often as its weight says.

    Args:
        indices: int `(M,)`. weights: float `(M,)`, theirs.

    Returns:
        int `(M,)`: each one M times its part of all weights, rounded up or down by chance.

    Reference: Kitagawa 1996, "Monte Carlo Filter and Smoother for Non-Gaussian Nonlinear State Space Models", for
    systematic resampling.
    """
    due = np.cumsum(weights, dtype=np.float64)
    places = (np.arange(len(indices)) + rng.random()) * (due[-1] / len(indices))
    return indices[np.searchsorted(due, places, side="right")]


def keep_shares(indices: np.ndarray, source: np.ndarray | None, shares: Sequence[float]) -> np.ndarray:
    """The first `shares[k]` of the indices whose picture is of set k, for every k, in the order they were in."""
    for number, share in enumerate(shares):
        members = np.flatnonzero(source[indices] == number)
        indices = np.delete(indices, members[math.ceil(share * len(members)) :])
    return indices


def training_part(run: RunConfig, data: GlyphDataset) -> GlyphDataset:
    """What a run trains on; an epoch draws `dataset_share` of it."""
    return data.take(_limited(run, np.flatnonzero(data.split == TRAIN)))


def validation_part(run: RunConfig, data: GlyphDataset) -> GlyphDataset:
    """What a run is validated on: the same mixture of sets as an epoch of training, less what is redrawn."""
    anywhere = np.random.default_rng(run.seed).permutation(np.flatnonzero(data.split == VALIDATION))
    chosen = keep_shares(anywhere, data.source, run.dataset_share)  # of all classes, also where the set is sorted
    return data.take(_limited(run, np.sort(chosen)))


def _limited(run: RunConfig, indices: np.ndarray) -> np.ndarray:
    if run.limit is None:
        return indices
    return np.sort(np.random.default_rng(run.seed).permutation(indices)[: run.limit])

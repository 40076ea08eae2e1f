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
        weights: float `(N,)`, a picture's share of its set's places in an epoch being its weight's among the set's:
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
        self.order = rng.permutation(len(self.part.labels))
        if self.weights is None:
            self.order = keep_shares(self.order, self.part.source, self.shares)
        else:
            self.order = rng.permutation(self._weighed(rng))

    def _weighed(self, rng: np.random.Generator) -> np.ndarray:
        """The epoch's pictures as often as they weigh: of every set as many as its share is."""
        source = np.zeros_like(self.order) if self.part.source is None else self.part.source[self.order]
        drawn = []
        for number in np.unique(source):
            members = self.order[source == number]
            count = _count_of(self.shares[number], len(members)) if self.shares else len(members)
            drawn.append(as_often_as_due(members, self.weights[members], count, rng))
        return np.concatenate(drawn)

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


def as_often_as_due(indices: np.ndarray, weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Some of the indices, each as often as its weight says: one may come more than once.

    Args:
        indices: int `(M,)`.
        weights: float `(M,)`, theirs.
        count: N, of those returned.

    Returns:
        int `(N,)`: each one N times its part of all weights, rounded up or down by chance.

    Reference: Kitagawa 1996, "Monte Carlo Filter and Smoother for Non-Gaussian Nonlinear State Space Models", for
    systematic resampling.
    """
    due = np.cumsum(weights, dtype=np.float64)
    places = (np.arange(count) + rng.random()) * (due[-1] / count)
    return indices[np.searchsorted(due, places, side="right")]


def weights_of_rare(labels: np.ndarray, groups: np.ndarray, rarity: float) -> np.ndarray:
    """How often members of small groups are to be drawn so that large ones do not outweigh them.

    A member weighs (members of its group) ** -`rarity`, over the mean of that among those of its label.

    Args:
        labels: int `(N,)`. groups: int `(N,)`, each within a label. rarity: 0: as often as there are; 1: all groups of
            a label as often.

    Returns:
        float64 `(N,)`; for each label the mean is 1.
    """
    return over_means(np.bincount(groups)[groups] ** -float(rarity), labels)


def over_means(weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Weights `(N,)` over the mean of those of their label, so that no label is drawn more often than it was."""
    means = np.bincount(labels, weights) / np.maximum(np.bincount(labels), 1)
    return weights / means[labels]


def weights_of_writers(part: GlyphDataset, evenness: float) -> np.ndarray:
    """`weights_of_rare` of what each writer wrote of a character, in each of joined sets by itself; `(N,)`.

    Pictures drawn anew from strokes count as one set, whichever sets these are of.
    """
    labels = labels_by_set(part)
    return weights_of_rare(labels, _numbered(labels, part.writers), evenness)


def labels_by_set(part: GlyphDataset) -> np.ndarray:
    """Labels `(N,)` that are others in each of joined sets."""
    return part.labels if part.source is None else _numbered(part.source, part.labels)


def _numbered(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pairs of numbers as numbers from 0, `(N,)`: equal pairs have the same."""
    return np.unique(first.astype(np.int64) * (int(second.max()) + 1) + second, return_inverse=True)[1]


def keep_shares(indices: np.ndarray, source: np.ndarray | None, shares: Sequence[float]) -> np.ndarray:
    """The first `shares[k]` of the indices whose picture is of set k, for every k, in the order they were in."""
    for number, share in enumerate(shares):
        members = np.flatnonzero(source[indices] == number)
        indices = np.delete(indices, members[_count_of(share, len(members)) :])
    return indices


def _count_of(share: float, there: int) -> int:
    """How many pictures a share is: no more than there are, also where it is above 1."""
    return min(math.ceil(share * there), there)


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

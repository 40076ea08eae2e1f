"""The frame that every model file fills in: what `train.py` needs to know of a model beside the model."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import keras
import numpy as np

from batches import EVALUATION_BATCH, GlyphBatches, training_part, validation_part, weights_of_writers
from config import SIGNS, RunConfig
from data_processor import GlyphDataset
from pen_strokes import Strokes
from readers import Recogniser
from redrawing import with_redrawn

StrokesBySet = Mapping[int, Strokes] | None


def _shows_sign(part: GlyphDataset) -> np.ndarray:
    return np.isin(list(part.alphabet), list(SIGNS))[part.labels]


class ModelTask(ABC):
    """One run of one kind of model.

    Args:
        run: The resolved configuration.
        data: The joined data set on the model's alphabet.
        strokes: Pen strokes of the joined sets that have them, by the sets' number, if the run redraws characters.
    """

    kind: ClassVar[str]
    """What the model does, as its card calls it."""
    stated: ClassVar[tuple[str, ...]]
    """Settings of the model that its card states, too, in this order."""
    reader: Recogniser | None = None
    """A trained reader that what is handed over is a function of, too."""

    def __init__(self, run: RunConfig, data: GlyphDataset, strokes: StrokesBySet = None):
        self.run, self.data, self.strokes = run, data, strokes

    @staticmethod
    @abstractmethod
    def untrained(run: RunConfig) -> keras.Model:
        """The model a run begins with. It has `parts()`, what a user runs, by ONNX file name, and `index_limits`."""

    def build(self) -> keras.Model:
        """The untrained model of this run."""
        return self.untrained(self.run)

    @cached_property
    def validation(self) -> GlyphDataset:
        """What the run is validated on."""
        return validation_part(self.run, self.data)

    def batches(self, part: GlyphDataset, batch_size: int, **drawn) -> GlyphBatches:
        """Pictures as the model takes them; arguments as of `GlyphBatches`."""
        return GlyphBatches(part, batch_size, **drawn)

    def weights(self, part: GlyphDataset) -> np.ndarray | None:
        """How often pictures of the training part are drawn, float `(N,)`, as of `GlyphBatches`; None: each once."""
        return weights_of_writers(part, self.run.evenness) if self.run.evenness else None

    def training_batches(self) -> GlyphBatches:
        """What it learns from: `set_epoch(number)` makes an epoch of it, a function of (seed, number)."""
        run = self.run
        part, shares = training_part(run, self.data), run.dataset_share
        if run.redrawn:
            number = len(run.dataset)  # of the set that redrawn pictures are; their signs are the next
            part = with_redrawn(part, number, self.strokes, run.redrawn, run.seed)
            part = replace(part, source=part.source + ((part.source == number) & _shows_sign(part)))
            shares = (*(shares or [1.0] * len(run.dataset)), 1 / run.redrawn, run.redrawn_signs / run.redrawn)
        return self.batches(part, run.batch_size, seed=run.seed, shares=shares, weights=self.weights(part))

    def validation_batches(self) -> GlyphBatches:
        """What it is validated on, always the same."""
        return self.batches(self.validation, EVALUATION_BATCH)

    @abstractmethod
    def draw(self, model: keras.Model) -> dict[str, np.ndarray]:
        """Pictures of where the training stands, uint8 `(H, W)` or `(H, W, 3)`; `progress` goes into the GIF, too."""

    @abstractmethod
    def features(self, model: keras.Model, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """What the projector shows of uint8 images with these labels: float32 `(N, C)`."""

    def card(self, model: keras.Model) -> dict:
        """What the model card says of this kind of model beside what it says of every model."""
        return {"task": self.kind, **{name: getattr(self.run.model, name) for name in self.stated}}

    # Hooks: what most models have no need of.

    def settle(self, model: keras.Model) -> None:  # noqa: B027 (not every model has something to settle)
        """Makes what is no weight fit the weights, which are averages when this is called, before every validation."""

    def validate(self, model: keras.Model, epoch: int) -> dict[str, float]:
        """Figures that join those of the validation batches after every epoch, or take the place of one by its name.

        Such as `loss`, by which the best epoch is chosen. The weights are averages, as of `settle`.

        Args:
            epoch: Its number, from 0.
        """
        return {}

    def finish(self, model: keras.Model) -> None:  # noqa: B027 (likewise)
        """Does what is left to do to the best weights before they are handed over; a function of them alone."""

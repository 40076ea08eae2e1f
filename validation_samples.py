"""How good generated pictures are, told after every epoch: held against written ones through the eyes of a reader."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from feature_distances import frechet_distance
from generator_metrics import distances_within
from readers import Recogniser
from runtime import find_models, place_of

COLLAPSED = 0.25  # of the diversity, or of the share, that a class has in handwriting: below it, it counts as lost
PROJECTED = 64  # random projections of the pixels, where there is no reader


def find_reader(name: str, alphabet: str, image_size: int, models_dir: Path | None = None) -> Recogniser | None:
    """The trained recogniser of this name or, with a note, None where it is missing or cannot read these characters.

    Args:
        models_dir: Where it is looked for before the usual places.

    Raises:
        UserError: It is damaged, or no recogniser.
    """
    place = place_of(name, models_dir)
    if name not in find_models(place):
        reason = "there is no such model"
    else:
        reader = Recogniser.open(name, place)
        unread = "".join(character for character in alphabet if character not in reader.alphabet)
        if not unread and reader.image_size == image_size:
            return reader
        reason = f"it does not read {unread!r}" if unread else f"it reads pictures of {reader.image_size} pixels"
    print(f"note: epochs are compared by the pixels of their pictures, not by what {name} sees in them: {reason}")
    return None


class Verdict(NamedTuple):
    """What is to be said of generated pictures."""

    figures: dict[str, float]
    """`frechet`: distance to written pictures. `diversity`: of a class's pictures, over that of written ones, the mean
    over classes of two pictures or more of either; 0 for one that is missing. `collapsed`: how many classes are lost.
    `legibility`: share read as asked."""
    collapsed: str
    """The characters of these classes."""


class SampleCheck:
    """Holds generated pictures against as many written ones.

    Args:
        images: uint8 `(N, S, S, 1)`, written, of the validation part. labels: int `(N,)`.
        alphabet: Characters in label order.
        reader: Whose features count, and who reads; without one, a fixed random projection of the pixels, unread.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, alphabet: str, reader: Recogniser | None):
        self.alphabet, self.reader = alphabet, reader
        axes = np.random.default_rng(0).standard_normal((images[0].size, PROJECTED), np.float32)
        self.axes = axes / np.sqrt(images[0].size)
        self.features, _ = self._seen(images)
        self.diversity, self.shares = self._by_class(self.features, labels)

    def judge(self, drawn: np.ndarray, asked: np.ndarray | None) -> Verdict:
        """Judges generated pictures.

        Args:
            drawn: uint8 `(N, S, S, 1)`. asked: int `(N,)`, which characters they shall be, in the shares of the written
                ones; None where nothing was asked for, so that what is read stands for it.
        """
        features, read = self._seen(drawn)
        figures = {"frechet": frechet_distance(features, self.features)}
        if asked is not None and read is not None:
            figures["legibility"] = float((read == asked).mean())
        classes = read if asked is None else asked
        if classes is None:
            return Verdict(figures, "")
        diversity, shares = self._by_class(features, classes)
        with np.errstate(divide="ignore", invalid="ignore"):
            kept = np.where((shares == 0) & np.isfinite(self.diversity), 0.0, diversity / self.diversity)
        lost = (kept < COLLAPSED) | (shares < COLLAPSED * self.shares)
        if np.isfinite(kept).any():
            figures["diversity"] = float(kept[np.isfinite(kept)].mean())
        figures["collapsed"] = float(lost.sum())
        return Verdict(figures, "".join(np.array(list(self.alphabet))[lost]))

    def _seen(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Features float `(N, F)`, and labels int `(N,)` as read, None without a reader."""
        if self.reader is None:
            return images.reshape(len(images), -1) / np.float32(255) @ self.axes, None
        reading = self.reader.recognise(images)
        columns = [self.reader.alphabet.index(character) for character in self.alphabet]
        return reading.features, reading.probabilities[:, columns].argmax(axis=1)

    def _by_class(self, features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each class: how far its pictures lie apart, NaN where there are not two, and its share; float `(K,)`."""
        counts = np.bincount(labels, minlength=len(self.alphabet))
        diversity = np.full(len(counts), np.nan)
        for label in np.flatnonzero(counts > 1):
            group = features[labels == label]
            diversity[label] = distances_within(group).mean()
        return diversity, counts / len(labels)

"""Which test pictures a model is measured on, and what it may read in them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from config import ALNUM, ALPHABETS, DIGITS, IMAGE_SIZE, LETTERS, SIGNS, characters_of
from data_files import data_directory
from data_processor import TEST, GlyphDataset, load, relabelled
from runtime import TrainedModel
from shell import UserError

PHOTOS = "photos"
KINDS = {"digits": DIGITS, "letters": LETTERS, "letters and digits": ALNUM, "signs": SIGNS}
"""What a group of characters is called; of several names the first that fits."""
ALL = "all"


class Pictures(NamedTuple):
    """Test pictures of one data set, and what they show."""

    dataset: str
    kind: str
    """What their characters are called together."""
    images: np.ndarray
    """uint8 (N, S, S, 1), N at least 1."""
    labels: np.ndarray
    """int (N,), on the model's alphabet."""
    narrowings: dict[str, str | None]
    """Characters that may be read (None: all), by what they are called; the one that suits the pictures first."""

    @property
    def name(self) -> str:
        return self.dataset if self.dataset == self.kind else f"{self.dataset} {self.kind}"

    @property
    def suiting(self) -> str:
        """The narrowing that suits the pictures."""
        return next(iter(self.narrowings))

    @property
    def allowed(self) -> str | None:
        """The characters that may be read with that narrowing; None: all."""
        return self.narrowings[self.suiting]

    def spread(self, count: int) -> "Pictures":
        """At most `count` of them, spread evenly over the set, hence over its writers."""
        chosen = np.linspace(0, len(self.labels), min(count, len(self.labels)), endpoint=False).astype(int)
        return self._replace(images=self.images[chosen], labels=self.labels[chosen])


def pictures_for(model: TrainedModel, names: Sequence[str] = (), data_dir: Path | None = None,
                 alphabet: str | None = None) -> list[Pictures]:  # fmt: skip
    """The test parts to measure a model on, each in groups of characters of one kind.

    Args:
        names: Data sets; by default those the model was trained on, and photographs where there are some.
        alphabet: Characters that may be read, and that the pictures then are of; by default as suits the pictures,
            and all.

    Raises:
        UserError: The model does not know the alphabet, a set has no test picture of a character that it reads, or a
            set cannot be loaded.
    """
    wanted = model.alphabet if alphabet is None else characters_of(alphabet)
    model.log_prior(wanted)  # refused before anything is loaded
    parts = []
    for name in names or trained_on(model):
        test = _test_part(name, model, data_dir)
        parts.append(_only(test, model, wanted))
        if not len(parts[-1].labels):
            raise UserError(f"model {model.card['name']!r} is to read {wanted!r}, and the test part of {name} holds "
                            f"{_characters_in(test) or 'nothing'!r}: expected a character in common, received none; "
                            f"choose another --dataset or --alphabet")  # fmt: skip
    if not names and (data_directory(data_dir) / PHOTOS).is_dir():
        parts.append(_only(_test_part(PHOTOS, model, data_dir), model, wanted))
    return [group for part in parts for group in _groups(part, model, alphabet)]


def trained_on(model: TrainedModel) -> list[str]:
    """Names of the data sets that a model was trained on.

    Raises:
        UserError: Its card does not tell.
    """
    data = model.card.get("data")
    name = data.get("name") if isinstance(data, dict) else None
    if not isinstance(name, str):
        raise UserError(f"model {model.card['name']!r}: expected a card that names the data it was trained on, "
                        f"received none; name a --dataset")  # fmt: skip
    return name.split("+")


def _test_part(name: str, model: TrainedModel, data_dir: Path | None) -> GlyphDataset:
    data = load(name, data_dir, image_size=model.card.get("image_size", IMAGE_SIZE))
    return data.take(np.flatnonzero(data.split == TEST))


def _only(data: GlyphDataset, model: TrainedModel, wanted: str) -> GlyphDataset:
    """The pictures of the characters wanted, labelled on the model's alphabet."""
    part = relabelled(data, model.alphabet)
    labels = [label for label, character in enumerate(model.alphabet) if character in wanted]
    return part.take(np.flatnonzero(np.isin(part.labels, labels)))


def _characters_in(data: GlyphDataset) -> str:
    return "".join(data.alphabet[label] for label in np.unique(data.labels))


def _groups(part: GlyphDataset, model: TrainedModel, alphabet: str | None) -> Iterator[Pictures]:
    """A set's letters and digits, and the rest of it; or all of it where an alphabet is asked for."""
    written = np.isin(part.labels, [label for label, character in enumerate(model.alphabet) if character in ALNUM])
    for chosen in [np.ones_like(written)] if alphabet is not None else [written, ~written]:
        if chosen.any():
            group = part.take(np.flatnonzero(chosen))
            kind = _kind(_characters_in(group))
            yield Pictures(_title(part.name), kind, group.images, group.labels, _narrowings(kind, model, alphabet))


def _kind(characters: str) -> str:
    return next((name for name, members in KINDS.items() if set(characters) <= set(members)), "characters")


def _narrowings(kind: str, model: TrainedModel, alphabet: str | None) -> dict[str, str | None]:
    if alphabet is not None:
        return {alphabet if alphabet in ALPHABETS else repr(alphabet): characters_of(alphabet)}
    if kind not in ("digits", "letters", "letters and digits"):  # nobody expects signs alone
        return {ALL: None}
    narrow = "".join(character for character in model.alphabet if character in KINDS[kind])
    return {kind: narrow} | ({ALL: None} if narrow != model.alphabet else {})


def _title(name: str) -> str:
    """A data set's name without the folders that lead to it: a card says nothing of the machine."""
    kind, colon, path = name.rpartition(":")
    return f"{kind}{colon}{Path(path).resolve().name}" if kind == "folder" else Path(name).name

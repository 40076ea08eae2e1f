"""Which test pictures a model is measured on, and what it may read in them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from config import ALNUM, ALPHABETS, DIGITS, IMAGE_SIZE, LETTERS, SIGNS, characters_of
from data_files import data_directory
from data_pictures import PHOTOS, has_photos
from data_processor import SEEDS, TEST, VALIDATION, GlyphDataset, joined_sha256, load, relabelled
from runtime import TrainedModel, is_list_of_names, told_by
from shell import UserError, spelt_out

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
    writers: np.ndarray | None = None
    """int (N,), an equal number is the same writer; None where unknown."""
    learned: bool = False
    """Whether a model was trained on them, less those it was validated on."""
    some_left_out: bool = False
    """Whether that training may have done without some of them; which is not told."""
    validation: np.ndarray | None = None
    """bool (N,), which of them are of the validation part; None where that is not told."""

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

    @property
    def trained_on(self) -> "Pictures | None":
        """Those that a model was trained on, and with `some_left_out` more; None where there are none such."""
        if not self.learned:
            return None
        if self.validation is None:
            return self
        return None if self.validation.all() else self._take(np.flatnonzero(~self.validation))

    @property
    def classes(self) -> np.ndarray:
        """int (C,): the labels that occur, in order."""
        return np.unique(self.labels)

    def spread(self, count: int) -> "Pictures":
        """At most `count` of them, spread evenly over the set, hence over its writers."""
        return self._take(np.linspace(0, len(self.labels), min(count, len(self.labels)), endpoint=False).astype(int))

    def drawn(self, count: int, seed: int) -> "Pictures":
        """At most `count` of them, drawn at random: in MNIST two sources alternate, so that every other is of one."""
        return self._take(np.sort(self._shuffled(seed)[:count]))

    def drawn_apart(self, count: int, most: int, seed: int) -> list["Pictures"]:
        """At most so many samples of `count` drawn at random, without a picture in common."""
        order = self._shuffled(seed)
        return [self._take(order[time * count : (time + 1) * count]) for time in range(min(most, len(order) // count))]

    def stratified(self, count: int) -> "Pictures":
        """At most `count` of them, of each class by its share: what a mean over all is best told by."""
        return self._take(np.argsort(self.labels, kind="stable")).spread(count)

    def samples(self, labels: np.ndarray, most: int, seed: int) -> list["Pictures"]:
        """At most so many samples without a picture in common, picture n of each of the class that labels `(N,)` say.

        There are none where a class has too few pictures.
        """
        order = self._shuffled(seed)
        wanted = dict(zip(*np.unique(labels, return_counts=True), strict=True))
        held = {label: order[self.labels[order] == label] for label in wanted}
        times = min(most, *(len(held[label]) // count for label, count in wanted.items()))
        chosen = np.empty((times, len(labels)), int)
        for label, count in wanted.items():
            chosen[:, labels == label] = held[label][: times * count].reshape(times, count)
        return [self._take(one) for one in chosen]

    def _shuffled(self, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).permutation(len(self.labels))

    def _take(self, chosen: np.ndarray) -> "Pictures":
        writers, validation = (None if one is None else one[chosen] for one in (self.writers, self.validation))
        return self._replace(images=self.images[chosen], labels=self.labels[chosen], writers=writers,
                             validation=validation)  # fmt: skip


class Loaded(NamedTuple):
    """What a model is measured on."""

    pictures: list[Pictures]
    note: str
    """What is to be said of the data as a whole, or nothing."""


def data_for(model: TrainedModel, names: Sequence[str] = (), data_dir: Path | None = None,
             alphabet: str | None = None) -> Loaded:  # fmt: skip
    """The pictures to measure a model on, each set in groups of characters of one kind.

    Args:
        names: Data sets; by default those the model was trained on, less those of which it reads nothing, and
            photographs where there are some. Of a set that the model was not trained on, and that names no test part,
            all is taken.
        alphabet: Characters that may be read, and that the pictures then are of; by default as suits the pictures,
            and all.

    Raises:
        UserError: The model does not know the alphabet; a set named, or every default set, has no picture of a
            character that it reads, or has words for classes where the model has characters, or the other way round;
            or a set cannot be loaded.
    """
    wanted = model.alphabet if alphabet is None else characters_of(alphabet)
    model.log_prior(wanted)  # refused before anything is loaded
    chosen = list(dict.fromkeys(names)) or trained_on(model)
    sets = [_load(name, model, data_dir) for name in chosen]
    note = "" if names else _note_of_change(model, sets)
    if not names and not _words(model) and PHOTOS not in chosen and has_photos(data_directory(data_dir)):
        sets.append(_load(PHOTOS, model, data_dir))
    tests = [_to_measure(data, model) for data in sets]
    parts = [_only(test, model, wanted) for test in tests]
    for test, part in zip(tests, parts, strict=True):
        if not len(part.labels) and (names or not any(len(one.labels) for one in parts)):
            raise UserError(_nothing_in_common(test, model, wanted))
    named = zip(_titles([data.name for data in sets]), parts, strict=True)
    return Loaded([group for title, part in named for group in _groups(title, part, model, alphabet)], note)


def by_dataset(sets: Sequence[Pictures]) -> list[list[Pictures]]:
    """The groups of each data set, in the order of the sets."""
    names = dict.fromkeys(pictures.dataset for pictures in sets)
    return [[pictures for pictures in sets if pictures.dataset == name] for name in names]


def joined(groups: Sequence[Pictures]) -> Pictures:
    """The groups of one data set as one, of which everything may be read; one group stays as it is."""
    if len(groups) == 1:
        return groups[0]
    images, labels = (np.concatenate([getattr(one, name) for one in groups]) for name in ("images", "labels"))
    writers = None if groups[0].writers is None else np.concatenate([one.writers for one in groups])
    return Pictures(groups[0].dataset, "characters", images, labels, {ALL: None}, writers)


def training_pictures(
    model: TrainedModel, test: Pictures, names: Sequence[str] = (), data_dir: Path | None = None
) -> Pictures | None:
    """What a data set holds of the same characters beside its test part: there to train on, and to choose by.

    Args:
        test: Of `data_for`, with the same names and folder.

    Returns:
        None where there is none: all of the set is test pictures, or the rest shows other characters.
    """
    chosen = list(dict.fromkeys(names)) or trained_on(model)
    named = dict(zip(_titles(chosen), chosen, strict=True))
    if test.dataset not in named:  # photographs, which were added to the model's own sets
        return None
    data = _load(named[test.dataset], model, data_dir)
    rest = _as_its_own(data.take(np.flatnonzero(data.split != TEST)), model)
    kept = rest.take(np.flatnonzero(np.isin(rest.labels, test.classes)))
    if _all_is_test(data, model) or not len(kept.labels):
        return None
    learned, config = _title(data.name) in _titles_seen(model), told_by(model.card, "config")
    left_out = learned and bool(config.get("cleaned_by") or config.get("limit"))
    return test._replace(images=kept.images, labels=kept.labels, writers=kept.writers, learned=learned,
                         some_left_out=left_out, validation=kept.split == VALIDATION)  # fmt: skip


def trained_on(model: TrainedModel) -> list[str]:
    """Names of the data sets that a model was trained on.

    Raises:
        UserError: Its card does not tell.
    """
    listed = told_by(model.card, "config").get("dataset")
    if is_list_of_names(listed):
        return list(listed)
    name = told_by(model.card, "data").get("name")
    if not isinstance(name, str):
        raise UserError(f"model {model.card['name']!r}: expected a card that names the data it was trained on, "
                        f"received none; name a --dataset")  # fmt: skip
    return name.split("+")


def _load(name: str, model: TrainedModel, data_dir: Path | None) -> GlyphDataset:
    """A set, its validation part as the model's training drew it."""
    seed = model.card.get("seed")
    return load(name, data_dir, seed=seed if isinstance(seed, int) and seed in SEEDS else 0,
                image_size=model.card.get("image_size", IMAGE_SIZE))  # fmt: skip


def _note_of_change(model: TrainedModel, sets: Sequence[GlyphDataset]) -> str:
    """A sentence where the sets that a model was trained on are not what they were.

    Nothing where they were cleaned before: the card's sha256 is that of what was left.
    """
    expected, cleaned = told_by(model.card, "data").get("sha256"), told_by(model.card, "config").get("cleaned_by")
    if cleaned or not isinstance(expected, str) or joined_sha256(sets, model.alphabet) == expected:
        return ""
    titles = ", ".join(_titles([one.name for one in sets]))
    return (f"{titles}: not the data that the model was trained on, as their sha256 is another than its card tells; "
            f"pictures it has seen may be among those of the test.")  # fmt: skip


def _to_measure(data: GlyphDataset, model: TrainedModel) -> GlyphDataset:
    """The test part; all of a set that names none, and that the model has not seen."""
    return data if _all_is_test(data, model) else data.take(np.flatnonzero(data.split == TEST))


def _all_is_test(data: GlyphDataset, model: TrainedModel) -> bool:
    seen = _titles_seen(model) or {_title(data.name)}  # if nobody knows: a part at least
    return data.test_drawn and _title(data.name) not in seen


def _titles_seen(model: TrainedModel) -> set[str]:
    """What the sets are called that a model was trained on, however their names were written; none where unknown."""
    try:
        return {_title(name) for name in trained_on(model)}
    except UserError:
        return set()


def _nothing_in_common(test: GlyphDataset, model: TrainedModel, wanted: str) -> str:
    if not len(test.labels):
        return f"{test.name}: expected pictures to measure on, received none; add some, or choose another --dataset"
    return (f"model {model.card['name']!r} is to read {wanted!r}, and the test part of {test.name} holds "
            f"{_characters_in(test)!r}: expected a character in common, received none; choose another --dataset or "
            f"--alphabet")  # fmt: skip


def _as_its_own(data: GlyphDataset, model: TrainedModel) -> GlyphDataset:
    """The set on the model's alphabet.

    Raises:
        UserError: Its classes are words that the model did not learn, or the model learned words and it has others.
    """
    words, own = data.has_words and list(data.class_names), _words(model)
    if own and words != own:
        raise UserError(f"{data.name}: expected classes as model {model.card['name']!r} learned them, such as "
                        f"{own[-1]!r}, received others; choose another --dataset")  # fmt: skip
    return relabelled(data, model.alphabet, words=bool(own))


def _words(model: TrainedModel) -> list[str]:
    """What a model's characters stand for, where it learned words; none elsewhere."""
    words = told_by(model.card, "data").get("words")
    return words if is_list_of_names(words) else []


def _only(data: GlyphDataset, model: TrainedModel, wanted: str) -> GlyphDataset:
    """The pictures of the characters wanted, labelled on the model's alphabet."""
    part = _as_its_own(data, model)
    labels = [label for label, character in enumerate(model.alphabet) if character in wanted]
    return part.take(np.flatnonzero(np.isin(part.labels, labels)))


def _characters_in(data: GlyphDataset) -> str:
    return "".join(data.alphabet[label] for label in np.unique(data.labels))


def _groups(title: str, part: GlyphDataset, model: TrainedModel, alphabet: str | None) -> Iterator[Pictures]:
    """A set's letters and digits, and the rest of it; or all of it where an alphabet is asked for."""
    written = np.isin(part.labels, [label for label, character in enumerate(model.alphabet) if character in ALNUM])
    for chosen in [np.ones_like(written)] if alphabet is not None else [written, ~written]:
        if chosen.any():
            group = part.take(np.flatnonzero(chosen))
            kind = _kind(_characters_in(group))
            allowed = _narrowings(kind, model, alphabet)
            yield Pictures(title, kind, group.images, group.labels, allowed, group.writers)


def _kind(characters: str) -> str:
    return next((name for name, members in KINDS.items() if set(characters) <= set(members)), "characters")


def _narrowings(kind: str, model: TrainedModel, alphabet: str | None) -> dict[str, str | None]:
    if alphabet is not None:
        return {alphabet if alphabet in ALPHABETS else repr(alphabet): characters_of(alphabet)}
    if kind not in ("digits", "letters", "letters and digits"):  # nobody expects signs alone
        return {ALL: None}
    narrow = "".join(character for character in model.alphabet if character in KINDS[kind])
    return {kind: narrow} | ({ALL: None} if narrow != model.alphabet else {})


def _titles(names: Sequence[str]) -> list[str]:
    """What sets are called, no two alike: of those with the same last name, the later are numbered."""
    counts, titles = Counter(), []
    for title in map(_title, names):
        counts[title] += 1
        titles.append(title if counts[title] == 1 else f"{title} ({counts[title]})")
    return titles


def _title(name: str) -> str:
    """A data set's name without the folders that lead to it: a card says nothing of the machine, and is in UTF-8."""
    kind, colon, path = name.rpartition(":")
    title = f"{kind}{colon}{Path(path).resolve().name}" if kind == "folder" else Path(name).name
    return spelt_out(title)

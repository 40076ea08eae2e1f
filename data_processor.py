"""Handwriting in, whatever the source: `load(name)` gives one GlyphDataset. As a script: shows what is in a data set.

python data_processor.py mnist
python data_processor.py digits folder:my_letters --out images
"""

import hashlib
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import tyro
from PIL import Image, ImageDraw

from config import IMAGE_SIZE, IMAGE_SIZES, in_words
from data_files import data_directory
from data_pictures import PHOTOS, read_digits, read_folder, read_photos, read_sd19
from data_sources import (
    EMNIST_ALPHABETS,
    SPLIT_NAMES,
    TEST,
    TRAIN,
    VALIDATION,
    SourceData,
    find_npz,
    read_emnist,
    read_mnist,
    read_npz,
)
from drawing import GAP_GREY, caption_font, tile
from picture import to_glyph
from shell import UserError, did_you_mean, named, parse, run_script, written_whole

__all__ = ["NAMES", "TEST", "TRAIN", "VALIDATION", "GlyphDataset", "load", "load_joined", "to_glyph"]

NAMES = ("mnist", "fashion-mnist", *(f"emnist-{part}" for part in EMNIST_ALPHABETS), "sd19", "unipen94", PHOTOS,
         "digits")  # fmt: skip
VALIDATION_SHARE = 0.1  # of the training part
TEST_SHARE = {"digits": 0.2}  # of the sets that come without a test part; 0.1 for the others
SEEDS = range(2**32)  # that NumPy's RandomState takes
PER_PICTURE = ("images", "labels", "split", "writers", "source", "numbers")  # fields of GlyphDataset
TEST_SEED = 0  # one test part whatever the run's seed, or a model could be tested on what another seed trained it on


@dataclass(frozen=True, eq=False)
class GlyphDataset:
    """Labelled glyphs in three parts. Train on TRAIN, choose by VALIDATION, touch TEST only to report."""

    name: str
    images: np.ndarray
    """uint8 (N, S, S, 1), white ink on black paper, upright, framed as MNIST."""
    labels: np.ndarray
    """int32 (N,), an index into alphabet."""
    alphabet: str
    class_names: tuple[str, ...]
    """tuple(alphabet), but where classes are words: then the alphabet's characters only stand in for them."""
    split: np.ndarray
    """uint8 (N,) of TRAIN, VALIDATION, TEST."""
    writers: np.ndarray | None = None
    """int32 (N,), an equal number is the same writer; None where unknown."""
    source: np.ndarray | None = None
    """uint8 (N,), which of the joined sets an image is of, in the order they were named; None for a single set."""
    numbers: np.ndarray | None = None
    """int32 (N,), the place of a character in its set's files, where its pen strokes are found, too."""
    test_drawn: bool = False
    """Whether the source names no test part, so that it was drawn; not told of joined sets."""

    @cached_property
    def sha256(self) -> str:
        """Names the data on a model card: the hash of images, labels, alphabet and split, the same on any machine."""
        return _sha256([self], self.alphabet)

    @property
    def has_words(self) -> bool:
        """Whether some classes are words, so that the alphabet's characters only stand in for them all."""
        return self.class_names != tuple(self.alphabet)

    def part(self, split: int) -> tuple[np.ndarray, np.ndarray]:
        """Images and labels of TRAIN, VALIDATION or TEST, in the order of the set."""
        chosen = self.split == split
        return self.images[chosen], self.labels[chosen]

    def take(self, indices: np.ndarray) -> "GlyphDataset":
        """The set of only these characters; everything else stays."""
        arrays = {name: getattr(self, name) for name in PER_PICTURE}
        return replace(self, **{name: None if array is None else array[indices] for name, array in arrays.items()})

    def counts(self) -> np.ndarray:
        """int64 (K, 3): how many images a class has in each of TRAIN, VALIDATION and TEST."""
        parts = (self.labels[self.split == part] for part in SPLIT_NAMES.values())
        return np.stack([np.bincount(labels, minlength=len(self.alphabet)) for labels in parts], axis=1)


def load(name: str, data_dir: Path | None = None, *, seed: int = 0, image_size: int = IMAGE_SIZE) -> GlyphDataset:
    """Loads a data set, fetching its files if they are not there.

    Args:
        name: One of NAMES, the path of an .npz like unipen94's, or `folder:PATH` with a sub-folder a class.
        data_dir: Where the files lie; by default what the environment says, else `data/` beside the scripts.
        seed: Chooses the validation part: 10 % of the training part, stratified, of writers who are not in it if they
            are known. The test part is the source's own, or drawn once for all seeds.
        image_size: Side of the glyphs in pixels, 8 to 256; only sd19, photos and folders have other sizes than 28.

    Raises:
        UserError: The name is unknown, or files are missing, damaged or do not fit together.
    """
    if image_size not in IMAGE_SIZES:
        raise UserError(f"{name}: expected an image size from 8 to 256 pixels; received {image_size}; choose another")
    source = _read(name, data_directory(data_dir), image_size)
    split = np.zeros(len(source.labels), np.uint8) if source.split is None else source.split.copy()
    drawn = TEST not in split
    if drawn:
        _draw(split, TEST, source, TEST_SHARE.get(name, 0.1), TEST_SEED)
    if VALIDATION not in split:
        _draw(split, VALIDATION, source, VALIDATION_SHARE, seed)
    return GlyphDataset(name, source.images, source.labels, source.alphabet, source.class_names, split, source.writers,
                        numbers=np.arange(len(split), dtype=np.int32), test_drawn=drawn)  # fmt: skip


def _read(name: str, data_dir: Path, image_size: int) -> SourceData:
    if name == "sd19":
        return read_sd19(data_dir, image_size)
    if name == PHOTOS:
        return read_photos(data_dir, image_size)
    if name.startswith("folder:"):
        return read_folder(Path(name.removeprefix("folder:")).expanduser(), image_size)
    if name not in NAMES and not name.endswith(".npz"):
        meant = did_you_mean(name, NAMES) + (f" (did you mean 'folder:{name}'?)" if os.path.isdir(name) else "")
        raise UserError(f"unknown data set {name!r}{meant}; expected one of {', '.join(NAMES)}, "
                        f"the path of an .npz file, or folder:PATH")  # fmt: skip
    if image_size != IMAGE_SIZE:
        raise UserError(f"{name}: its glyphs are {IMAGE_SIZE} pixels wide; received image size {image_size}; only "
                        f"sd19, photos and folder:PATH come in other sizes")  # fmt: skip
    if name == "digits":
        return read_digits()
    if name.startswith("emnist-"):
        return read_emnist(name, data_dir)
    if name.endswith("mnist"):
        return read_mnist(name, data_dir)
    return read_npz(find_npz(name, data_dir))


def _draw(split: np.ndarray, part: int, source: SourceData, share: float, seed: int) -> None:
    """Marks `share` of the training characters as `part`, in place."""
    candidates = np.flatnonzero(split == TRAIN)
    labels = source.labels[candidates]
    writers = None if source.writers is None else source.writers[candidates]
    nobody_to_keep_apart = writers is None or len(np.unique(writers)) < 2 or np.bincount(labels).max() < 2
    if nobody_to_keep_apart:
        split[candidates[stratified_sample(labels, share, seed)]] = part
    else:
        split[candidates[sample_of_writers(labels, writers, share, seed)]] = part


def stratified_sample(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Indices (M,) of a seeded draw of `share` of every class: at least one, but never a class's only image."""
    order = np.random.RandomState(seed).permutation(len(labels))  # RandomState, as NumPy froze its streams for good
    by_class = order[np.argsort(labels[order], kind="stable")]
    groups = np.split(by_class, np.cumsum(np.bincount(labels))[:-1])
    sizes = [max(round(share * len(group)), min(1, len(group) - 1)) for group in groups]
    return np.sort(np.concatenate([group[:size] for group, size in zip(groups, sizes, strict=True)]))


def sample_of_writers(labels: np.ndarray, writers: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Indices (M,) of all characters of some writers: about `share` of every class, as near as whole writers allow."""
    from sklearn.model_selection import StratifiedGroupKFold  # loaded here: it costs over a second

    folds = min(round(1 / share), len(np.unique(writers)), np.bincount(labels).max())
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of classes too small to be in every fold: as near as can be
        drawn = [fold for _, fold in splitter.split(labels, labels, writers)]
    return min(drawn, key=lambda fold: abs(len(fold) - share * len(labels)))


def evenly_spread(labels: np.ndarray, classes: int, count: int) -> np.ndarray:
    """Indices (M,) of at most `count` images: classes spread evenly over the alphabet, no image twice."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(classes + 1))
    wanted = np.linspace(0, classes, count, endpoint=False)  # the class of each, and how far into it
    chosen = [starts[int(w)] + int((w % 1) * (starts[int(w) + 1] - starts[int(w)])) for w in wanted
              if starts[int(w)] < starts[int(w) + 1]]  # fmt: skip
    return order[sorted(set(chosen))]


def load_joined(
    names: Sequence[str], alphabet: str, data_dir: Path | None = None, *, seed: int = 0, image_size: int = IMAGE_SIZE
) -> GlyphDataset:
    """Loads several sets as one, relabelled onto `alphabet`; characters outside it are dropped.

    Every set keeps its parts. Writers of different sets count as different; in a set that does not know its writers,
    every character counts as its own.

    Raises:
        UserError: One of several sets has words for classes, no set has some character of the alphabet, or there is
            nothing to train or to choose by; and as `load` does.
    """
    if not names or not alphabet or len(set(alphabet)) < len(alphabet):
        raise UserError(f"expected data sets and an alphabet with no character twice; received {names}, "
                        f"{in_words(alphabet)}")  # fmt: skip
    loaded = (load(name, data_dir, seed=seed, image_size=image_size) for name in names)
    sets = [relabelled(part, alphabet, words=len(names) == 1) for part in loaded]
    if sets[0].has_words:
        print(f"note: {sets[0].name}: its classes go by {_stand_ins(sets[0])}")
    joined = GlyphDataset(
        "+".join(names),
        np.concatenate([part.images for part in sets]),
        np.concatenate([part.labels for part in sets]),
        alphabet,
        sets[0].class_names,
        np.concatenate([part.split for part in sets]),
        _joined_writers(sets),
        np.repeat(np.arange(len(sets), dtype=np.uint8), [len(part.labels) for part in sets]),
        np.concatenate([part.numbers for part in sets]),
    )
    check_parts(joined)
    return joined


def joined_sha256(sets: Sequence[GlyphDataset], alphabet: str) -> str:
    """The hash of what `load_joined` makes of sets, without making it.

    Raises:
        UserError: One of several sets has words for classes.
    """
    return _sha256((relabelled(part, alphabet, words=len(sets) == 1) for part in sets), alphabet)


def _sha256(parts: Iterable[GlyphDataset], alphabet: str) -> str:
    """Hash of all images, then all labels, then all splits, then the alphabet; of the parts one is needed at a time."""
    digest, labels, splits = hashlib.sha256(), [], []
    for part in parts:
        digest.update(np.ascontiguousarray(part.images))
        labels.append(np.ascontiguousarray(part.labels, "<i4"))
        splits.append(np.ascontiguousarray(part.split))
    for array in (*labels, *splits):
        digest.update(array)
    digest.update(alphabet.encode())
    return digest.hexdigest()


def check_parts(data: GlyphDataset, advice: str = "add a data set with them or shorten the alphabet") -> None:
    """Refuses what cannot be trained on.

    Args:
        advice: What to do about it.

    Raises:
        UserError: There is nothing to train or to choose by, or no training picture of some character.
    """
    counts = data.counts()
    for part in ("train", "validation"):
        if len(data.labels) and not counts[:, SPLIT_NAMES[part]].any():
            raise UserError(f"{data.name}: expected images for {part} of {in_words(data.alphabet)}; all "
                            f"{len(data.labels):,} belong to other parts; {advice}")  # fmt: skip
    missing = [character for character, count in zip(data.alphabet, counts[:, TRAIN], strict=True) if not count]
    if missing:
        raise UserError(f"{data.name}: expected training images of every character of {in_words(data.alphabet)}; there "
                        f"are none of {named(''.join(missing))}; {advice}")  # fmt: skip


def relabelled(part: GlyphDataset, alphabet: str, words: bool = False) -> GlyphDataset:
    """The set on another alphabet, less the characters that this lacks.

    Args:
        words: Whether classes may be words, and go by the characters that stand for them: only where no other set has
            characters of that meaning.

    Raises:
        UserError: Its classes are words, and may not be, or the alphabet is not that of the characters that stand for
            them.
    """
    if part.has_words and not words:
        raise UserError(f"{part.name}: expected characters, received words such as {part.class_names[-1]!r} for "
                        f"classes; name no data set beside it, and no model trained on others")  # fmt: skip
    if part.has_words and set(alphabet) != set(part.alphabet):
        raise UserError(f"{part.name}: its classes are words, or some are, which go by {_stand_ins(part)}: expected "
                        f"these characters, received {in_words(alphabet)}; set --model.alphabet {part.alphabet}, or "
                        f"name every class by its character")  # fmt: skip
    names = dict(zip(part.alphabet, part.class_names, strict=True))
    new_label = np.array([alphabet.find(character) for character in part.alphabet], np.int32)  # -1: dropped
    kept = part.take(np.flatnonzero(new_label[part.labels] >= 0))
    class_names = tuple(names.get(character, character) for character in alphabet)
    return replace(kept, labels=new_label[kept.labels], alphabet=alphabet, class_names=class_names)


def _stand_ins(part: GlyphDataset) -> str:
    return ", ".join(f"{character} ({name})" for character, name in zip(part.alphabet, part.class_names, strict=True))


def _joined_writers(sets: Sequence[GlyphDataset]) -> np.ndarray | None:
    if all(part.writers is None for part in sets):
        return None
    joined, start = [], 0
    for part in sets:
        writers = np.arange(len(part.labels), dtype=np.int32) if part.writers is None else part.writers
        joined.append(writers + start)
        start += int(writers.max(initial=-1)) + 1
    return np.concatenate(joined).astype(np.int32)


def draw_contact_sheet(data: GlyphDataset, columns: int = 20) -> Image.Image:
    """Draws a row a class: its name, then `columns` images spread evenly over the set, hence over writers.

    They are training images, but of a set that has none.
    """
    shown = data.split == (TRAIN if TRAIN in data.split else TEST)
    size = data.images.shape[1]
    cells = np.full((len(data.class_names), columns, size, size, 1), GAP_GREY, np.uint8)
    for row, cell in enumerate(cells):
        members = np.flatnonzero((data.labels == row) & shown)
        spread = members[np.linspace(0, len(members) - 1, min(columns, len(members))).astype(int)]
        cell[: len(spread)] = data.images[spread]
    glyphs, font = Image.fromarray(tile(cells)), caption_font(max(12, size // 2))
    margin = 8 + max(int(font.getlength(name)) for name in data.class_names)
    sheet = Image.new("L", (margin + glyphs.width, glyphs.height), GAP_GREY)
    sheet.paste(glyphs, (margin, 0))
    pen = ImageDraw.Draw(sheet)
    for row, name in enumerate(data.class_names):
        middle = (row + 0.5) * glyphs.height / len(cells)
        pen.text((4, middle), name, fill=255, font=font, anchor="lm")
    return sheet


def describe(data: GlyphDataset) -> str:
    """A table of what the set holds: size, alphabet, writers, hash, and how many images a class and part has."""
    size, counts = data.images.shape[1], data.counts()
    writers = "unknown" if data.writers is None else f"{len(np.unique(data.writers)):,}"
    width = max(len("class"), *(len(name) for name in data.class_names))
    header = f"{'class':<{width}}" + "".join(f"{part:>12}" for part in SPLIT_NAMES)
    names = [*data.class_names, "all"]
    rows = [
        f"{name:<{width}}" + "".join(f"{count:>12,}" for count in row)
        for name, row in zip(names, [*counts, counts.sum(axis=0)], strict=True)
    ]
    title = f"{data.name}: {len(data.labels):,} images of {size}x{size} in {len(data.class_names)} classes"
    return "\n".join([title, f"alphabet  {data.alphabet}", f"writers   {writers}", f"sha256    {data.sha256}",
                      header, *rows])  # fmt: skip


def _file_name(name: str) -> str:
    kind, _, path = name.rpartition(":")
    return "-".join(filter(None, [kind, Path(path).resolve().stem])) + ".png"


@dataclass(frozen=True)
class Arguments:
    """Shows what is in a data set: counts a class and part, hash, and a contact sheet of training images."""

    names: tyro.conf.Positional[tuple[str, ...]]
    """Any of mnist, fashion-mnist, emnist-byclass, emnist-bymerge, emnist-balanced, emnist-letters, emnist-digits,
    emnist-mnist, sd19, unipen94, photos, digits, an .npz file, or folder:PATH."""
    data_dir: Path | None = None
    """Where the files lie, or go when they are fetched; by default $SCRIPTORIUM_DATA, else data/."""
    out: Path = Path("images")
    """Folder of pictures; the sheet goes to OUT/datasets/NAME.png."""
    seed: int = 0
    """Chooses the validation part."""
    image_size: int = IMAGE_SIZE
    """Side of a glyph in pixels; other than 28 only for sd19, photos and folder:PATH."""

    def __post_init__(self):
        if self.seed not in SEEDS:
            raise ValueError(f"`seed` must lie in [0, 2**32). Received: seed={self.seed}")


def main(arguments: Arguments) -> None:
    """Describes every set named and draws its contact sheet.

    Raises:
        UserError: None is named, or one of them cannot be loaded.
    """
    if not arguments.names:
        raise UserError(f"expected the name of a data set; received none; try one of {', '.join(NAMES)}")
    for name in arguments.names:
        data = load(name, arguments.data_dir, seed=arguments.seed, image_size=arguments.image_size)
        path = arguments.out / "datasets" / _file_name(name)
        with written_whole(path) as draft:
            draw_contact_sheet(data).save(draft)
        print(f"{describe(data)}\n{path}\n")


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))

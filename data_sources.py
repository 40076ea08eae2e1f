"""The files of arrays handwriting comes in, idx and npz, read into one shape: uint8, white on black, upright."""

import contextlib
import errno
import gzip
import math
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

import data_files
from config import ALNUM, ASCII, DIGITS, IMAGE_SIZE, UPPER, in_words
from data_files import idx_names, locate, obtain
from shell import UserError

TRAIN, VALIDATION, TEST = 0, 1, 2
SPLIT_NAMES = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
SHAPE = (IMAGE_SIZE, IMAGE_SIZE)
CHUNK = 8192  # images read or turned at a time, 6 MB
DEFLATE_MOST = 1032  # bytes that one byte of a gzip file can hold at the very most

FASHION = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
MERGED = DIGITS + UPPER + "abdefghnqrt"  # the lower case that does not look like its capital
EMNIST_ALPHABETS = {
    "byclass": ALNUM,
    "bymerge": MERGED,
    "balanced": MERGED,
    "letters": UPPER,
    "digits": DIGITS,
    "mnist": DIGITS,
}


class SourceData(NamedTuple):
    """A data set as its files hold it. `split` is None where they name no test set, `writers` where they name none."""

    images: np.ndarray  # uint8 (N, S, S, 1)
    labels: np.ndarray  # int32 (N,), an index into alphabet
    alphabet: str
    class_names: tuple[str, ...]
    split: np.ndarray | None = None  # uint8 (N,) of TRAIN, VALIDATION, TEST
    writers: np.ndarray | None = None  # int32 (N,), an equal number is the same writer


@contextlib.contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Turns whatever a library raises on a damaged file into one line that names the file."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # gzip, zipfile, zlib and NumPy raise almost any type on hostile bytes
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # the system's own refusal, which shell.py words; EINVAL: a false offset in a zip
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(f"{path}: damaged or cut short ({reason}); fetch or copy the file again") from error


# --- idx: MNIST, Fashion-MNIST, EMNIST ------------------------------------------------------------------------------


def read_mnist(name: str, data_dir: Path) -> SourceData:
    """Reads `mnist` or `fashion-mnist`, and fetches the files that are missing."""
    folders, remotes = [data_dir / name, data_dir], data_files.MNIST
    if name == "fashion-mnist":  # its files are named like MNIST's: flat ones would pass for it unnoticed
        folders, remotes = [data_dir / name], data_files.FASHION_MNIST
    paths = obtain(idx_names("train", "t10k"), folders, remotes)
    return _from_idx(paths, DIGITS, class_names=FASHION if name == "fashion-mnist" else None)


def read_emnist(name: str, data_dir: Path) -> SourceData:
    """Reads `emnist-PART`, turned upright; a missing set is unpacked from EMNIST's archive, fetched if need be."""
    part = name.removeprefix("emnist-")
    alphabet, first = EMNIST_ALPHABETS[part], int(part == "letters")
    folders = [folder / sub for folder in (data_dir / "emnist", data_dir / name, data_dir) for sub in ("", "gzip")]
    names = idx_names(f"{name}-train", f"{name}-test")
    if any(locate(file, folders) is None for file in names):
        archive = obtain(["gzip.zip"], folders, data_files.EMNIST)[0]
        with naming_damage(archive):
            data_files.extract(archive, names, folders[0])
    paths = obtain(names, folders, {})
    mapping = locate(f"{name}-mapping.txt", [paths[0].parent])
    if mapping:
        _check_mapping(mapping, alphabet, first)
    data = _from_idx(paths, alphabet, first)
    for start in range(0, len(data.images), CHUNK):  # EMNIST stores columns first; in place, for the memory's sake
        chunk = data.images[start : start + CHUNK]
        chunk[:] = chunk.transpose(0, 2, 1, 3).copy()
    return data


def _check_mapping(path: Path, alphabet: str, first: int) -> None:
    """Compares EMNIST's mapping file, lines of `label code [code of the other case]`, with the alphabet used here."""
    with naming_damage(path):
        rows = [[int(field) for field in line.split()[:2]] for line in path.read_text().splitlines() if line.strip()]
        expected = [[first + index, ord(character)] for index, character in enumerate(alphabet)]
        if rows != expected:
            raise UserError(f"{path}: expected the labels of {in_words(alphabet)} counted from {first}; received "
                            f"another order")  # fmt: skip


def _from_idx(paths: Sequence[Path], alphabet: str, first: int = 0, class_names: tuple | None = None) -> SourceData:
    """Puts together train images, test images, train labels and test labels; labels count from `first`."""
    sizes = [_idx_shape(path, 3 if index < 2 else 1) for index, path in enumerate(paths)]
    for images, labels in ((0, 2), (1, 3)):
        if sizes[images][0] != sizes[labels][0]:
            raise UserError(f"{paths[labels]}: expected {sizes[images][0]} labels, one for every image of "
                            f"{paths[images].name}; received {sizes[labels][0]}")  # fmt: skip
        if sizes[images][1:] != SHAPE:
            raise UserError(f"{paths[images]}: expected images of {SHAPE}; received {sizes[images][1:]}")
    images, labels = read_idx(paths[:2], 3), read_idx(paths[2:], 1).astype(np.int32) - first
    _check_labels(labels, len(alphabet), paths[2], first)
    split = np.repeat(np.array([TRAIN, TEST], np.uint8), [sizes[0][0], sizes[1][0]])
    return SourceData(images[..., None], labels, alphabet, class_names or tuple(alphabet), split)


def _check_labels(labels: np.ndarray, classes: int, path: Path, first: int = 0) -> None:
    if not len(labels):
        raise UserError(f"{path}: expected labelled images; received an empty set")
    if labels.min() < 0 or labels.max() >= classes:
        stray = labels[(labels < 0) | (labels >= classes)][0] + first
        raise UserError(f"{path}: expected labels from {first} to {classes - 1 + first}; received {stray}")


def read_idx(paths: Sequence[Path], dimensions: int) -> np.ndarray:
    """Reads idx files of uint8, plain or gzipped, one after the other into one array.

    Args:
        paths: Files whose items have one shape.
        dimensions: 3 for images, 1 for labels.

    Returns:
        uint8 array `(N, ...)`, N being the items of all files together. Never holds a second copy.

    Raises:
        UserError: A file is no idx file, is cut short, is longer than it says, or differs in the shape of its items.
    """
    shapes = [_idx_shape(path, dimensions) for path in paths]
    if len({shape[1:] for shape in shapes}) > 1:
        raise UserError(f"{paths[-1]}: expected items of shape {shapes[0][1:]}; received {shapes[-1][1:]}")
    items = np.empty((sum(shape[0] for shape in shapes), *shapes[0][1:]), np.uint8)
    start = 0
    for path, (count, *_) in zip(paths, shapes, strict=True):
        with naming_damage(path), _unpacked(path) as stream:
            _read_idx_header(stream, path, dimensions)
            _read_exactly(stream, path, items[start : start + count])
        start += count
    return items


def _idx_shape(path: Path, dimensions: int) -> tuple[int, ...]:
    with naming_damage(path), _unpacked(path) as stream:
        shape = _read_idx_header(stream, path, dimensions)
    if math.prod(shape) > path.stat().st_size * DEFLATE_MOST:  # before anyone allocates what a false header claims
        raise UserError(f"{path}: expected {math.prod(shape)} bytes of data; the file is cut short; fetch it again")
    return shape


@contextlib.contextmanager
def _unpacked(path: Path) -> Iterator[BinaryIO]:
    """Opens a file by what it holds, as browsers unpack a .gz and keep its name."""
    with open(path, "rb") as file:
        packed = file.peek(2)[:2] == b"\x1f\x8b"
        if not packed:
            yield file
        else:
            with gzip.open(file) as stream:
                yield stream


def _read_idx_header(stream: BinaryIO, path: Path, dimensions: int) -> tuple[int, ...]:
    header = stream.read(4 + 4 * dimensions)
    if header.lstrip().startswith(b"<"):
        raise UserError(f"{path}: expected handwriting data; received a web page; fetch the file again")
    if header[:4] != bytes((0, 0, 8, dimensions)):  # 8 stands for uint8
        expected = bytes((0, 0, 8, dimensions)).hex()
        raise UserError(f"{path}: expected an idx file, which begins {expected}; received {header[:4].hex()}")
    if len(header) < 4 + 4 * dimensions:
        raise UserError(f"{path}: expected {dimensions} sizes in its header; the file is cut short; fetch it again")
    return tuple(int(size) for size in np.frombuffer(header, ">u4", offset=4))


def _read_exactly(stream: BinaryIO, path: Path, items: np.ndarray) -> None:
    for start in range(0, len(items), CHUNK):
        piece = items[start : start + CHUNK].reshape(-1)
        received = stream.readinto(piece)
        if received < piece.size:
            raise UserError(f"{path}: expected {len(items)} items; the file is cut short; fetch it again")
    if stream.read(1):  # reading on to the end also lets gzip compare its checksum
        raise UserError(f"{path}: expected {len(items)} items as its header says; received more; fetch it again")


# --- npz: unipen94 and any of its form ------------------------------------------------------------------------------


def find_npz(name: str, data_dir: Path) -> Path | None:
    """The .npz of a set, `unipen94` or the path of one; None of a set that comes otherwise.

    Raises:
        UserError: It is not there.
    """
    if name == "unipen94":
        return obtain(["unipen94.npz"], [data_dir / name, data_dir], {})[0]
    return obtain([name], [Path(), data_dir], {})[0] if name.endswith(".npz") else None


def read_npz(path: Path) -> SourceData:
    """Reads an .npz of `images` (N, 28, 28), `labels` (N,), `classes` (K,), maybe `split` and `writer` (N,) of text.

    Raises:
        UserError: The file is damaged, misses an array, or its arrays do not fit together. Nothing is ever unpickled.
    """
    arrays = read_arrays(path, ("images", "labels", "classes"), ("split", "writer"))
    _check_npz(path, arrays)
    names = tuple(str(name) for name in arrays["classes"])
    labels = arrays["labels"].astype(np.int32)
    _check_labels(arrays["labels"], len(names), path)
    writers = np.unique(arrays["writer"], return_inverse=True)[1].astype(np.int32) if "writer" in arrays else None
    split = _split_of_words(arrays["split"], path) if "split" in arrays else None
    images = arrays["images"].reshape(-1, *SHAPE, 1)
    return SourceData(images, labels, alphabet_of(names, path), names, split, writers)


def read_arrays(path: Path, needed: Sequence[str], welcome: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The arrays `needed` of an .npz and, where it holds them, those `welcome`, in this order.

    Raises:
        UserError: The file is damaged or misses an array.
    """
    with naming_damage(path), open(path, "rb") as file, zipfile.ZipFile(file) as archive:
        held = {member.removesuffix(".npy"): member for member in archive.namelist()}
        for key in needed:
            if key not in held:  # repr: a damaged name may hold a line break
                raise UserError(f"{path}: expected an array {key!r}; the archive holds {list(held) or 'nothing'}")
        wanted = [key for key in (*needed, *welcome) if key in held]
        data_files.check_unpacked_size(archive, [held[key] for key in wanted], data_files.LARGEST_SET)
        return {key: _read_array(archive, held[key]) for key in wanted}


def _read_array(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    with archive.open(member) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _check_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    images, labels, classes = arrays["images"], arrays["labels"], arrays["classes"]
    if images.dtype != np.uint8 or images.shape[1:] not in (SHAPE, (*SHAPE, 1)):
        raise UserError(f"{path}: expected images of uint8 {('N', *SHAPE)}; received {images.dtype} {images.shape}")
    if labels.dtype.kind not in "iu":
        raise UserError(f"{path}: expected whole numbers as labels; received {labels.dtype}")
    if classes.dtype.kind != "U" or classes.ndim != 1:
        raise UserError(f"{path}: expected classes as a list of text; received {classes.dtype} {classes.shape}")
    for key in arrays.keys() - {"images", "classes"}:
        if arrays[key].shape != images.shape[:1]:
            raise UserError(f"{path}: expected {key} for {len(images)} images; received shape {arrays[key].shape}")


def _split_of_words(words: np.ndarray, path: Path) -> np.ndarray:
    unknown = [str(word) for word in np.unique(words) if str(word) not in SPLIT_NAMES]
    if unknown:
        raise UserError(f"{path}: expected split to say {', '.join(SPLIT_NAMES)}; received {unknown[0]!r}")
    split = np.zeros(len(words), np.uint8)
    for word, part in SPLIT_NAMES.items():
        split[words == word] = part
    return split


def alphabet_of(names: Sequence[str], path: Path) -> str:
    """One character a class: its name where all names are characters, else stand-ins that only count."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice or not names:
        raise UserError(f"{path}: expected classes that differ; received {twice[0]!r} twice" if twice
                        else f"{path}: expected at least one class; received none")  # fmt: skip
    if all(len(name) == 1 for name in names):
        return "".join(names)
    return (ASCII + "".join(map(chr, range(0x4E00, 0x4E00 + len(names)))))[: len(names)]

"""Handwriting that comes as pictures, one a character: SD19, photographs, any folder, scikit-learn's digits.

All are framed by `picture.py`, as a picture to translate is.
"""

import io
import re
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import Image

import data_files
from config import ALNUM, ASCII, DIGITS, IMAGE_SIZE
from data_sources import SPLIT_NAMES, TEST, TRAIN, SourceData, alphabet_of, naming_damage
from decoding import MAX_PIXELS, SUFFIXES
from picture import frame, to_glyph
from shell import UserError

Item = TypeVar("Item")

LARGEST_PNG = 5_000_000  # bytes; SD19's have about 500
SD19_MEMBER = re.compile(r"(?:.*/)?([0-9a-f]{2})/(train_\1|hsf_4)/[^/]+\.png")
PHOTOS = "photos"
PHOTO = re.compile(r"(?:CAP_([A-Z])|SMALL_([a-z])|DIGIT_([0-9]))_\d+")  # on some disks A.png is a.png


class Picture(NamedTuple):
    """Where one character lies and what it is called; `member` is a path in the folder or zip."""

    member: str
    class_name: str
    part: int  # TRAIN, VALIDATION or TEST


def read_digits() -> SourceData:
    """The 1,797 digits that scikit-learn carries (8x8, NIST 1994), framed as MNIST; names no test set and no writer."""
    from sklearn.datasets import load_digits  # loaded here: it costs over a second

    bunch = load_digits()
    glyphs = np.stack([frame(np.float32(grid / 16), IMAGE_SIZE) for grid in bunch.images])
    return SourceData(glyphs[..., None], bunch.target.astype(np.int32), DIGITS, tuple(DIGITS))


def read_sd19(data_dir: Path, size: int) -> SourceData:
    """NIST Special Database 19 by class, zip or unpacked; `train_XX` is for training and `hsf_4` the test set."""
    folders = [data_dir / "sd19", data_dir / "sd19_sample", data_dir]
    unpacked = data_files.locate("by_class", folders)
    if unpacked:
        found = [path.relative_to(unpacked).as_posix() for path in sorted(unpacked.glob("*/*/*.png"))]
        return _read_members(unpacked, found, lambda member: to_glyph(unpacked / member, size), size)
    archive = data_files.obtain(["by_class.zip"], folders, data_files.SD19)[0]
    with naming_damage(archive):
        zipped = zipfile.ZipFile(archive)
    with zipped:
        members = sorted(zipped.namelist())
        return _read_members(archive, members, lambda member: _zipped_glyph(zipped, member, size), size)


def _zipped_glyph(zipped: zipfile.ZipFile, member: str, size: int) -> np.ndarray:
    """Reads a PNG of a zip as a glyph; raises what zipfile and Pillow raise on damaged bytes."""
    data_files.check_unpacked_size(zipped, [member], LARGEST_PNG)
    with zipped.open(member) as file:
        data = io.BytesIO(file.read(LARGEST_PNG))
    with warnings.catch_warnings(action="ignore"), Image.open(data, formats=["PNG"]) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise ValueError(f"more than {MAX_PIXELS:,} pixels")
        return to_glyph(picture, size)


def _read_members(source: Path, members: Iterable[str], read: Callable[[str], np.ndarray], size: int) -> SourceData:
    pictures = []
    for member in members:
        match = SD19_MEMBER.fullmatch(member)
        if match:
            part = TEST if match[2] == "hsf_4" else TRAIN
            pictures.append(Picture(member, chr(int(match[1], 16)), part))
    return _collect(source, pictures, read, size)


def read_photos(data_dir: Path, size: int) -> SourceData:
    """Reads `photos/`, all for testing; the class is in the name: `CAP_A_3.png`, `SMALL_a_7.png`, `DIGIT_3_3.png`.

    Unlike a folder to train on, one to test with must not shrink unnoticed, so that nothing is skipped.

    Raises:
        UserError: There is no such folder or picture in it, or one is named otherwise or holds no character.
    """
    root = data_dir / PHOTOS
    files = sorted(path for path in root.glob("*.*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise UserError(f"{root}: expected photographs such as CAP_A_3.png; received none; put some there")
    labels = np.array([ALNUM.index(_photographed(file)) for file in files], np.int32)
    glyphs = np.stack([to_glyph(file, size) for file in _with_progress(files, root.name)])
    test = np.full(len(files), TEST, np.uint8)
    return SourceData(glyphs[..., None], labels, ALNUM, tuple(ALNUM), test)


def has_photos(data_dir: Path) -> bool:
    """Whether `photos/` holds a picture named as `read_photos` wants it."""
    found = (data_dir / PHOTOS).glob("*.*")
    return any(path.suffix.lower() in SUFFIXES and PHOTO.fullmatch(path.stem) for path in found)


def _photographed(file: Path) -> str:
    """The character that a photograph's name says it shows."""
    match = PHOTO.fullmatch(file.stem)
    if not match:
        raise UserError(f"{file}: expected a name such as CAP_A_3.png, SMALL_a_7.png or DIGIT_3_3.png; rename or "
                        f"remove the file")  # fmt: skip
    return match[match.lastindex]


def read_folder(root: Path, size: int) -> SourceData:
    """Reads a folder of pictures with one sub-folder a class, or `train/`, `test/` or both of such sub-folders.

    Sub-folders named by one character stand for it; if all are two hexadecimal digits they are character codes, as in
    SD19; else they are words. Files that are no picture are skipped with a warning.

    Raises:
        UserError: There is no such folder, or it or one of its classes holds no picture.
    """
    if not root.is_dir():
        raise UserError(f"folder:{root}: expected a folder with one sub-folder a class; received no folder")
    below = {path.name for path in _subfolders(root)}
    has_parts = below == {"test"} or {"train"} < below <= set(SPLIT_NAMES)
    parts = {part: root / part for part in SPLIT_NAMES if part in below} if has_parts else {"train": root}
    pictures = [
        Picture(file.relative_to(root).as_posix(), folder.name, SPLIT_NAMES[part])
        for part, base in parts.items()
        for folder in _subfolders(base)
        for file in sorted(folder.rglob("*")) or [folder / "(empty)"]  # an empty class shall be named, not forgotten
        if not file.is_dir() and not file.name.startswith(".")
    ]
    pictures = _decoded_names(pictures)
    return _collect(root, pictures, lambda member: to_glyph(root / member, size), size)


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _decoded_names(pictures: Sequence[Picture]) -> list[Picture]:
    """Turns class names into characters where every name is the hexadecimal code of one that leaves ink."""
    names = {picture.class_name for picture in pictures}
    if not all(re.fullmatch("[0-9a-fA-F]{2}", name) and chr(int(name, 16)) in ASCII for name in names):
        return list(pictures)
    return [picture._replace(class_name=chr(int(picture.class_name, 16))) for picture in pictures]


def _collect(root: Path, pictures: Sequence[Picture], read: Callable[[str], np.ndarray], size: int) -> SourceData:
    """Gathers what `read` makes of each member, leaving out the unreadable ones with one warning for all."""
    names = tuple(sorted({picture.class_name for picture in pictures}))
    if not pictures:
        raise UserError(f"{root}: expected pictures in one sub-folder a class; received none")
    alphabet = alphabet_of(names, root)
    images = np.empty((len(pictures), size, size, 1), np.uint8)
    kept, skipped = [], []
    for picture in _with_progress(pictures, root.name):
        try:
            images[len(kept), ..., 0] = read(picture.member)
            kept.append(picture)
        except Exception as error:  # Pillow raises almost any type on hostile bytes
            reason = str(error).removeprefix(f"{root / picture.member}: ").removeprefix(f"{root}: ")
            skipped.append(f"{picture.member!r} ({' '.join(reason.split())[:120]})")
    if skipped:
        print(f"warning: {root}: skipped {len(skipped)} files without a readable character, "
              f"first {skipped[0]}", file=sys.stderr)  # fmt: skip
    _check_no_class_is_empty(root, names, kept)
    labels = np.array([names.index(picture.class_name) for picture in kept], np.int32)
    split = np.array([picture.part for picture in kept], np.uint8)
    return SourceData(images[: len(kept)], labels, alphabet, names, split if split.any() else None)


def _with_progress(pictures: Sequence[Item], title: str) -> Iterable[Item]:
    from tqdm import tqdm

    return tqdm(pictures, desc=title, unit="picture", leave=False, delay=2, disable=None)  # silent without a terminal


def _check_no_class_is_empty(root: Path, names: Sequence[str], kept: Sequence[Picture]) -> None:
    part, use = (TEST, "test with") if {picture.part for picture in kept} == {TEST} else (TRAIN, "train on")
    empty = sorted(set(names) - {picture.class_name for picture in kept if picture.part == part})
    if empty:
        raise UserError(f"{root}: expected pictures to {use} for every class; class {empty[0]!r} has none that "
                        f"can be read; add some or remove its folder")  # fmt: skip

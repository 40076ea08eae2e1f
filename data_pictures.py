"""Handwriting that comes as pictures, one a character, framed as MNIST: SD19, any folder, scikit-learn's digits."""

import io
import math
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

import data_files
from config import ASCII, DIGITS
from data_sources import SIDE, SPLIT_NAMES, TEST, TRAIN, SourceData, alphabet_of, naming_damage
from picture import FORMATS, MAX_PIXELS
from shell import UserError

INK_BOX = 20 / 28  # share of a glyph's side that the longer side of its ink takes
INK_FLOOR = 64  # grey levels above the paper from which a pixel is ink, not a scanner's noise
SD19_MEMBER = re.compile(r"(?:.*/)?([0-9a-f]{2})/(train_\1|hsf_4)/[^/]+\.png")


class Picture(NamedTuple):
    """Where one character lies and what it is called; `member` is a path in the folder or zip."""

    member: str
    class_name: str
    part: int  # TRAIN, VALIDATION or TEST


def frame(ink: Image.Image, size: int) -> np.ndarray | None:
    """Places a character as MNIST does: ink box scaled into 20/28 of the side, centre of mass in the middle.

    Args:
        ink: Picture of mode L of any size, light ink on black paper.
        size: Side of the square glyph, in pixels.

    Returns:
        uint8 array `(size, size)`, or None if the picture holds no ink.

    Reference: LeCun et al. 1998, "Gradient-based learning applied to document recognition".
    """
    box = ink.point([0] * INK_FLOOR + [255] * (256 - INK_FLOOR)).getbbox()
    if box is None:
        return None
    glyph = ink.crop(box)
    scale = round(size * INK_BOX) / max(glyph.size)
    by_area = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    glyph = glyph.resize([max(1, round(side * scale)) for side in glyph.size], by_area)
    canvas = Image.new("L", (size, size))
    canvas.paste(glyph, _centred_by_mass(np.asarray(glyph, np.float64), size))
    return np.asarray(canvas)


def _centred_by_mass(pixels: np.ndarray, size: int) -> tuple[int, int]:
    """Left and top at which the centre of mass comes to lie where MNIST's does, without losing ink at an edge."""
    place = []
    for axis in (0, 1):
        length = pixels.shape[1 - axis]
        centre = pixels.sum(axis=axis) @ (np.arange(length) + 0.5) / pixels.sum()
        place.append(min(max(math.ceil(size / 2 - centre), 0), size - length))  # ceil: in pixel 14 of 28, as measured
    return place[0], place[1]


def picture_to_glyph(data: bytes, size: int) -> np.ndarray:
    """Reads one encoded picture, on light or dark paper, as a glyph; one already of that size is not moved.

    Raises:
        ValueError: It holds no ink or is too large.
        Exception: Whatever Pillow raises on bytes that are no picture.
    """
    with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise ValueError(f"more than {MAX_PIXELS:,} pixels")
        ink = _on_black_paper(np.asarray(_grey(ImageOps.exif_transpose(picture)), np.int16))
    if ink.max() < INK_FLOOR:
        raise ValueError("no ink")
    return ink if ink.shape == (size, size) else frame(Image.fromarray(ink), size)


def _on_black_paper(grey: np.ndarray) -> np.ndarray:
    """Takes the picture's rim for paper and makes it black; where it was neither black nor white, ink becomes white."""
    paper = int(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))
    if paper > 127:
        grey, paper = 255 - grey, 255 - paper
    ink = (grey - paper).clip(0)
    if paper and ink.max() >= INK_FLOOR:
        ink = ink * (255 / ink.max())
    return ink.astype(np.uint8)


def _grey(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits a pixel, which Pillow would clip at 255 rather than scale
        return Image.fromarray((np.asarray(picture) >> 8).clip(0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        paper = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(paper, picture.convert("RGBA")).convert("L")
    return picture.convert("L")


def read_digits() -> SourceData:
    """The 1,797 digits that scikit-learn carries (8x8, NIST 1994), framed as MNIST; names no test set and no writer."""
    from sklearn.datasets import load_digits  # loaded here: it costs over a second

    bunch = load_digits()
    pictures = (Image.fromarray((grid * (255 / 16)).round().astype(np.uint8)) for grid in bunch.images)
    glyphs = np.stack([frame(picture, SIDE) for picture in pictures])
    return SourceData(glyphs[..., None], bunch.target.astype(np.int32), DIGITS, tuple(DIGITS))


def read_sd19(data_dir: Path, size: int) -> SourceData:
    """NIST Special Database 19 by class, zip or unpacked; `train_XX` is for training and `hsf_4` the test set."""
    folders = [data_dir / "sd19", data_dir / "sd19_sample", data_dir]
    unpacked = data_files.locate("by_class", folders)
    if unpacked:
        found = [path.relative_to(unpacked).as_posix() for path in sorted(unpacked.glob("*/*/*.png"))]
        return _read_members(unpacked, found, lambda member: (unpacked / member).read_bytes(), size)
    archive = data_files.obtain(["by_class.zip"], folders, data_files.SD19)[0]
    with naming_damage(archive):
        zipped = zipfile.ZipFile(archive)
    with zipped:
        return _read_members(archive, sorted(zipped.namelist()), zipped.read, size)


def _read_members(source: Path, members: Iterable[str], read: Callable[[str], bytes], size: int) -> SourceData:
    pictures = []
    for member in members:
        match = SD19_MEMBER.fullmatch(member)
        if match:
            part = TEST if match[2] == "hsf_4" else TRAIN
            pictures.append(Picture(member, chr(int(match[1], 16)), part))
    return _collect(source, pictures, read, size)


def read_folder(root: Path, size: int) -> SourceData:
    """Reads a folder of pictures with one sub-folder a class, or `train/` and `test/` of such sub-folders.

    Sub-folders named by one character stand for it; if all are two hexadecimal digits they are character codes, as in
    SD19; else they are words. Files that are no picture are skipped with a warning.

    Raises:
        UserError: There is no such folder, or it or one of its classes holds no picture.
    """
    if not root.is_dir():
        raise UserError(f"folder:{root}: expected a folder with one sub-folder a class; received no folder")
    below = {path.name for path in _subfolders(root)}
    has_parts = {"train"} < below <= set(SPLIT_NAMES)
    parts = {part: root / part for part in SPLIT_NAMES if part in below} if has_parts else {"train": root}
    pictures = [
        Picture(file.relative_to(root).as_posix(), folder.name, SPLIT_NAMES[part])
        for part, base in parts.items()
        for folder in _subfolders(base)
        for file in sorted(folder.rglob("*")) or [folder / "(empty)"]  # an empty class shall be named, not forgotten
        if not file.is_dir() and not file.name.startswith(".")
    ]
    pictures = _decoded_names(pictures)
    return _collect(root, pictures, lambda member: (root / member).read_bytes(), size)


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _decoded_names(pictures: Sequence[Picture]) -> list[Picture]:
    """Turns class names into characters where every name is the hexadecimal code of one that leaves ink."""
    names = {picture.class_name for picture in pictures}
    if not all(re.fullmatch("[0-9a-fA-F]{2}", name) and chr(int(name, 16)) in ASCII for name in names):
        return list(pictures)
    return [picture._replace(class_name=chr(int(picture.class_name, 16))) for picture in pictures]


def _collect(root: Path, pictures: Sequence[Picture], read: Callable[[str], bytes], size: int) -> SourceData:
    """Reads the pictures into one array, leaving out the unreadable ones with one warning for all."""
    if not 8 <= size <= 256:
        raise UserError(f"{root}: expected an image size from 8 to 256 pixels; received {size}")
    names = tuple(sorted({picture.class_name for picture in pictures}))
    if not pictures:
        raise UserError(f"{root}: expected pictures in one sub-folder a class; received none")
    alphabet = alphabet_of(names, root)
    images = np.empty((len(pictures), size, size, 1), np.uint8)
    kept, skipped = [], []
    for picture in _with_progress(pictures, root.name):
        try:
            images[len(kept), ..., 0] = picture_to_glyph(read(picture.member), size)
            kept.append(picture)
        except Exception as error:  # Pillow raises almost any type on hostile bytes
            skipped.append(f"{picture.member!r} ({' '.join(str(error).split())[:80]})")
    if skipped:
        print(f"warning: {root}: skipped {len(skipped)} files without a readable character, "
              f"first {skipped[0]}", file=sys.stderr)  # fmt: skip
    _check_no_class_is_empty(root, names, kept)
    labels = np.array([names.index(picture.class_name) for picture in kept], np.int32)
    split = np.array([picture.part for picture in kept], np.uint8)
    return SourceData(images[: len(kept)], labels, alphabet, names, split if split.any() else None)


def _with_progress(pictures: Sequence[Picture], title: str) -> Iterable[Picture]:
    from tqdm import tqdm

    return tqdm(pictures, desc=title, unit="picture", leave=False, delay=2, disable=None)  # silent without a terminal


def _check_no_class_is_empty(root: Path, names: Sequence[str], kept: Sequence[Picture]) -> None:
    empty = sorted(set(names) - {picture.class_name for picture in kept if picture.part == TRAIN})
    if empty:
        raise UserError(f"{root}: expected pictures to train on for every class; class {empty[0]!r} has none that "
                        f"can be read; add some or remove its folder")  # fmt: skip

"""Characters as the pen went: points in order, stroke by stroke, as tablets record them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_files import data_directory
from data_sources import find_npz, read_arrays
from shell import UserError

FARTHEST = 1e9  # of a point, in whatever unit: far enough for any tablet, and float32 still tells sizes
ANEW = "get the file of strokes anew, or train with --redrawn 0"


class Strokes(NamedTuple):
    """The pen strokes of N characters, S strokes and M points in all."""

    points: np.ndarray
    """float32 (M, 2), x to the right and y downwards, in any unit."""
    stroke_offsets: np.ndarray
    """int64 (S + 1,): stroke s is made of the points from `stroke_offsets[s]` to before `stroke_offsets[s + 1]`."""
    character_offsets: np.ndarray
    """int64 (N + 1,): character n is made of the strokes from `character_offsets[n]` to before the next."""

    def take(self, numbers: np.ndarray) -> "Strokes":
        """The strokes of these characters, in the order of `numbers` (K,)."""
        chosen, character_offsets = _gather(self.character_offsets, numbers)
        points, stroke_offsets = _gather(self.stroke_offsets, chosen)
        return Strokes(self.points[points], stroke_offsets, character_offsets)

    def character_starts(self) -> np.ndarray:
        """Where each character's points begin: int64 (N,)."""
        return self.stroke_offsets[self.character_offsets[:-1]]

    def stroke_of_points(self) -> np.ndarray:
        """The stroke that each point is of: int64 (M,)."""
        return np.repeat(np.arange(len(self.stroke_offsets) - 1), np.diff(self.stroke_offsets))

    def character_of_points(self) -> np.ndarray:
        """The character that each point is of: int64 (M,)."""
        sizes = np.diff(self.stroke_offsets[self.character_offsets])
        return np.repeat(np.arange(len(sizes)), sizes)


def sha256_of(strokes: Mapping[int, Strokes]) -> str:
    """Names the strokes of several sets: the same on any machine."""
    digest = hashlib.sha256()
    for held in strokes.values():
        for array, dtype in zip(held, ("<f4", "<i8", "<i8"), strict=True):
            digest.update(np.ascontiguousarray(array, dtype))
    return digest.hexdigest()


def bounds(points: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middle and extent `(N, 2)` of the boxes around groups of points `(M, 2)`, each from `starts[n]` to the next."""
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    return (low + high) / 2, high - low


def _gather(offsets: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows `(R,)` of some groups `(K,)`, group after group, and the offsets `(K + 1,)` where these begin then."""
    sizes = np.diff(offsets)[groups]
    ends = np.cumsum(sizes)
    rows = np.arange(sizes.sum()) + np.repeat(offsets[:-1][groups] - (ends - sizes), sizes)
    return rows, np.concatenate([[0], ends])


def load_strokes(name: str, data_dir: Path | None = None) -> Strokes | None:
    """The pen strokes of a data set's characters, in the order of its files; None where nobody recorded them.

    Args:
        name: As of `data_processor.load`. Those of an .npz lie beside it, in a file whose name ends in `_strokes.npz`.
        data_dir: Likewise.

    Raises:
        UserError: The strokes of unipen94 are missing; or a file is damaged, or of other characters than the set.
    """
    pictures = find_npz(name, data_directory(data_dir))
    if pictures is None:
        return None
    path = pictures.with_name(f"{pictures.stem}_strokes.npz")
    if not path.exists():
        if name != "unipen94":
            return None
        raise UserError(f"{path}: expected the pen strokes of {name}, found no file; put it there, or train with "
                        f"--redrawn 0")  # fmt: skip
    strokes, labels = read_strokes(path), read_arrays(pictures, ["labels"])["labels"]
    described = len(strokes.character_offsets) - 1
    if described != labels.size:
        raise UserError(f"{path}: expected the strokes of {labels.size:,} characters, as {pictures.name} holds; "
                        f"received those of {described:,}; {ANEW}")  # fmt: skip
    return strokes


def read_strokes(path: Path) -> Strokes:
    """Reads an .npz of `points` (M, 2) with y upwards, `stroke_offsets` (S + 1,) and `char_offsets` (N + 1,).

    Raises:
        UserError: The file is damaged, misses an array, or its arrays do not fit together. Nothing is ever unpickled.
    """
    points, strokes, characters = read_arrays(path, ("points", "stroke_offsets", "char_offsets")).values()
    if points.dtype.kind != "f" or points.ndim != 2 or points.shape[1] != 2:
        raise UserError(f"{path}: expected points of floats ('M', 2); received {points.dtype} {points.shape}; {ANEW}")
    wrong = np.flatnonzero(~(np.abs(points) <= FARTHEST).all(axis=1))  # of no number, too
    if len(wrong):
        raise UserError(f"{path}: expected points within {FARTHEST:.0e} of the origin; point {wrong[0]:,} is "
                        f"{points[wrong[0]].tolist()}; {ANEW}")  # fmt: skip
    _check_offsets(path, "stroke_offsets", strokes, len(points))
    _check_offsets(path, "char_offsets", characters, len(strokes) - 1)
    return Strokes(points.astype(np.float32) * np.float32([1, -1]), strokes.astype(np.int64),
                   characters.astype(np.int64))  # fmt: skip


def _check_offsets(path: Path, key: str, offsets: np.ndarray, count: int) -> None:
    if offsets.dtype.kind not in "iu" or offsets.ndim != 1 or len(offsets) < 2:
        raise UserError(f"{path}: expected {key} as two whole numbers or more; received {offsets.dtype} "
                        f"{offsets.shape}; {ANEW}")  # fmt: skip
    whole = offsets.astype(np.int64)
    if whole[0] != 0 or whole[-1] != count or (np.diff(whole) <= 0).any():
        raise UserError(f"{path}: expected {key} that rise from 0 to {count:,}; received {whole[0]} to {whole[-1]:,}, "
                        f"the least step being {np.diff(whole).min():,}; {ANEW}")  # fmt: skip

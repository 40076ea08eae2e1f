"""Any picture a person brings, photograph, scan or drawing, turned into one clean glyph as MNIST frames it.

NumPy and Pillow only: this is on the path of one-picture inference, where scipy.ndimage alone doubles the start-up.
Inside, ink is a float32 array: 0 is paper, 1 is full ink.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from decoding import FULL_SIZE, open_picture
from grouping import LEAST_INK, Line, group_characters, without_fragments
from ink import (
    BlankError,
    Part,
    are_specks,
    find_ink,
    find_parts,
    keep_only,
    spread,
    spread_down,
    stroke_width,
    usual_stroke,
    without_dirt,
)
from shell import UserError, naming

WORK_PIXELS = 256 * 256  # where ink is told from paper; a larger picture is averaged down to about this
SMALLEST_SIDE = 8  # pixels
MOST_PARTS = 200  # the largest pieces of ink that are looked at: to group all dots of a halftone would take minutes
THIN_STROKE = 1.1  # glyph pixels; thinner than any of MNIST's strokes
PEN_STROKE = 2.2  # glyph pixels; what a thinner one is drawn with instead
LINE_HEIGHT = 24  # glyph pixels; a line's, where a small sign of it is framed: that of letters in sets with signs


@dataclass(frozen=True)
class FoundGlyph:
    """The character that a picture holds."""

    glyph: np.ndarray
    """uint8 `(size, size)`: white ink on black paper."""
    box: tuple[int, int, int, int]
    """Left, top, right, bottom of the character, in pixels of the picture, or of the file if `open_picture` read it."""
    characters: int
    """How many separate characters the picture seems to hold; the largest is the one taken."""
    picture_size: tuple[int, int]
    """Width and height that the box refers to: of the whole file, the right way up, even if decoded smaller."""
    place: float | None = None
    """Of a small sign in a line, how far its middle is above the line's foot, in heights of the line."""


def to_glyph(picture: Image.Image | np.ndarray | Path | str, size: int = 28) -> np.ndarray:
    """`find_glyph(...).glyph`, for a picture or the path of one."""
    if not isinstance(picture, Path | str):
        return find_glyph(picture, size).glyph
    opened = open_picture(picture)
    with naming(picture):
        return find_glyph(opened, size).glyph


def find_glyph(picture: Image.Image | np.ndarray, size: int = 28) -> FoundGlyph:
    """Finds the character in any picture and frames it as MNIST does.

    The paper's light is modelled and taken away, ink may be darker or lighter than paper. Of several characters the
    largest is taken. Its box is scaled to fit 20 of 28 pixels, its centre of mass put at the centre. Whatever is within
    a pixel of that size keeps its pixels. A `size x size` picture on paper of exactly one shade counts as framed by
    someone who knew why: ink of 16 to 26 of 28 pixels, or smaller but centred, is at most moved, so that EMNIST's
    letters and a dot stay as they are.

    Args:
        picture: Any Pillow mode; or an array `(H, W)` or `(H, W, 1..4)` of any real dtype.
        size: Side of the glyph, in pixels.

    Returns:
        The glyph, where it was, and how many characters there seem to be.

    Raises:
        UserError: If the picture is too small or, as a `BlankError`, holds no ink; told without its name, which only
            the caller knows.

    Reference: framing after LeCun et al. 1998, "Gradient-based learning applied to document recognition".
    """
    seen = _see(_as_picture(picture))
    return _found(seen, seen.characters[0], size)


def find_glyphs(picture: Image.Image | np.ndarray, size: int = 28, signs: bool = False) -> list[FoundGlyph]:
    """Finds the characters that stand side by side in a picture, from left to right; each as `find_glyph` frames it.

    Args:
        signs: Small signs, as a dot, comma or dash, are characters too, and no dirt. They are framed by the height of
            the line, so that a dot stays a dot, and told with their place.

    Raises:
        UserError: As of `find_glyph`.
    """
    seen = _see(_as_picture(picture), in_line=True, signs=signs)
    return [_found(seen, character, size) for character in sorted(seen.characters, key=_middle)]


def _middle(part: Part) -> int:
    """Where a character is, across: slanted ones begin below their neighbours."""
    return part.box[0] + part.box[2]


class _Seen(NamedTuple):
    """A picture told apart into paper and characters."""

    picture: Image.Image
    factor: int  # by which it was reduced
    ink: np.ndarray  # float32 (H, W)
    noise: float
    labels: np.ndarray  # int32 (H, W), as of `find_parts`
    characters: list[Part]  # the largest first
    line: Line | None  # of them, where small signs are characters too


def _see(picture: Image.Image, in_line: bool = False, signs: bool = False) -> _Seen:
    grey, factor = _grey(picture)
    height, width = grey.shape
    if max(height, width) < SMALLEST_SIDE or min(height, width) < 2:
        raise UserError(f"expected at least {SMALLEST_SIDE} pixels a side, received {width} x {height}; scan finer")
    ink, noise = find_ink(grey)
    labels, parts = find_parts(ink > 0.5)
    if not parts or np.mean(labels > 0) > 0.55 or are_specks(parts):
        raise BlankError
    clean, pen = without_dirt(parts, ink.shape, noise), None
    if signs:
        pen = usual_stroke(clean, labels)
        clean = without_dirt(parts, ink.shape, noise, LEAST_INK * pen**2)[:MOST_PARTS]
        clean = without_fragments(clean, labels, ink) if noise else clean
    characters = group_characters(clean[:MOST_PARTS], in_line, pen)
    return _Seen(picture, factor, ink, noise, labels, characters, Line.of(characters, pen) if signs else None)


def _found(seen: _Seen, character: Part, size: int) -> FoundGlyph:
    """One of the characters, framed; of a line, a small sign by its height."""
    picture, ink = seen.picture, keep_only(character, seen.ink, seen.labels, seen.noise)
    box = _ink_box(ink)
    if seen.line and seen.line.is_sign(character):
        place = seen.line.place(character)
        glyph = _frame(ink, box, size, LINE_HEIGHT * size / 28 / seen.line.height)
    else:
        place, glyph = None, _framed(seen, ink, box, size)
    full_size = picture.info.get((FULL_SIZE, picture.size), picture.size)
    box = _enlarged(box, seen.factor * full_size[0] / picture.width, full_size)
    return FoundGlyph(np.round(255 * glyph).astype(np.uint8), box, len(seen.characters), full_size, place)


def _framed(seen: _Seen, ink: np.ndarray, box: tuple[int, int, int, int], size: int) -> np.ndarray:
    """A character's ink as `find_glyph` frames it."""
    alone = seen.factor == 1 and ink.shape == (size, size) and seen.noise == 0
    if not (alone and _is_framed(ink, box)):
        return _frame(ink, box, size)
    return ink if _is_centred(ink, box) else _frame(ink, box, size, 1.0)


def _enlarged(box: tuple[int, ...], factor: float, size: tuple[int, int]) -> tuple[int, ...]:
    """A box in pixels of a larger picture, none beyond its edge."""
    return tuple(min(round(factor * edge), side) for edge, side in zip(box, size * 2, strict=True))


def _as_picture(picture: Image.Image | np.ndarray) -> Image.Image:
    if isinstance(picture, Image.Image):
        return picture
    array = np.asarray(picture)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or 0 in array.shape or array.dtype.kind not in "buif" or array.shape[2:] > (4,):
        raise UserError(f"expected an array (H, W) or (H, W, 1..4) of numbers, received {array.dtype} {array.shape}")
    if array.dtype == np.uint8:
        return Image.fromarray(array)
    array = 255 * stretched(array.astype(np.float64))
    return Image.fromarray(array if array.ndim == 2 else array.astype(np.uint8))


def stretched(array: np.ndarray) -> np.ndarray:
    """Finite values, moved and scaled to fill [0, 1]."""
    finite = np.isfinite(array)
    low, high = (array[finite].min(), array[finite].max()) if finite.any() else (0, 0)
    with np.errstate(over="ignore", invalid="ignore"):
        array = (np.where(finite, array, low) / 2 - low / 2) / max(high / 2 - low / 2, 1e-30)  # halves cannot overflow
    return np.clip(array, 0, 1).astype(np.float32)


def _grey(picture: Image.Image) -> tuple[np.ndarray, int]:
    """Luminance on a reduced copy: float32 in [0, 255], and the factor of the reduction."""
    factor = max(1, math.ceil(math.sqrt(picture.width * picture.height / WORK_PIXELS) - 0.25))
    factor = max(1, min(factor, min(picture.size) // 8))
    step = factor * max(
        1, 2_000_000 // (picture.width * factor)
    )  # rows a strip: other modes never stand whole in memory
    strips = [
        _grey_and_alpha(picture.crop((0, top, picture.width, min(top + step, picture.height))), factor)
        for top in range(0, picture.height, step)
    ]
    grey, alpha = (np.concatenate(planes) for planes in zip(*strips, strict=True))
    if picture.mode.startswith(("I", "F")):
        return 255 * stretched(grey), factor
    return _on_paper(grey, alpha / 255) if alpha.size else grey, factor


def _grey_and_alpha(strip: Image.Image, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Each float32 `(H / factor, W / factor)`; alpha has no columns where all is opaque."""
    if strip.mode.startswith(("I", "F")):
        values = strip if strip.mode in ("I", "F") else Image.fromarray(np.asarray(strip).astype(np.float32))
        grey = np.asarray(values.convert("F").reduce(factor), np.float32)
        return grey, grey[:, :0]
    has_alpha = strip.has_transparency_data or strip.mode in ("La", "RGBa")
    if not has_alpha:
        opaque = strip if strip.mode in ("1", "L") else strip.convert("RGB")
        grey = np.asarray(opaque.convert("L").reduce(factor), np.float32)
        return grey, grey[:, :0]
    colour = strip.convert("LA") if strip.mode in ("LA", "La") else strip.convert("RGBA").convert("LA")
    grey, alpha = np.moveaxis(np.asarray(colour.reduce(factor), np.float32), -1, 0)
    return grey, alpha


def _on_paper(grey: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Lays a transparent picture on the paper it seems to be meant for."""
    if alpha.min() == 1:
        return grey
    seen = grey[alpha > 0.5]
    if seen.size == 0 or np.ptp(np.percentile(seen, [2, 98])) < 64:
        return 255 * (1 - alpha)  # ink of one colour, drawn on nothing: only the alpha tells its shape
    paper = np.median(seen) if seen.size > alpha.size / 2 else 255.0
    return alpha * grey + (1 - alpha) * paper


def frame(ink: np.ndarray, size: int = 28) -> np.ndarray:
    """Frames a lone character's clean ink, float32 `(H, W)`, as `find_glyph` does: uint8 `(size, size)`."""
    return np.round(255 * _frame(ink, _ink_box(ink), size)).astype(np.uint8)


def _ink_box(ink: np.ndarray) -> tuple[int, int, int, int]:
    seen = ink > 0.1
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _centre_of_mass(ink: np.ndarray) -> tuple[float, float]:
    """x, y in pixels from the left top corner."""
    total = ink.sum()
    return (
        float(ink.sum(0) @ np.arange(ink.shape[1]) / total) + 0.5,
        float(ink.sum(1) @ np.arange(len(ink)) / total) + 0.5,
    )


def _is_framed(ink: np.ndarray, box: tuple[int, int, int, int]) -> bool:
    size, side = len(ink), max(box[2] - box[0], box[3] - box[1])
    return side <= size * 26 / 28 and (side >= size * 16 / 28 or _is_centred(ink, box))


def _is_centred(ink: np.ndarray, box: tuple[int, int, int, int]) -> bool:
    """By its centre of mass, as MNIST centres, or by its box, as EMNIST does; to a pixel."""
    by_mass = [abs(centre - side / 2 - 0.5) for centre, side in zip(_centre_of_mass(ink), ink.shape[::-1], strict=True)]
    by_box = [abs(low + high - side) / 2 for low, high, side in zip(box[:2], box[2:], ink.shape[::-1], strict=True)]
    return max(by_mass) <= 1 or max(by_box) <= 1


def _frame(ink: np.ndarray, box: tuple[int, int, int, int], size: int, scale: float | None = None) -> np.ndarray:
    """Scales the ink, by default into MNIST's box, and puts its centre of mass at the centre: float32 `(size, size)`
    in [0, 1]."""
    side, unit = max(box[2] - box[0], box[3] - box[1]), size / 28
    if scale is None:
        scale = 1.0 if 18 * unit <= side <= 21.5 * unit else 20 * unit / side
    ink = _with_pen(ink, box, scale / unit)
    span = size / scale
    corner = []
    for centre, low, high in zip(_centre_of_mass(ink), box[:2], box[2:], strict=True):
        start = centre - (size / 2 + 0.5) / scale
        start = min(max(start, high - span), low)  # a long tail outweighs the centre: ink is never cut off
        corner.append(round(start) if scale == 1 else start)
    glyph = _window(ink, *corner, span, size)
    if scale != 1:
        glyph = glyph / np.percentile(glyph[glyph > 0.3 * glyph.max()], 85)
    return np.clip(glyph / min(1, glyph.max()), 0, 1)


def _window(ink: np.ndarray, left: float, top: float, span: float, size: int) -> np.ndarray:
    """A square of `span` pixels resampled to `size`, blank beyond the picture's edge."""
    x, y, reach = math.floor(left), math.floor(top), math.ceil(span) + 1
    before, after = (max(0, -y), max(0, -x)), (max(0, y + reach - len(ink)), max(0, x + reach - ink.shape[1]))
    canvas = np.pad(
        ink[max(0, y) : max(0, y + reach), max(0, x) : max(0, x + reach)], tuple(zip(before, after, strict=True))
    )
    if span == size:
        return canvas[:size, :size]
    region = (left - x, top - y, left - x + span, top - y + span)
    return np.asarray(Image.fromarray(canvas).resize((size, size), Image.Resampling.HAMMING, box=region))


def _with_pen(ink: np.ndarray, box: tuple[int, int, int, int], scale: float) -> np.ndarray:
    """Draws a stroke that would all but vanish at glyph size with a pen of usual width; leaves others."""
    left, top, right, bottom = box
    stroke = stroke_width(ink[top:bottom, left:right]) * scale
    if stroke >= THIN_STROKE:
        return ink
    for step in range(round((PEN_STROKE - stroke) / (2 * scale))):  # cross and square in turn make an octagon
        ink = spread(ink, 1) if step % 2 else np.maximum(spread_down(ink, 1), spread_down(ink.T, 1).T)
    return ink

"""A glyph that has lost size and place becomes a letter again: natural height, a place on the baseline, an even stroke.

Data sets and models frame every character alike: an `e` is as high as an `l`, a comma stands where a hyphen does. How
high each is and where it stands is taken from a reference typeface. Scaling alone would then give low letters thin
strokes and coarse pixels, so a glyph is read as a smooth field whose contours are as many widths of pen, and the
contour of the line's pen is drawn, at whatever size.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from config import IMAGE_SIZE
from ink import labelled
from letterforms import form_of
from unsteadiness import Hand

WIDEST = 1.7  # of the width in the reference: what is written wider is condensed
TALLEST = 1.4  # how much more a letter may grow in height than in width: a flat m stays low, or it were a blot
GLYPH_HEIGHT = 20  # glyph pixels: what data sets scale a letter to
USUAL_STROKE = 2.5  # glyph pixels
FINENESS = 0.66  # of the pen; that of the data sets, whose letters are to be told apart at 28 pixels, is a felt pen

BLUR = 0.65  # glyph pixels, standard deviation: takes the stairs out of a stroke's edge
KERNEL = 0.55  # glyph pixels, likewise: interpolates; sampled any finer, it would ripple
SOFTNESS = math.hypot(BLUR, KERNEL, 12**-0.5)  # of both and of the pixel itself
CORES = 2  # how often a pixel is taken off a stroke's edges, to find its middle
SWELLING = 0.8, 0.12  # a stroke of w glyph pixels comes out so much broader than its profile says: + w x; measured
PALEST = 0.3  # of full ink: a stroke whose ridge is paler is not brought to full ink
FAINTEST = 0.5  # of a ridge: a glyph that nowhere gets so far is blank
LEVELS = 0.2, 0.84  # of a stroke's ridge: contours beyond them are noise, or break
CREST = 0.9  # of a glyph's highest ridge: a contour any higher is a speck, or none
IN_PARTS = 'ij!?:;"%='  # characters that have small parts of their own
SPECK = 0.12  # of the largest part's area: a part as small is the end of a stroke whose middle is too pale to show
SOFT_EDGE = 3  # pixels, both sides together, by which ink spans more than its contour
FINEST_PEN = 1.2  # pixels: a finer one would miss them
INVISIBLE = 8  # of 255: paler edges are cut off
AT_ONCE = 32  # letters
PAPER_AROUND = 3  # glyph pixels laid around a glyph, for its stroke to grow into


class Letter(NamedTuple):
    """A character's ink, at its size."""

    character: str
    ink: np.ndarray
    """uint8 (H, W), 255 is full ink; no blank row or column at the edge, unless the glyph was blank."""
    top: int
    """Pixels from the baseline down to the first row; negative above it."""


def stroke_widths(glyphs: np.ndarray) -> np.ndarray:
    """How wide the strokes of glyphs are, in pixels of the glyph.

    A stroke with round ends, of width w, that covers the area A within an outline P, has A = wP/2 - pi w^2/4; area and
    outline are the means over all shades of grey up to the fullest (the outline is the total variation).

    Args:
        glyphs: float32 `(N, S, S)` in [0, 1], with blank edges.

    Returns:
        float32 `(N,)`, 0 for a blank glyph.
    """
    down, right = np.diff(glyphs, axis=1), np.diff(glyphs, axis=2)
    down, right = (down[:, :, 1:] + down[:, :, :-1]) / 2, (right[:, 1:] + right[:, :-1]) / 2
    fullest = np.maximum(glyphs.max(axis=(1, 2)), 1 / 255)
    outline = np.sqrt(down**2 + right**2).sum(axis=(1, 2)) / fullest
    area = glyphs.sum(axis=(1, 2)) / fullest
    return (outline - np.sqrt(np.maximum(outline**2 - 4 * math.pi * area, 0))) / math.pi


def pen_of(glyphs: np.ndarray) -> float:
    """The width of pen that suits a hand, as a share of a line's body: that of its middling letter.

    Args:
        glyphs: uint8 `(N, S, S)`, some letters of the hand.
    """
    pens = pens_of(glyphs)
    return _median(pens[pens > 0]) if pens.any() else _pen(USUAL_STROKE)


def pens_of(glyphs: np.ndarray) -> np.ndarray:
    """The width of pen that suits each glyph of uint8 `(N, S, S)` by itself: float32 `(N,)`, 0 for a blank one."""
    return _pen(stroke_widths(_inked(glyphs)))


def _pen(stroke: float | np.ndarray) -> float | np.ndarray:
    """The pen for strokes of as many glyph pixels, as a share of the body."""
    middling = (form_of("x").top + form_of("H").top) / 2
    return stroke / GLYPH_HEIGHT * middling * FINENESS


def _median(values: np.ndarray) -> float:
    """The median of some numbers: NumPy's own would load its masked arrays first, which takes longer than a line."""
    ordered, half = np.sort(values), len(values) // 2
    return float(ordered[half - 1 + len(values) % 2 : half + 1].mean())


def _inked(glyphs: np.ndarray) -> np.ndarray:
    """float32 `(N, 34, 34)` in [0, 1]: the glyphs at the size that all lengths here are meant for, paper around."""
    ink, size = glyphs.astype(np.float32) / 255, glyphs.shape[1]
    if size != IMAGE_SIZE:
        unit = size / IMAGE_SIZE
        reading = _kernel((np.arange(IMAGE_SIZE) + 0.5) * unit, size, 0.45 * unit)
        ink = reading @ ink @ reading.T
    return np.pad(ink, ((0, 0), (PAPER_AROUND, PAPER_AROUND), (PAPER_AROUND, PAPER_AROUND)))


def ink_letters(
    glyphs: np.ndarray, characters: Sequence[str], body: float, pen: float | np.ndarray, hand: Hand, room: float
) -> Iterator[Letter]:
    """Writes glyphs at their natural size.

    Args:
        glyphs: uint8 `(N, S, S)`, white ink on black, each character anywhere in its square and of any size.
        characters: What they show, N of them.
        body: Pixels from the top of a `d` to the foot of a `p`.
        pen: Width of the pen, as a share of the body; or `(N,)`, a pen for each.
        hand: How each is to be written.
        room: Pixels that none may be wider than; nor is any higher than the body.
    """
    ink = _inked(glyphs)
    fields = _fields(ink, hand.shear)
    peaks = fields.max(axis=(1, 2))
    strokes = np.where(peaks < FAINTEST, 0, stroke_widths(ink))
    forms = np.array([form_of(character) for character in characters], np.float32) * body * hand.size[:, None]
    are_signs = np.array([not character.isalnum() for character in characters])
    are_whole = np.array([character not in IN_PARTS for character in characters])
    levels = np.full(len(glyphs), FAINTEST, np.float32)
    for _ in range(2):  # how high a contour is depends on its level, and that on how much the glyph is enlarged
        boxes = _boxes(fields, levels)
        scales = _scales(boxes, forms, are_signs, (room, body))
        levels, gains = _contours(strokes, np.maximum(pen * body, FINEST_PEN), np.sqrt(scales.prod(axis=1)))
        levels = np.minimum(levels, CREST * peaks)
        fields = _without_specks(fields, levels, are_whole)
    boxes = _boxes(fields, levels)
    tops = _tops(boxes, forms, scales, are_signs) - hand.rise
    drawn = {}
    alike = np.lexsort((forms[:, 2], tops))  # letters of about one size are drawn at once
    for start in range(0, len(glyphs), AT_ONCE):
        some = alike[start : start + AT_ONCE]
        inks = _cropped(*_drawn(*(values[some] for values in (fields, boxes, scales, tops, levels, gains))))
        drawn.update(zip(some.tolist(), inks, strict=True))
    for k, character in enumerate(characters):
        yield Letter(character, *drawn[k]) if strokes[k] else _blank(character, forms[k])


def _blank(character: str, form: np.ndarray) -> Letter:
    top, bottom, width = np.round(form).astype(int).tolist()
    return Letter(character, np.zeros((max(1, top - bottom), max(1, width)), np.uint8), -top)


def _fields(ink: np.ndarray, shear: np.ndarray) -> np.ndarray:
    """Smooth fields float32 `(N, R, C)` of ink `(N, R, R)`, 1 along the ridge of every stroke: a pale or thin one, too.

    They are wider than the ink, as slanted letters are.
    """
    aside = math.ceil(np.abs(shear).max() * ink.shape[1] / 2)
    ink = _slanted(np.pad(ink, ((0, 0), (0, 0), (aside, aside))), shear)
    blur_down, blur_across = (_kernel(np.arange(n) + 0.5, n, BLUR) for n in ink.shape[1:])
    soft = blur_down @ _peaked(ink) @ blur_across.T
    return soft / (blur_down @ _ridge(np.maximum(soft, PALEST)) @ blur_across.T)


def _without_specks(fields: np.ndarray, levels: np.ndarray, are_whole: np.ndarray) -> np.ndarray:
    """The fields `(N, R, C)`, those of `are_whole` `(N,)` less what would be a dot beside their contour.

    Args:
        levels: `(N,)`.
    """
    rows, columns = fields.shape[1:]
    above = np.zeros((len(fields), rows + 1, columns), bool)  # a row of paper between any two
    above[:, :rows] = fields > levels[:, None, None]
    labels, areas = labelled(above.reshape(-1, columns))
    labels = labels.reshape(above.shape)[:, :rows]
    glyph_of = np.zeros(len(areas) + 1, int)
    glyph_of[labels] = np.arange(len(fields))[:, None, None]
    largest = np.zeros(len(fields), int)
    np.maximum.at(largest, glyph_of[1:], areas)
    too_small = np.concatenate([[False], areas < SPECK * largest[glyph_of[1:]]])
    specks = too_small[labels] & are_whole[:, None, None]
    beside = _widened(specks.astype(np.float32)) > 0
    return np.where(beside & (specks | (labels == 0)), 0, fields)


def _peaked(ink: np.ndarray) -> np.ndarray:
    """Ink `(N, R, C)` added to what is left of it one pixel inside its edge, and two: a broad stroke gets a ridge."""
    total, core = ink.copy(), ink
    for _ in range(CORES):
        core = -_widened(-core)
        total += core
    return total


def _ridge(soft: np.ndarray) -> np.ndarray:
    """How high the ridge is that each pixel of `(N, R, C)` lies on or beside.

    The largest of a pixel and its two neighbours is taken along each of four directions, and the last but one of these:
    beside a straight stroke three of them meet its ridge, and on it one alone can meet the higher ridge it leads to.
    """
    rows, columns = soft.shape[1:]
    around = np.pad(soft, ((0, 0), (1, 1), (1, 1)))
    lines = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        ends = [around[:, 1 + s * down :, 1 + s * right :][:, :rows, :columns] for s in (1, -1)]
        lines.append(np.maximum(np.maximum(*ends), soft))
    low, high = np.minimum(lines[0], lines[1]), np.maximum(lines[0], lines[1])
    other_low, other_high = np.minimum(lines[2], lines[3]), np.maximum(lines[2], lines[3])
    return np.minimum(np.maximum(low, other_low), np.minimum(high, other_high))


def _widened(arrays: np.ndarray) -> np.ndarray:
    """The largest of each pixel of `(N, R, C)` and its eight neighbours."""
    wide = arrays.copy()
    np.maximum(wide[:, :, 1:], arrays[:, :, :-1], out=wide[:, :, 1:])
    np.maximum(wide[:, :, :-1], arrays[:, :, 1:], out=wide[:, :, :-1])
    high = wide.copy()
    np.maximum(high[:, 1:], wide[:, :-1], out=high[:, 1:])
    np.maximum(high[:, :-1], wide[:, 1:], out=high[:, :-1])
    return high


def _slanted(ink: np.ndarray, shear: np.ndarray) -> np.ndarray:
    """Rows `(N, R, C)` moved aside in proportion to their height, interpolated by cubics (Catmull-Rom).

    Their ends have to be blank as far as they are moved: what comes in there is read from the row before or after.
    """
    rows = ink.shape[1]
    shift = shear[:, None, None] * ((rows - 1) / 2 - np.arange(rows, dtype=np.float32)[:, None])  # (N, R, 1)
    whole = np.floor(shift)
    t = shift - whole
    weights = (  # of the pixels 1 to the right, there, 1 and 2 to the left
        *(t * (-1 + t * (2 - t)) / 2, 1 + t * t * (-5 + 3 * t) / 2),
        *(t * (1 + t * (4 - 3 * t)) / 2, t * t * (t - 1) / 2),
    )
    source = np.arange(ink.size).reshape(ink.shape) - whole.astype(int)
    offsets = zip((1, 0, -1, -2), weights, strict=True)
    return sum(weight * ink.take(source + offset, mode="clip") for offset, weight in offsets)


def _kernel(places: np.ndarray, count: int, deviation: float) -> np.ndarray:
    """Weights float32 `(..., count)` that read a row of pixels off at places, blurred by a Gaussian."""
    places = np.clip(places, 0.5, count - 0.5).astype(np.float32)  # beyond, all is paper
    weights = places[..., None] - (np.arange(count, dtype=np.float32) + 0.5)
    weights *= weights
    weights *= -0.5 / deviation**2
    np.exp(weights, out=weights)
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights


def _boxes(fields: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Left, top, right, bottom of the contours at the levels `(N,)`, in glyph pixels: float32 `(N, 4)`."""
    edges = []
    for axis in (1, 2):
        profile = fields.max(axis=axis)  # (N, C), then (N, R)
        count = profile.shape[1]
        edges.append((_first_crossing(profile, levels), count - _first_crossing(profile[:, ::-1], levels)))
    (left, right), (top, bottom) = edges
    return np.stack([left, top, right, bottom], axis=1)


def _first_crossing(profiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Where the profiles `(N, C)` first rise above their levels, in pixels from the edge of the first."""
    first = np.maximum((profiles > levels[:, None]).argmax(axis=1), 1)
    every = np.arange(len(profiles))
    low, high = profiles[every, first - 1], profiles[every, first]
    share = (levels - low) / np.maximum(high - low, 1e-6)
    return (first - 0.5 + np.clip(share, 0, 1)).astype(np.float32)


def _scales(boxes: np.ndarray, forms: np.ndarray, are_signs: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Pixels a glyph pixel, across and down: float32 `(N, 2)`.

    Letters and digits get the height of their form; signs, a dash being no bar, have its larger side.
    """
    width, height = np.maximum(boxes[:, 2:] - boxes[:, :2], 1).T
    form_width, form_height = forms[:, 2], forms[:, 0] - forms[:, 1]
    by_side = np.maximum(form_width, form_height) / np.maximum(width, height)
    across_limit, down_limit = (max(limit - SOFT_EDGE, 1) for limit in limits)
    down = np.minimum(np.where(are_signs, by_side, form_height / height), down_limit / height)
    across = np.minimum(down, np.minimum(WIDEST * form_width, across_limit) / width)
    return np.stack([across, np.minimum(down, TALLEST * across)], axis=1)


def _tops(boxes: np.ndarray, forms: np.ndarray, scales: np.ndarray, are_signs: np.ndarray) -> np.ndarray:
    """Pixels from the baseline down to the ink's upper edge `(N,)`: letters stand on their foot, signs hang centred."""
    height = (boxes[:, 3] - boxes[:, 1]) * scales[:, 1]
    foot = np.where(are_signs, (forms[:, 0] + forms[:, 1] - height) / 2, forms[:, 1])
    return -(foot + height)


def _contours(strokes: np.ndarray, pen: float | np.ndarray, scales: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The levels at which the strokes' contours are as many pixels wide as the pen, and how steep ink is to rise there.

    A stroke of width w, blurred by a Gaussian, has the profile of a difference of two error functions.

    Args:
        strokes: Widths of the glyphs' strokes, in glyph pixels. scales: Pixels a glyph pixel.

    Returns:
        Shares of the ridge, and gains by which a difference in level becomes a distance in pixels: float32 `(N,)`.
    """
    cores = np.maximum(np.maximum(strokes, 0.8) / 2 - np.arange(CORES + 1)[:, None], 0)  # half of each core's width
    edge = pen / scales / 2 / (SWELLING[0] + SWELLING[1] * strokes)
    ridge = 2 * _erf(cores).sum(axis=0)
    levels = np.clip((_erf(edge + cores) - _erf(edge - cores)).sum(axis=0) / ridge, *LEVELS)
    slope = 2 * (_bell(edge - cores) - _bell(edge + cores)).sum(axis=0) / ridge
    gains = scales / np.maximum(slope, 0.15)
    blank_paper = 0.55 / np.minimum(levels, 1 - levels)  # the least gain that leaves none of it grey
    return levels.astype(np.float32), np.maximum(gains, blank_paper).astype(np.float32)


def _erf(distances: np.ndarray) -> np.ndarray:
    """The error function of distances from an edge, in glyph pixels."""
    scaled = (distances / (math.sqrt(2) * SOFTNESS)).ravel().tolist()
    return np.array(list(map(math.erf, scaled))).reshape(distances.shape)


def _bell(distances: np.ndarray) -> np.ndarray:
    """The normal density of the same."""
    return np.exp(-0.5 * (distances / SOFTNESS) ** 2) / (math.sqrt(2 * math.pi) * SOFTNESS)


def _drawn(
    fields: np.ndarray,
    boxes: np.ndarray,
    scales: np.ndarray,
    tops: np.ndarray,
    levels: np.ndarray,
    gains: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The contours drawn with soft edges: ink uint8 `(N, H, W)`, and the pixels down to its first row, `(N,)`."""
    columns, rows = 4 + np.ceil((boxes[:, 2:] - boxes[:, :2]) * scales).max(axis=0).astype(int)
    left, upper, across, down, top = (values[:, None] for values in (*boxes[:, :2].T, *scales.T, tops))
    first = np.floor(top) - 1
    down_weights = _kernel((np.arange(rows) + 0.5 + first - top) / down + upper, fields.shape[1], KERNEL)
    across_weights = _kernel((np.arange(columns) - 0.5) / across + left, fields.shape[2], KERNEL)
    value = down_weights @ fields @ across_weights.swapaxes(1, 2)
    steepness, level = (values[:, None, None] for values in (255 * gains, levels))
    peak = value.max(axis=(1, 2), keepdims=True)  # where it is below 1, the ridge lies between the pixels
    value *= steepness / np.clip(peak, 1e-6, 1)  # in place: large arrays are slow to get
    value += 128 - steepness * level
    return np.clip(value, 0, 255, out=value).astype(np.uint8), first[:, 0].astype(int)


def _cropped(inks: np.ndarray, tops: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """Each of the inks `(N, H, W)` without its blank edges, and the pixels down to its first row."""
    spans, visible = [], inks > INVISIBLE
    for seen in (visible.any(axis=2), visible.any(axis=1)):
        spans += [seen.argmax(axis=1), seen.shape[1] - seen[:, ::-1].argmax(axis=1)]
    for ink, top, upper, lower, left, right in zip(inks, *(x.tolist() for x in (tops, *spans)), strict=True):
        yield ink[upper:lower, left:right].copy(), top + upper

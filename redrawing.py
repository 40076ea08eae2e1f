"""Training pictures drawn anew from their pen strokes, each time as another hand might have written them.

A picture can only be bent as a whole. Strokes move against each other, too, and the pen stays as round and as thick
as a pen is, however they are bent.

Reference: Simard et al. 2003, "Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis",
for bending pictures as a whole, which this extends to their strokes.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from tqdm import tqdm

from data_processor import PER_PICTURE, GlyphDataset
from pen_strokes import Strokes, bounds

# How far, at most, a hand may differ; lengths in units of the character's longer side. Chosen by looking at pictures,
# as wide as leaves nearly all characters what they are; turned and slanted as a whole they are little, as augmentation
# does that, too, and `|` and `/` live by their slant.
STROKE_TURN = 0.12  # radians that a stroke turns about its middle
STROKE_GROWTH = 0.12  # logarithm of how much it grows
STROKE_SHIFT = 0.05  # that it moves, along either axis
WAVES = 2  # that bend the whole
WAVE_HEIGHT = 0.04  # standard deviation of how far each bends it, along either axis
WAVE_NUMBER = 1.0  # of each wave over the longer side, along either axis
TURN = 0.05  # radians of the whole
SLANT = 0.1  # of the whole: how far it shifts sideways per height
STRETCH = 0.2  # logarithm by which its width grows and its height shrinks
GROWTH = 0.06  # logarithm of how much larger it is than its picture's ink
PENS = (1.9, 3.3)  # pixels
BLURS = (0.35, 0.6)  # pixels, of the edges: 0.45 to 0.5 fits pictures of unipen94 best
SPILL = 0.6  # pixels that blurred ink reaches beyond the line, on both sides together

LARGEST_INK = 26.0  # pixels: what is larger would leave the picture when it is moved
FINENESS = 4  # pixels drawn for one
COARSEST_STEP = 0.75  # pixels between points that are both drawn, along the axes together
INK = 60  # grey that counts as ink, where a picture's ink is measured
DRAWN_ANEW = 0x5702  # keeps these draws apart from others of the same seed


def with_redrawn(
    part: GlyphDataset, number: int, strokes: Mapping[int, Strokes], times: int, seed: int
) -> GlyphDataset:
    """Adds every picture whose strokes are known that many times, each time drawn otherwise.

    Args:
        part: Pictures of joined sets.
        number: What the new pictures' `source` shall be: they count as a set of their own.
        strokes: Of the sets whose characters' are known, by the sets' number.
        times: How often each is drawn.
        seed: The same seed makes the same pictures.

    Returns:
        The part, and behind it the new pictures.
    """
    parts = [part]
    for of_set, pens in strokes.items():
        shown = part.take(np.flatnonzero(part.source == of_set))
        own = pens.take(shown.numbers)
        for one in range(times):
            drawn = redraw(own, shown.images, np.random.default_rng([seed, DRAWN_ANEW, of_set, one]))
            parts.append(replace(shown, images=drawn, source=np.full_like(shown.source, number)))
    arrays = {name: [getattr(each, name) for each in parts] for name in PER_PICTURE}
    return replace(part, **{name: None if held[0] is None else np.concatenate(held) for name, held in arrays.items()})


def redraw(strokes: Strokes, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws characters as another hand might have, with another pen, as large as they are.

    Args:
        strokes: Of N characters.
        images: uint8 `(N, 28, 28, 1)`, white ink on black: their pictures, which tell how large each shall be.
        rng: What is drawn is a function of its state.

    Returns:
        uint8, of the same shape.
    """
    size = images.shape[1]
    pens, blurs = (rng.uniform(*ends, len(images)) for ends in (PENS, BLURS))
    spans = ink_spans(images) * np.exp(rng.uniform(-GROWTH, GROWTH, len(images)))
    lengths = np.maximum(np.minimum(spans, LARGEST_INK) - SPILL - pens, 0)
    points = written_otherwise(strokes, rng) * lengths[strokes.character_of_points(), None] + size / 2
    drawn = np.empty(images.shape, np.uint8)
    for number in tqdm(range(len(images)), desc="redrawing", unit=" pictures", leave=False, disable=None):
        first, behind = strokes.character_offsets[number : number + 2]
        lines = [points[slice(*strokes.stroke_offsets[stroke : stroke + 2])] for stroke in range(first, behind)]
        blur = float(blurs[number])  # Pillow takes a number of NumPy's for two
        drawn[number, ..., 0] = _drawn(lines, pens[number], blur, size)
    return drawn


def ink_spans(images: np.ndarray) -> np.ndarray:
    """The longer side `(N,)` of the box around each picture's ink, in pixels; 0 where there is none."""
    inked = images[..., 0] > INK
    sides = [inked.any(axis=other) for other in (1, 2)]  # (N, S) each
    return np.max([np.where(side.any(axis=1), side.shape[1] - side[:, ::-1].argmax(axis=1) - side.argmax(axis=1), 0)
                   for side in sides], axis=0)  # fmt: skip


def written_otherwise(strokes: Strokes, rng: np.random.Generator) -> np.ndarray:
    """Points `(M, 2)` of characters that another hand wrote, each about (0, 0) with a longer side of 1.

    One without extent, such as a dot, stays one.
    """
    count, character, starts = (
        len(strokes.character_offsets) - 1,
        strokes.character_of_points(),
        strokes.character_starts(),
    )
    points, has_extent = _framed(strokes.points.astype(np.float32), starts, character)
    points = _bent(_strokes_moved(points, strokes, rng), character, count, rng)
    turns = rng.uniform(-TURN, TURN, count).astype(np.float32)
    slants = rng.uniform(-SLANT, SLANT, count).astype(np.float32)
    stretches = np.exp(rng.uniform(-STRETCH, STRETCH, count)).astype(np.float32)
    slanted = np.stack([points[:, 0] * stretches[character], points[:, 1] / stretches[character]], axis=1)
    slanted[:, 0] += slants[character] * slanted[:, 1]
    points, _ = _framed(_turned(slanted, turns[character]), starts, character)
    return points * has_extent[character, None]


def _framed(points: np.ndarray, starts: np.ndarray, character: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every character about (0, 0) with a longer side of 1, and whether each has a side `(N,)`."""
    middle, extent = bounds(points, starts)
    longer = extent.max(axis=1)
    framed = (points - middle[character]) / np.where(longer > 0, longer, 1)[character, None]
    return framed, longer > 0


def _strokes_moved(points: np.ndarray, strokes: Strokes, rng: np.random.Generator) -> np.ndarray:
    """Every stroke turned, grown and moved by itself."""
    count, stroke = len(strokes.stroke_offsets) - 1, strokes.stroke_of_points()
    turns = rng.uniform(-STROKE_TURN, STROKE_TURN, count).astype(np.float32)
    growths = np.exp(rng.uniform(-STROKE_GROWTH, STROKE_GROWTH, count)).astype(np.float32)
    shifts = rng.uniform(-STROKE_SHIFT, STROKE_SHIFT, (count, 2)).astype(np.float32)
    middles, _ = bounds(points, strokes.stroke_offsets[:-1])
    about_middle = (points - middles[stroke]) * growths[stroke, None]
    return _turned(about_middle, turns[stroke]) + (middles + shifts)[stroke]


def _bent(points: np.ndarray, character: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Every character bent by waves of its own, all of its strokes by the same."""
    for _ in range(WAVES):
        numbers = rng.uniform(-WAVE_NUMBER, WAVE_NUMBER, (count, 2)).astype(np.float32)
        phases = rng.uniform(0, 1, count).astype(np.float32)
        heights = rng.normal(0, WAVE_HEIGHT, (count, 2)).astype(np.float32)
        along = (points * numbers[character]).sum(axis=1) + phases[character]
        points = points + heights[character] * np.sin(2 * np.pi * along)[:, None]
    return points


def _turned(points: np.ndarray, angles: np.ndarray) -> np.ndarray:
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([cos * points[:, 0] - sin * points[:, 1], sin * points[:, 0] + cos * points[:, 1]], axis=1)


def _drawn(lines: list[np.ndarray], pen: float, blur: float, size: int) -> np.ndarray:
    """A picture uint8 `(size, size)` of lines through points, in pixels, drawn with a round pen, edges blurred."""
    canvas = Image.new("L", (FINENESS * size, FINENESS * size))
    ink, reach = ImageDraw.Draw(canvas), round((FINENESS * pen - 1) / 2)  # Pillow's pixels: as many on either side
    for line in lines:
        places = np.floor(_thinned(line) * FINENESS).astype(int)
        if len(places) > 1:
            ink.line(places.ravel().tolist(), fill=255, width=2 * reach + 1)
        for x, y in places.tolist():  # ends and corners of Pillow's lines are not round
            ink.ellipse((x - reach, y - reach, x + reach, y + reach), fill=255)
    return np.asarray(canvas.filter(ImageFilter.GaussianBlur(FINENESS * blur)).reduce(FINENESS))


def _thinned(line: np.ndarray) -> np.ndarray:
    """A line's points `(M, 2)`, of those that lie close together one; the first and the last stay."""
    steps = np.abs(np.diff(line, axis=0)).sum(axis=1).cumsum() // COARSEST_STEP
    kept = np.ones(len(line), bool)
    kept[1:-1] = np.diff(steps) > 0
    return line[kept]

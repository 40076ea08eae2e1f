"""Ink told from paper, and one character's ink from another's: arrays in, arrays out.

Ink is a float32 array: 0 is paper, 1 is full ink. NumPy and Pillow only, as `picture.py` says.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from shell import UserError

MIN_CONTRAST = 10.0  # grey levels of 255 between ink and paper; fainter is paper texture
MIN_SIGNAL = 3.0  # ink over paper noise, in standard deviations; pure noise reaches 2
OWN_GREYS_PIXELS = 64 * 64  # a clean picture of at most this keeps its greys: glyph data, not a faint or uneven pen
ASKED, LARGE = 15, 0.5  # so many parts at most tell the pen, each at least so long beside the one of most ink
SPECK_SHARE = 0.02  # of the largest part's ink: below it, a part is dirt


class BlankError(UserError):
    """A picture holds no ink: to some a mistake, to others an answer."""

    def __init__(self):
        super().__init__(
            "expected a character, found blank paper or only noise; write darker, or crop to the character"
        )


@dataclass(frozen=True)
class Part:
    """One connected piece of ink, or several taken for one character. Pixels of the working picture."""

    box: tuple[int, int, int, int]  # left, top, right, bottom
    area: int
    labels: tuple[int, ...]
    longest: int
    """The longest side of any of its pieces."""

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]

    def __add__(self, other: "Part") -> "Part":
        (a, b, c, d), (e, f, g, h) = self.box, other.box
        box, longest = (min(a, e), min(b, f), max(c, g), max(d, h)), max(self.longest, other.longest)
        return Part(box, self.area + other.area, self.labels + other.labels, longest)


def find_ink(grey: np.ndarray) -> tuple[np.ndarray, float]:
    """Takes the paper and its light away.

    Returns:
        Ink, 0 to 1, and the standard deviation of the paper's noise in the same unit: 0 on paper of exactly one shade.
    """
    paper = _paper(grey)
    rise = _signed(grey - paper)
    if np.ndim(paper) and (rise * (paper - grey)).sum() > 0:
        rise = rise * (paper.max() / np.maximum(paper, 16))  # dark ink in dim light stands out by less
    if (
        min(grey.shape) >= 48 and _edge_unrest(rise) > 0.3
    ):  # a hard shadow or a dark margin: no smooth surface follows it
        rise = min(rise, _narrow(grey), key=_edge_unrest)
    noise, peak = _noise_and_peak(rise)
    if noise > 0.06 * peak and min(grey.shape) > 40:
        rise = _smoothed(rise)
        noise, peak = _noise_and_peak(rise)
    return np.clip(rise / peak, 0, 1), noise / peak


def _paper(grey: np.ndarray) -> np.ndarray | float:
    """The shade of the paper under the ink: one value where it has one, else a smooth surface."""
    values, counts = np.unique(_border(grey), return_counts=True)
    shade = values[counts.argmax()]
    if counts.max() > counts.sum() / 4 and np.mean(grey == shade) > 0.25:
        return shade
    small = _resized(grey, [min(32, side) for side in grey.shape])
    terms = _surface_terms(small.shape)
    edge = np.maximum(abs(terms[1]), abs(terms[2]))
    prior = (1 + 4 * edge**4).ravel()  # strokes seldom run along the edge
    basis, target, weight = terms.reshape(len(terms), -1).T.astype(float), small.ravel(), prior
    for step in range(12):  # iteratively reweighted least squares, Tukey's biweight: ink counts for nothing in the end
        used = basis[:, : 3 if step < 6 else 6]  # a plane first: a bent surface would follow the ink
        weighted = weight[:, None] * used
        fit = np.linalg.solve(weighted.T @ used + 1e-3 * np.eye(used.shape[1]), weighted.T @ target)
        error = abs(target - used @ fit)
        scale = max(1.0, 1.4826 * np.median(error)) * (4 if step < 6 else 3)
        weight = prior * np.clip(1 - (error / scale) ** 2, 1e-4, 1) ** 2
    return np.tensordot(fit, _surface_terms(grey.shape), 1).astype(np.float32)


def _surface_terms(shape: tuple[int, ...]) -> np.ndarray:
    """1, x, y, xx, xy, yy over `shape`, x and y in [-1, 1]: float32 `(6, H, W)`."""
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) * (side > 1) for side in shape)
    x, y = np.meshgrid(x, y)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y])


def _signed(rise: np.ndarray) -> np.ndarray:
    """Turns the sign so that ink, the heavier tail, rises."""
    spread = 2 * np.median(abs(rise[::2, ::2]))
    up, down = (np.square(tail - spread).sum() for tail in (rise[rise > spread], -rise[rise < -spread]))
    return rise if up >= down else -rise


def _narrow(grey: np.ndarray) -> np.ndarray:
    """What is narrower than a fifth of the picture, and darker or lighter than around it (a top-hat transform)."""
    reach = max(2, max(grey.shape) // 10)
    bright = -spread(-spread(grey, reach), reach)
    dark = spread(-spread(-grey, reach), reach)
    hats = [
        (bright - grey) * (bright.max() / np.maximum(bright, 1)),
        grey - dark,
    ]  # ink in the shade is darkened with it
    hats = [hat - np.median(hat) for hat in hats]  # on noisy paper the envelope runs above the paper itself
    return max(hats, key=lambda hat: np.square(hat).sum())


def _noise_and_peak(rise: np.ndarray) -> tuple[float, float]:
    """Standard deviation of the paper, and the level of full ink.

    Raises:
        BlankError: If that level does not stand out.
    """
    threshold, total = rise.max() / 2, rise.sum(dtype=float)
    for _ in range(4):  # the threshold half-way between the means of paper and ink
        ink = rise > threshold
        inked = rise[ink]
        if inked.size in (0, rise.size):
            raise BlankError
        of_ink = inked.sum(dtype=float)
        threshold = (of_ink / inked.size + (total - of_ink) / (rise.size - inked.size)) / 2
    ink = rise > threshold
    peak = float(np.percentile(rise[ink], 75))
    if peak < max(MIN_CONTRAST, MIN_SIGNAL * rise[~ink].std()):
        raise BlankError
    paper, exact = ~spread(ink, 2), 0.97
    if np.count_nonzero(paper) < 0.1 * rise.size:  # too little is clear of the strokes' soft edges
        paper, exact = ~ink, 0.3
    if np.count_nonzero((abs(rise) < 0.5) & paper) > exact * np.count_nonzero(paper):
        return 0.0, peak if rise.size > OWN_GREYS_PIXELS else float(rise.max())
    return float(np.clip(rise[paper], -0.4 * peak, 0.4 * peak).std()), peak


def _border(array: np.ndarray) -> np.ndarray:
    return np.concatenate([array[0], array[-1], array[1:-1, 0], array[1:-1, -1]])


def _edge_unrest(rise: np.ndarray) -> float:
    """How much the paper's level varies along the picture's edge, in units of full ink."""
    border = _border(rise)
    if not np.ptp(border):  # as on a pad: to rank all pixels would take long for nothing
        return 0.0
    level = np.convolve(border, np.full(9, 1 / 9), mode="valid")  # noise is no unrest
    return float(np.ptp(np.percentile(level, [10, 90])) / max(np.percentile(rise[::2, ::2], 99.5), 1))


def _resized(array: np.ndarray, shape: tuple[int, ...] | list[int]) -> np.ndarray:
    return np.asarray(Image.fromarray(array.astype(np.float32)).resize(tuple(shape)[::-1], Image.Resampling.BILINEAR))


def _smoothed(array: np.ndarray) -> np.ndarray:
    """A binomial blur of about one pixel."""
    for _ in range(2):
        padded = np.pad(array, 1, mode="edge")
        array = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
        array = (array[:, :-2] + 2 * array[:, 1:-1] + array[:, 2:]) / 4
    return array


def spread(array: np.ndarray, reach: int) -> np.ndarray:
    """The largest value within a square of `reach` pixels around each pixel."""
    return spread_down(spread_down(array, reach).T, reach).T


def spread_down(array: np.ndarray, reach: int) -> np.ndarray:
    """The largest value within `reach` pixels above and below each pixel."""
    spread = array.copy()
    for shift in range(1, min(reach + 1, len(array))):
        np.maximum(spread[shift:], array[:-shift], out=spread[shift:])
        np.maximum(spread[:-shift], array[shift:], out=spread[:-shift])
    return spread


def labelled(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels the 8-connected parts of a mask, by its horizontal runs.

    Returns:
        int32 labels like `mask`, 0 for none; and the area of every part, that of label k at k - 1.
    """
    row, left, right = _runs(mask)
    labels, kind = _labels(mask, row, left, right)
    return labels, np.bincount(kind, right - left).astype(int)


def find_parts(mask: np.ndarray) -> tuple[np.ndarray, list[Part]]:
    """Labels the 8-connected parts of a mask and tells where they are.

    Returns:
        int32 labels like `mask`, 0 for none; and the parts, largest first. Part k of the labels has `labels == (k,)`.
    """
    row, left, right = _runs(mask)
    labels, kind = _labels(mask, row, left, right)
    if not len(row):
        return labels, []
    low = [np.full(kind.max() + 1, 1 << 30) for _ in range(2)]
    high, area = [np.zeros(kind.max() + 1, int) for _ in range(2)], np.bincount(kind, right - left).astype(int)
    for ends, values in zip(low, (left, row), strict=True):
        np.minimum.at(ends, kind, values)
    for ends, values in zip(high, (right, row + 1), strict=True):
        np.maximum.at(ends, kind, values)
    longest = np.maximum(high[0] - low[0], high[1] - low[1]).tolist()
    boxes = np.stack([*low, *high], axis=1).tolist()
    order = np.argsort(-area, kind="stable").tolist()
    return labels, [Part(tuple(boxes[k]), int(area[k]), (k + 1,), longest[k]) for k in order]


def _labels(mask: np.ndarray, row: np.ndarray, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The labels of a mask by its runs, and the part that each run is of, from 0."""
    labels, root = np.zeros(mask.shape, np.int32), _joined_runs(row, left, right, mask.shape[1])
    kind = np.unique(root, return_inverse=True)[1]
    labels[mask] = np.repeat(kind + 1, right - left)
    return labels, kind


def _runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, first column and column after the last of each horizontal run, from the top."""
    height, width = mask.shape
    padded = np.zeros((height, width + 2), bool)
    padded[:, 1:-1] = mask
    edge = np.flatnonzero(padded[:, 1:] != padded[:, :-1])  # where runs begin and end in turn
    row, column = np.divmod(edge, width + 1)
    return row[::2], column[::2], column[1::2]


def _joined_runs(row: np.ndarray, left: np.ndarray, right: np.ndarray, width: int) -> np.ndarray:
    """For each run the smallest index of a run it is connected with."""
    stride = width + 2
    first = np.searchsorted(
        row * stride + right, (row - 1) * stride + left
    )  # in the row above, touching also by a corner
    last = np.searchsorted(row * stride + left, (row - 1) * stride + right, side="right")
    count = np.maximum(last - first, 0)
    below = np.repeat(np.arange(len(row)), count)
    above = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    root = np.arange(len(row))
    while True:
        lowest = np.minimum(root[above], root[below])
        new = root.copy()
        np.minimum.at(new, root[above], lowest)
        np.minimum.at(new, root[below], lowest)
        new = new[new]
        if np.array_equal(new, root):
            return root
        root = new


def without_dirt(parts: list[Part], shape: tuple[int, ...], noise: float, enough: float = math.inf) -> list[Part]:
    """Leaves out specks, ruled lines that cross the page, and what hangs in from beyond the edge.

    Args:
        enough: Pixels of ink that no speck has, however large other parts are.
    """
    height, width = shape
    kept = [part for part in parts if part.width < 0.9 * width or part.height > 0.08 * height] or parts
    inner = [part for part in kept if _is_inside(part, shape)]
    whole = [
        part for part in inner if part.area > 0.1 * kept[0].area and max(part.width, part.height) > 0.2 * min(shape)
    ]
    if whole:
        kept = sorted(
            inner + [part for part in kept if part.area > 3 * whole[0].area and part not in inner], key=by_area
        )
    smallest = min(SPECK_SHARE * kept[0].area * (1 if noise else 0.3), enough)
    return [part for part in kept if part.area >= smallest]


def by_area(part: Part) -> int:
    """Puts the largest first, where parts are sorted by it."""
    return -part.area


def _is_inside(part: Part, shape: tuple[int, ...]) -> bool:
    left, top, right, bottom = part.box
    return min(left, top, shape[1] - right, shape[0] - bottom) > (1 if min(shape) > 28 else 0)


def keep_only(character: Part, ink: np.ndarray, labels: np.ndarray, noise: float) -> np.ndarray:
    """The ink of one character with its soft edges, the rest of the picture blank."""
    reach = max(2, round(0.08 * max(character.width, character.height)))
    left, top, right, bottom = character.box
    around = np.s_[max(0, top - reach - 1) : bottom + reach + 1, max(0, left - reach - 1) : right + reach + 1]
    labels = labels[around]
    is_own = np.zeros(labels.max() + 1, bool)
    is_own[list(character.labels)] = True
    own = is_own[labels]
    foreign = (labels > 0) & ~own
    low = min(2.5 * noise, 0.3)
    near = spread(own, reach) & ~spread(foreign, 1) | own
    kept = np.zeros(ink.shape, np.float32)
    kept[around] = np.where(near, np.maximum(ink[around] - low, 0) / (1 - low), 0)
    return kept


def stroke_width(ink: np.ndarray) -> float:
    """The usual width of strokes, in pixels: a line of width w and length L has an area wL and an outline 2L."""
    padded = np.pad(ink, 1)
    outline = abs(np.diff(padded, axis=0)).sum() + abs(np.diff(padded, axis=1)).sum()
    return 2 * padded.sum() / (math.pi / 4 * outline)


def usual_stroke(parts: list[Part], labels: np.ndarray) -> float:
    """The width of strokes in pixels: the median of those of the large parts, so that a blot changes little.

    Args:
        parts: Of the `labels`, one or more, the largest first.
    """
    widths = []
    for part in parts[:ASKED]:
        if part.longest >= LARGE * parts[0].longest:
            left, top, right, bottom = part.box
            widths.append(stroke_width((labels[top:bottom, left:right] == part.labels[0]).astype(np.float32)))
    return sorted(widths)[(len(widths) - 1) // 2]


def are_specks(parts: list[Part]) -> bool:
    return len(parts) > 50 and parts[0].area < 0.05 * sum(part.area for part in parts)

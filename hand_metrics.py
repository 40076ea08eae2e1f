"""What tells one hand from another in its letters, measured on pictures, and whether it holds from letter to letter.

Of a hand's letters some things are alike whatever they spell: how far they lean, how broad the pen is, how wide they
are drawn. Each is measured here picture by picture, as float64 `(N,)`; a picture without ink has none: NaN.
"""

import numpy as np

from checks import check, require, unit_range
from config import DIGITS, LETTERS

BOX_LEVEL = 0.5  # of a picture's darkest ink: fainter pixels are the blur at a stroke's edge, not ink
BLOCK = 2000  # pictures measured at a time: bounds the memory


def slant(images: np.ndarray) -> np.ndarray:
    """How far a character leans, in degrees: arctan(m_xy / m_yy), positive to the right, as italics do.

    m are the second central moments of the ink, x to the right and y upwards. Moving every row back by m_xy / m_yy
    pixels a pixel of height makes the covariance diagonal, which is how handwriting is made upright. Characters lean by
    their shape, too, a 7 more than a 1: compare hands by the same character alone.

    Args:
        images: `(N, S, S, 1)`, uint8 or float in [0, 1]. A single row of ink leans nowhere: NaN, as does none.

    Reference: as in LeCun et al. 1998, "Gradient-based learning applied to document recognition", for deslanting.
    """
    ink = _ink(images)
    down, across = (np.arange(length, dtype=float) for length in ink.shape[1:])
    with np.errstate(invalid="ignore"):  # 0 / 0 without ink
        rows, columns = ink.sum(axis=2), ink.sum(axis=1)  # (N, H), (N, W)
        mass = rows.sum(axis=1)
        middle_y, middle_x = rows @ down / mass, columns @ across / mass
        m_yy = rows @ down**2 / mass - middle_y**2
        m_xy = -((ink @ across * down).sum(axis=1) / mass - middle_x * middle_y)  # rows count downwards, y upwards
        m_yy = np.where(m_yy > 1e-9, m_yy, np.nan)
        return np.degrees(np.arctan(m_xy / m_yy))


def stroke_width(images: np.ndarray) -> np.ndarray:
    """Mean width of the pen's strokes, in pixels: 2 * area / perimeter.

    A stroke of length L and width w has an area of L w and edges of 2 L: its ends are left out of account, so that a
    short one measures less, 1 / (1 / w + 1 / L), and a ring just w. The area is the sum of the ink; the perimeter is
    its total variation, the sum of |gradient| over cells of 2x2 pixels. Both grow with the ink alike, so that pale
    strokes are as wide as black ones. A straight stroke of 2 pixels or more comes out right within 4 % whatever its
    turn, but one of 2 pixels along the diagonal 10 % too wide; what is finer than 2 pixels cannot be told from them.

    Args:
        images: `(N, S, S, 1)`, uint8 or float in [0, 1].

    Reference: the coarea formula, as in Rudin et al. 1992, "Nonlinear Total Variation Based Noise Removal Algorithms".
    """
    ink = _ink(images)
    framed = np.pad(ink, ((0, 0), (1, 1), (1, 1)))  # ink at the margin ends there
    right, below = np.diff(framed, axis=2), np.diff(framed, axis=1)
    x, y = (right[:, 1:] + right[:, :-1]) / 2, (below[:, :, 1:] + below[:, :, :-1]) / 2  # (N, H + 1, W + 1)
    with np.errstate(invalid="ignore"):  # 0 / 0 without ink
        return 2 * ink.sum(axis=(1, 2)) / np.hypot(x, y).sum(axis=(1, 2))


def width_to_height(images: np.ndarray) -> np.ndarray:
    """Width over height of the box around the ink, pixels at least half as dark as the darkest.

    Args:
        images: `(N, S, S, 1)`, uint8 or float in [0, 1].
    """
    ink = _ink(images)
    darkest = ink.max(axis=(1, 2), keepdims=True)
    black = (ink >= BOX_LEVEL * darkest) & (darkest > 0)
    with np.errstate(invalid="ignore"):  # 0 / 0 without ink
        return _extent(black.any(axis=1)) / _extent(black.any(axis=2))


def _ink(images: np.ndarray) -> np.ndarray:
    check("NHW1", images=images)
    return unit_range(images)[..., 0].astype(float)


def _extent(filled: np.ndarray) -> np.ndarray:
    """From the first to the last of bool `(N, L)` that holds, float `(N,)`; 0 where none does."""
    length = filled.shape[1]
    reach = length - filled[:, ::-1].argmax(axis=1) - filled.argmax(axis=1)
    return np.where(filled.any(axis=1), reach, 0).astype(float)


TRAITS = {"slant": slant, "stroke width": stroke_width, "width to height": width_to_height}
"""What a hand keeps from letter to letter, by its name."""


def trait_tables(images: np.ndarray, hands: np.ndarray, letters: np.ndarray) -> dict[str, np.ndarray]:
    """What `shared_trait` takes, by the names of the traits.

    Args:
        images: `(N, S, S, 1)`, uint8 or float in [0, 1]. hands: int `(N,)`, in [0, H), whose they are.
        letters: int `(N,)`, in [0, C), what they show; of each letter of a hand one picture at most.

    Returns:
        float `(H, C)` each, NaN where there is no picture.
    """
    parts = [images[start : start + BLOCK] for start in range(0, len(images), BLOCK)]
    tables = {}
    for name, trait in TRAITS.items():
        table = np.full((hands.max() + 1, letters.max() + 1), np.nan)
        table[hands, letters] = np.concatenate([trait(part) for part in parts])
        tables[name] = table
    return tables


def letters_of(alphabet: str, labels: np.ndarray) -> np.ndarray:
    """Those of some labels that hands are told by: letters; of fewer than two of them digits, or else all."""
    for kind in (LETTERS, DIGITS):
        chosen = labels[[alphabet[label] in kind for label in labels]]
        if len(chosen) > 1:
            return chosen
    return labels


def writer_tables(
    images: np.ndarray, labels: np.ndarray, writers: np.ndarray, letters: np.ndarray
) -> dict[str, np.ndarray]:
    """`trait_tables` of what people wrote: of each letter of a writer the first picture.

    Args:
        images: `(N, S, S, 1)`. labels, writers: int `(N,)`. letters: int `(C,)`, the labels to take, in order.

    Returns:
        float `(W, C)` each, of W writers.
    """
    kept = np.flatnonzero(np.isin(labels, letters))
    cells, first = np.unique(np.stack([writers[kept], labels[kept]]), axis=1, return_index=True)
    row = np.unique(cells[0], return_inverse=True)[1]
    return trait_tables(images[kept[first]], row, np.searchsorted(letters, cells[1]))


def shared_trait(values: np.ndarray) -> float:
    """How much of a trait is the hand's: the correlation of two different letters over hands, mean over all pairs.

    With z_hc the trait of letter c in hand h, less the letter's mean over hands and over its standard deviation, it is
    the mean of z_ha z_hb over hands h and letters a != b. That is the mean of the pairs' correlations, where every hand
    wrote every letter; elsewhere, every pair that one hand wrote counts alike.

    Args:
        values: float `(H, C)`, a row a hand, a column a letter; NaN where it is not known.

    Returns:
        In [-1 / (C - 1), 1], but for what is missing: about 0 if letters have nothing in common but what they are, 1
        if the first of a hand tells of all others. A letter that is alike in all hands counts as 0.

    Raises:
        ValueError: No hand wrote two letters.
    """
    require(values.ndim == 2, "`values` must have a row a hand and a column a letter", values=values)
    known = ~np.isnan(values)
    pairs = known.sum(axis=1)
    require(bool((pairs > 1).any()), "some hand must have written two letters", values=values)
    count = np.maximum(known.sum(axis=0), 1)
    offset = np.where(known, values - np.where(known, values, 0).sum(axis=0) / count, 0)
    spread = np.sqrt(np.square(offset).sum(axis=0) / count)
    z = offset / np.where(spread > 1e-9, spread, np.inf)
    products = np.square(z.sum(axis=1)) - np.square(z).sum(axis=1)
    return float(products.sum() / (pairs * (pairs - 1)).sum())

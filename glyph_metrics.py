"""How near pictures of characters are to the right ones: for type, of which just one picture is right, above all."""

import numpy as np

from checks import check, require, unit_range

SSIM_WINDOW, SSIM_SIGMA = 11, 1.5  # pixels
SSIM_K1, SSIM_K2 = 0.01, 0.03  # of the range from paper to ink
CHUNK = 1 << 24  # distances held at a time: 64 MB as float32


def nearest_glyph(glyphs: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Which of the references each glyph is nearest to: argmin over k of |glyph - reference_k|, Euclidean.

    Args:
        glyphs: `(N, S, S, 1)`, uint8 or float in [0, 1]. references: `(K, S, S, 1)`, likewise.

    Returns:
        int `(N,)`, in [0, K).
    """
    check("NHW1 KHW1", glyphs=glyphs, references=references)
    drawn = unit_range(glyphs).reshape(len(glyphs), -1)
    right = unit_range(references).reshape(len(references), -1)
    lengths = np.square(right).sum(axis=1)
    rows = max(1, CHUNK // len(right))
    chunks = (drawn[start : start + rows] for start in range(0, len(drawn), rows))
    return np.concatenate(
        [np.argmin(lengths - 2 * chunk @ right.T, axis=1) for chunk in chunks]
    )  # |drawn|^2 is left out


def within(glyphs: np.ndarray, right: np.ndarray, tolerance: float) -> np.ndarray:
    """Which glyphs have no pixel further from the right one than `tolerance`, of the range from paper to ink.

    Args:
        glyphs: `(N, S, S, 1)`, uint8 or float in [0, 1]. right: The same of the glyphs wanted.

    Returns:
        bool `(N,)`; `Share.of` counts it.
    """
    check("NHW1 NHW1", glyphs=glyphs, right=right)
    return np.abs(unit_range(glyphs) - unit_range(right)).max(axis=(1, 2, 3)) <= tolerance


def ssim(glyphs: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Structural similarity of each glyph to the right one, from -1 to 1 for the very same.

    (2 m_x m_y + C1) (2 c_xy + C2) / ((m_x^2 + m_y^2 + C1) (v_x + v_y + C2)), of means m, variances v and covariance c
    under a Gaussian window of 11x11 pixels with a deviation of 1.5, averaged over where the window lies inside;
    C1 = 0.01^2 and C2 = 0.03^2, as the range from paper to ink is 1.

    Args:
        glyphs: `(N, H, W, 1)`, uint8 or float in [0, 1], 11 pixels or more a side. right: The same.

    Returns:
        float64 `(N,)`.

    Reference: Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity".
    """
    check("NHW1 NHW1", glyphs=glyphs, right=right)
    require(min(glyphs.shape[1:3]) >= SSIM_WINDOW, f"pictures must be {SSIM_WINDOW} pixels or more", glyphs=glyphs)
    x, y = (unit_range(pictures)[..., 0].astype(float) for pictures in (glyphs, right))  # (N, H, W)
    down, across = _gaussian_band(x.shape[1]), _gaussian_band(x.shape[2]).T
    mean_x, mean_y, xx, yy, xy = (down @ field @ across for field in (x, y, x * x, y * y, x * y))
    means, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    c1, c2 = SSIM_K1**2, SSIM_K2**2
    likeness = (2 * means + c1) * (2 * (xy - means) + c2) / ((squares + c1) * (xx + yy - squares + c2))
    return likeness.mean(axis=(1, 2))


def _gaussian_band(side: int) -> np.ndarray:
    """float64 `(side - 10, side)`: multiplied by it, an axis becomes its weighted means wherever the window fits."""
    taps = np.exp(-0.5 * np.square((np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2) / SSIM_SIGMA))
    starts = range(side - SSIM_WINDOW + 1)
    return np.stack([np.pad(taps / taps.sum(), (start, side - SSIM_WINDOW - start)) for start in starts])

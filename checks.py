"""What the measures ask of their arguments: that arrays fit together, and hold what they are said to hold.

Whoever breaks a rule is a mistaken program, not a mistaken user: a `ValueError` tells the rule and what was received.
"""

import numpy as np

ROW_SUM_TOLERANCE = 1e-3  # of probabilities; float16 sums 94 of them up to about this


def require(holds: bool, rule: str, **received: object) -> None:
    """Raises a `ValueError` that tells the rule broken and what was received: of an array, its type and shape."""
    if not holds:
        told = {name: f"{x.dtype}{x.shape}" if isinstance(x, np.ndarray) else repr(x) for name, x in received.items()}
        raise ValueError(f"{rule}. Received: {', '.join(f'{name}={value}' for name, value in told.items())}")


def check(axes: str, **arrays: np.ndarray) -> None:
    """Refuses arrays that are empty, not finite, or do not fit together.

    Args:
        axes: A word an array, a letter an axis: the same letter is the same length everywhere, and 1 is one.
    """
    lengths = {"1": 1}
    for word, (name, array) in zip(axes.split(), arrays.items(), strict=True):
        fits = array.ndim == len(word) and array.size > 0
        fits = fits and all(lengths.setdefault(axis, n) == n for axis, n in zip(word, array.shape, strict=True))
        require(fits, f"{', '.join(arrays)} must have the axes {axes} and not be empty", **arrays)
        require(bool(np.isfinite(array).all()), f"`{name}` must be finite", **{name: array})


def check_labels(classes: float, **labels: np.ndarray) -> None:
    """Refuses labels that are no integers in [0, classes)."""
    for name, values in labels.items():
        fits = values.dtype.kind in "iu" and values.min() >= 0 and values.max() < classes
        extremes = {"lowest": values.min().item(), "highest": values.max().item()}
        require(bool(fits), f"`{name}` must be integers in [0, {classes})", **{name: values}, **extremes)


def check_bool(**flags: np.ndarray) -> None:
    """Refuses flags of another type, with which `~` and `&` would go wrong in silence."""
    for name, values in flags.items():
        require(values.dtype == bool, f"`{name}` must be bool", **{name: values})


def check_probabilities(probabilities: np.ndarray) -> None:
    """Refuses what is no distribution in every row, such as logits."""
    sums, lowest = probabilities.sum(axis=1, dtype=float), probabilities.min()
    fits = lowest >= 0 and np.abs(sums - 1).max() <= ROW_SUM_TOLERANCE
    require(bool(fits), "`probabilities` must not be negative and must sum to 1 in every row",
            probabilities=probabilities, lowest=lowest.item(), sums=(sums.min().item(), sums.max().item()))  # fmt: skip


def unit_range(pictures: np.ndarray) -> np.ndarray:
    """Pictures as floats, ink 1 and paper 0: uint8 is divided by 255, anything else must be so already."""
    if pictures.dtype == np.uint8:
        return pictures / np.float32(255)
    fits = pictures.dtype.kind == "f" and pictures.min() >= 0 and pictures.max() <= 1
    require(bool(fits), "pictures must be uint8, or floats in [0, 1]", pictures=pictures)
    return pictures

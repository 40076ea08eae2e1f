"""How far apart two sets of pictures are as a whole: the Frechet distance and the kernel distance of their features.

Features are float `(N, F)`, a row a picture, as in `generator_metrics.py`.
"""

from typing import NamedTuple

import numpy as np

from checks import check, check_labels, require

GROUPS = 20  # of pictures, left out in turn
ROUNDING = 1e-9  # of the variance: a distance of less is none
STUDENT_95 = 2.093024  # quantile of the t distribution with GROUPS - 1 degrees of freedom: 2.5 % on either side
SUBSETS, SUBSET_SIZE = 20, 1000  # of the kernel distance


class NoFloorError(ValueError):
    """Real pictures lie at no distance from each other, so that no other distance can be held against theirs."""


class FrechetResult(NamedTuple):
    """A Frechet distance, and what it is worth; it falls with N, and means nothing without its extractor."""

    distance: float
    """Generated against test pictures."""
    low: float
    """Lower end of its 95 % interval, were N others generated and N others written, of the classes that are told."""
    high: float
    """Upper end."""
    floor: float
    """Training against test pictures, mean over samples: what a perfect generator would reach."""
    lowest_floor: float
    """Of the samples the one nearest to the test pictures."""
    highest_floor: float
    """And the farthest: a perfect generator comes out between the two, give or take."""
    ratio: float
    """distance / floor: of a perfect generator not just 1, but anything in [lowest_floor, highest_floor] / floor."""
    lowest_ratio: float
    """Lower end of its 95 % interval, the floor's own uncertainty included."""
    highest_ratio: float
    """Upper end."""
    count: int
    """N, pictures of every sample."""
    extractor: str
    """What the features are of."""


def frechet(
    generated: np.ndarray, training: np.ndarray, test: np.ndarray, extractor: str, seed: int = 0,
    labels: np.ndarray | None = None,
) -> FrechetResult:  # fmt: skip
    """The Frechet distance of generated to test pictures, beside those of real pictures that are as many.

    Args:
        generated: `(N, F)`, N of 20 or more.
        training: `(S, N, F)`: samples of the training part, best without a picture in common.
        test: `(N, F)`, as many as are generated.
        extractor: Name of what made the features, such as a model's.
        seed: Of the groups that the intervals are made by.
        labels: int `(N,)`, the classes of the rows, which then stand in the same order in every set: generated
            pictures have as many of each class as the test's, and so must the training samples, as one drawn at random
            lies farther off. None: at random.

    Raises:
        NoFloorError: Training and test pictures are as good as the same ones.
        ValueError: Too few pictures.
    """
    check("NF SNF NF", generated=generated, training=training, test=test)
    count = len(test)
    if labels is None:
        labels = np.zeros(count, int)
    check("NF N", test=test, labels=labels)
    check_labels(np.inf, labels=labels)
    require(count >= GROUPS, f"`test` must have {GROUPS} pictures or more", test=test)
    floors = [frechet_distance(sample, test) for sample in training]
    _check_floors(floors, test)
    distance, floor = frechet_distance(generated, test), float(np.mean(floors))
    reach, ratio_reach = (STUDENT_95 * one for one in _jackknife_deviations(generated, training, test, labels, seed))
    return FrechetResult(distance, max(0.0, distance - reach), distance + reach, floor, min(floors), max(floors),
                         distance / floor, max(0.0, distance / floor - ratio_reach), distance / floor + ratio_reach,
                         count, extractor)  # fmt: skip


def _jackknife_deviations(
    generated: np.ndarray, training: np.ndarray, test: np.ndarray, labels: np.ndarray, seed: int
) -> tuple[float, float]:
    """Standard deviations of the Frechet distance and of its ratio to the floor.

    Both are too large by 10 to 60 % in simulations, of pictures that are independent; those of one writer are not. A
    group of each set is left out at a time, never a picture drawn twice: that would raise every distance. The groups
    left out together have as many of each class, as the sets do, and others drawn like them would; from one time to
    the next these differ by one at most.

    Reference: the jackknife of groups as in Shao and Tu 1995, "The Jackknife and Bootstrap", section 2.3.
    """
    rng = np.random.RandomState(seed)  # RandomState, as NumPy froze its streams for good
    sets = (generated, test, *training)
    dealt = [_by_class(rng.permutation(len(one)), labels) for one in sets]
    left = []
    for group in range(GROUPS):
        some, others, *samples = (
            np.delete(one, rows[group::GROUPS], axis=0) for one, rows in zip(sets, dealt, strict=True)
        )
        distance, floors = frechet_distance(some, others), [frechet_distance(sample, others) for sample in samples]
        _check_floors(floors, others)
        left.append((distance, distance / np.mean(floors)))
    return tuple(np.sqrt(GROUPS - 1) * np.std(left, axis=0))


def _check_floors(floors: list[float], test: np.ndarray) -> None:
    if min(floors) <= ROUNDING * np.var(test, axis=0).sum():
        raise NoFloorError(f"`training` and `test` must be different pictures. Received: {floors=}")


def _by_class(order: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """An order `(N,)` of rows of labels `(N,)`, those of one class behind each other."""
    return order[np.argsort(labels[order], kind="stable")]


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """|m_1 - m_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2)), of normal distributions with these means and covariances.

    With S = R'R, R of the QR decomposition of the centred features, tr (S_1 S_2)^(1/2) is the sum of the singular
    values of R_1 R_2': no covariance is squared and no root taken of what rounding made negative, whatever the rank.

    Args:
        first: `(N, F)`, N of 2 or more. second: `(M, F)`, likewise.

    Returns:
        In squared units of the features; 0 for equal means and covariances.

    Reference: Dowson and Landau 1982, "The Frechet Distance between Multivariate Normal Distributions"; Heusel et al.
    2017, "GANs Trained by a Two Time-Scale Update Rule" (arXiv:1706.08500).
    """
    check("NF MF", first=first, second=second)
    require(min(len(first), len(second)) > 1, "both must have two pictures or more", first=first, second=second)
    (mean, root), (other_mean, other_root) = _mean_and_root(first), _mean_and_root(second)
    shared = np.linalg.svd(root @ other_root.T, compute_uv=False).sum()
    spread = np.square(root).sum() + np.square(other_root).sum()
    return max(0.0, float(np.square(mean - other_mean).sum() + spread - 2 * shared))


def _mean_and_root(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean `(F,)`, and R `(min(N, F), F)` with R'R the covariance (over N - 1)."""
    mean = features.mean(axis=0, dtype=float)
    return mean, np.linalg.qr(features - mean, mode="r") / np.sqrt(len(features) - 1)


class KernelDistance(NamedTuple):
    """A kernel distance over subsets."""

    mean: float
    """0 for equal distributions in expectation, whatever N, hence negative at times."""
    deviation: float
    """Standard deviation between subsets."""


def kernel_distance(first: np.ndarray, second: np.ndarray, seed: int = 0) -> KernelDistance:
    """KID: the unbiased squared maximum mean discrepancy under the kernel k(x, y) = (x'y / F + 1)^3.

    Mean of k(x, x') + mean of k(y, y') - 2 mean of k(x, y) over pairs of different pictures of a subset.

    Args:
        first: `(N, F)`, N of 4 or more. second: `(M, F)`, likewise.
        seed: Of the 20 subsets: 1,000 pictures of either, or half of the fewer, so that subsets differ.

    Reference: Binkowski et al. 2018, "Demystifying MMD GANs" (arXiv:1801.01401).
    """
    check("NF MF", first=first, second=second)
    size = min(SUBSET_SIZE, len(first) // 2, len(second) // 2)
    require(size > 1, "both must have four pictures or more", first=first, second=second)
    rng = np.random.RandomState(seed)  # RandomState, as NumPy froze its streams for good
    drawn = [
        _squared_discrepancy(*(each[rng.permutation(len(each))[:size]].astype(float) for each in (first, second)))
        for _ in range(SUBSETS)
    ]
    return KernelDistance(float(np.mean(drawn)), float(np.std(drawn, ddof=1)))


def _squared_discrepancy(x: np.ndarray, y: np.ndarray) -> float:
    """Of two samples `(N, F)` of one size."""
    size, length = x.shape
    bases = (one @ other.T / length + 1 for one, other in ((x, x), (y, y), (x, y)))  # (N, N)
    xx, yy, xy = (base * base * base for base in bases)  # a power of an array takes ten times as long
    within = xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)
    return within / (size * (size - 1)) - 2 * xy.mean()

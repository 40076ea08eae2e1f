"""What quality means for what makes pictures of characters: how real, how various, how legible, how much its own.

Features are float `(N, F)`, a row a picture, of one fixed extractor that no measured model was trained with; the caller
tells which, for no figure can be compared across extractors. Beside every figure belongs the same of real against
real. `feature_distances.py` tells how far apart the two are as a whole. SciPy and scikit-learn are loaded where they
are needed.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from checks import check, check_labels, check_probabilities, require, unit_range
from metrics import Share, accuracy, nearest_glyph

NEIGHBOURS = 5  # k of precision, recall, density and coverage, as Naeem et al. take it
CLOSEST_PERCENT = 1.0  # of held-out pictures: nearer to the training part than these is suspicious
BLOCK = 1 << 22  # distances held at a time: 32 MB as float64, and a few such arrays


class Neighbourhoods(NamedTuple):
    """How generated and real pictures lie among each other; a ball reaches from a picture to its k-th nearest kin.

    The intervals of the shares take pictures as independent, which those that share a ball are not quite.
    """

    precision: Share
    """Generated pictures inside some real one's ball: how many look real."""
    recall: Share
    """Real pictures inside some generated one's ball: how much of what is real could be made."""
    density: float
    """Real balls around a generated picture, over k: 1 for equal distributions, give or take 0.1 of 1,000 features,
    where a few central pictures lie in most balls. An outlier's ball, wide as it is, cannot raise it much."""
    coverage: Share
    """Real pictures whose ball holds a generated one: `expected_coverage` for equal distributions."""


def neighbourhoods(generated: np.ndarray, real: np.ndarray, k: int = NEIGHBOURS) -> Neighbourhoods:
    """Precision and recall, density and coverage, in the Euclidean distance of features.

    Args:
        generated: `(M, F)`. real: `(N, F)`, best with N = M. k: Which neighbour a ball reaches to, below N and M.

    Reference: Kynkaanniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models"
    (arXiv:1904.06991); Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics" (arXiv:2002.09797).
    """
    check("MF NF", generated=generated, real=real)
    require(0 < k < min(len(generated), len(real)), "`k` must be positive and below N and M",
            k=k, generated=generated, real=real)  # fmt: skip
    real_reach, generated_reach = _squared_reach(real, k), _squared_reach(generated, k)
    balls_around = np.zeros(len(generated), np.int64)
    recalled, covered = np.zeros((2, len(real)), bool)
    for rows, squares in _squared_distances(real, generated):
        inside = squares <= real_reach[rows, None]
        balls_around += inside.sum(axis=0)
        covered[rows] = inside.any(axis=1)
        recalled[rows] = (squares <= generated_reach).any(axis=1)
    density = float(balls_around.mean() / k)
    return Neighbourhoods(Share.of(balls_around > 0), Share.of(recalled), density, Share.of(covered))


def expected_coverage(real: int, generated: int, k: int = NEIGHBOURS) -> float:
    """Coverage if both come from one distribution: 1 - product over i = 1..k of (N - i) / (N + M - i), about 1 - 2^-k.

    Args:
        real: N, how many real pictures there are. generated: M, how many generated ones.

    Reference: Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics" (arXiv:2002.09797).
    """
    ranks = np.arange(1, k + 1)
    return float(1 - np.prod((real - ranks) / (real + generated - ranks)))


def _squared_reach(features: np.ndarray, k: int) -> np.ndarray:
    """float64 `(N,)`: squared distance to the k-th nearest other picture."""
    reach = np.empty(len(features))
    for rows, squares in _squared_distances(features, features):
        squares[np.arange(len(squares)), np.arange(rows.start, rows.stop)] = np.inf  # not to itself
        reach[rows] = np.partition(squares, k - 1, axis=1)[:, k - 1]
    return reach


def _squared_distances(points: np.ndarray, others: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows of points, and their squared distances float64 `(rows, M)` to all others, a block at a time."""
    centre = others.mean(axis=0, dtype=float)  # far from the origin the difference of squares would lose digits
    points, others = points - centre, others - centre
    lengths, size = np.square(others).sum(axis=1), max(1, BLOCK // len(others))
    for start in range(0, len(points), size):
        rows = slice(start, min(start + size, len(points)))
        squares = np.square(points[rows]).sum(axis=1)[:, None] + lengths - 2 * points[rows] @ others.T
        yield rows, np.maximum(squares, 0, out=squares)


def within_class_distance(features: np.ndarray, labels: np.ndarray) -> float:
    """How much pictures of one character differ: the mean Euclidean distance of its pairs, averaged over classes.

    Args:
        features: `(N, F)`. labels: int `(N,)`; a class with a single picture does not count.

    Returns:
        In units of the features; 0 if a class is one picture over and over. Hold it against that of real pictures.

    Raises:
        ValueError: No class has two pictures.
    """
    check("NF N", features=features, labels=labels)
    check_labels(np.inf, labels=labels)
    counts = np.bincount(labels)
    require(counts.max() > 1, "some class must have two pictures or more", labels=labels)
    groups = (features[labels == label] for label in np.flatnonzero(counts > 1))
    return float(np.mean([_mean_pair_distance(group) for group in groups]))


def _mean_pair_distance(features: np.ndarray) -> float:
    total = 0.0
    for rows, squares in _squared_distances(features, features):
        squares[np.arange(len(squares)), np.arange(rows.start, rows.stop)] = 0  # rounding: not quite so
        total += np.sqrt(squares).sum()
    return total / (len(features) * (len(features) - 1))


def legibility(probabilities: np.ndarray, asked: np.ndarray, same: np.ndarray | None = None) -> Share:
    """How often an independent reader reads what was asked for.

    Args:
        probabilities: float `(N, K)` that the reader gives generated pictures; it took no part in their making.
        asked: int `(N,)`, labels the pictures were made for. same: bool `(K, K)` of `alike`.

    Reference: conditional accuracy, after Odena et al. 2017, "Conditional Image Synthesis with Auxiliary Classifier
    GANs" (arXiv:1610.09585).
    """
    check("NK N", probabilities=probabilities, asked=asked)
    check_probabilities(probabilities)
    return accuracy(probabilities.argmax(axis=1), asked, same)


def nearest_training_image(generated: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The training picture that each generated one is nearest to: the first thing to look at for memorisation.

    Args:
        generated: `(N, S, S, 1)`, uint8 or float in [0, 1]. training: `(M, S, S, 1)`, likewise.

    Returns:
        Its index int `(N,)`, and the Euclidean distance float64 `(N,)`, of pixels in [0, 1]: from 0 to S.
    """
    index = nearest_glyph(generated, training)
    pairs = zip(generated, training[index], strict=True)
    return index, np.array([np.linalg.norm(unit_range(one).astype(float) - unit_range(other)) for one, other in pairs])


def memorised(generated: np.ndarray, held_out: np.ndarray, percent: float = CLOSEST_PERCENT) -> Share:
    """How many generated pictures lie nearer to a training picture than nearly all real new ones do.

    Counts d(generated, training) < q, with q the given percentile of d(held out, training). A generator that copies
    nothing comes to about that percentage; one far above it hands out what it was trained on. This is the idea of the
    three-sample test, cut down to one share.

    Args:
        generated: float `(N,)`, distances of `nearest_training_image`. held_out: `(M,)`, those of pictures that were
            not trained on, to the same training pictures.
        percent: In (0, 100).

    Reference: Meehan et al. 2020, "A Non-Parametric Test to Detect Data-Copying in Generative Models"
    (arXiv:2004.05675).
    """
    check("N M", generated=generated, held_out=held_out)
    require(0 < percent < 100, "`percent` must lie in (0, 100)", percent=percent)
    return Share.of(generated < np.percentile(held_out, percent))


def importance_weighted_bound(log_weights: np.ndarray) -> np.ndarray:
    """A lower bound of ln p(x) that rises to it with K: ln (1 / K * sum over k of w_k), w_k = p(x, z_k) / q(z_k | x).

    Args:
        log_weights: float `(K, N)`: ln w of K samples of the latent, a column a picture; minus infinity is no weight.
            K = 1 is the evidence lower bound.

    Returns:
        float64 `(N,)`, nats a picture; averaged over test pictures and negated, the usual test NLL.

    Reference: Burda et al. 2016, "Importance Weighted Autoencoders" (arXiv:1509.00519).
    """
    from scipy.special import logsumexp

    check("KN", log_weights=np.where(np.isneginf(log_weights), 0, log_weights))
    return logsumexp(log_weights.astype(float), axis=0) - np.log(len(log_weights))

"""What quality means for what makes pictures of characters: how real, how various, how legible, how much its own.

Features are float `(N, F)`, a row a picture, of one fixed extractor that no measured model was trained with; the caller
tells which, for no figure can be compared across extractors. Beside every figure belongs the same of real against
real. `feature_distances.py` tells how far apart the two are as a whole. SciPy and scikit-learn are loaded where they
are needed.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from checks import check, check_labels, check_probabilities, require, unit_range
from glyph_metrics import nearest_glyph, ssim
from metrics import NORMAL_95, Share, accuracy

NEIGHBOURS = 5  # k of precision, recall, density and coverage, as Naeem et al. take it
CLOSEST_PERCENT = 1.0  # of held-out pictures: nearer to the training part than these is suspicious
BLOCK = 1 << 20  # distances held at a time: 8 MB as float64, which a processor keeps at hand
LOOKED_UP = 8192  # training pictures held as floats at a time: all of them would be hundreds of MB
PARTNERS = 4  # of each picture, by which likeness is told: that of all pairs would take minutes
PAIRS = 2000  # compared at a time; SSIM holds eight float64 copies of them


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
        squares.partition(k - 1, axis=1)
        reach[rows] = squares[:, k - 1]
    return reach


def _squared_distances(points: np.ndarray, others: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows of points, and their squared distances float64 `(rows, M)` to all others, a block at a time."""
    centre = others.mean(axis=0, dtype=float)  # far from the origin the difference of squares would lose digits
    points, others = points - centre, others - centre
    own, lengths = (np.square(each).sum(axis=1) for each in (points, others))
    size = max(1, BLOCK // len(others))
    for start in range(0, len(points), size):
        rows = slice(start, min(start + size, len(points)))
        squares = -2 * points[rows] @ others.T
        squares += lengths  # in place: to make room for such arrays takes as long as to fill them
        squares += own[rows, None]
        yield rows, np.maximum(squares, 0, out=squares)


def distances_within(features: np.ndarray) -> np.ndarray:
    """Mean Euclidean distance float64 `(N,)` of each picture of a class to all others: how much they differ.

    Args:
        features: `(N, F)`, N of 2 or more. Hold what comes of them against that of real pictures.

    Raises:
        ValueError: There is one picture, or none.
    """
    check("NF", features=features)
    require(len(features) > 1, "there must be two pictures or more", features=features)
    means = np.empty(len(features))
    for rows, squares in _squared_distances(features, features):
        squares[np.arange(len(squares)), np.arange(rows.start, rows.stop)] = 0  # rounding: not quite so
        means[rows] = np.sqrt(squares).sum(axis=1) / (len(features) - 1)
    return means


def likeness_within(images: np.ndarray) -> np.ndarray:
    """Mean structural similarity float64 `(N,)` of each picture to others: the four before and after it in a circle.

    Args:
        images: `(N, S, S, 1)`, uint8 or float in [0, 1], 11 pixels or more a side, in random order; N of 2 or more.
            Of fewer than 10, each is held against all others.

    Reference: within-class similarity as in Odena et al. 2017, "Conditional Image Synthesis with Auxiliary Classifier
    GANs" (arXiv:1610.09585), by SSIM of one scale, as pictures are small.
    """
    require(len(images) > 1, "there must be two pictures or more", images=images)
    everyone, total, count = np.arange(len(images)), np.zeros(len(images)), 0
    for step in range(1, min(PARTNERS, len(images) // 2) + 1):
        likeness = _likeness(images, np.roll(everyone, -step))
        twice = 2 * step == len(images)  # half way round, the one before is the one after
        total += likeness if twice else likeness + np.roll(likeness, step)
        count += 1 if twice else 2
    return total / count


def _likeness(images: np.ndarray, partners: np.ndarray) -> np.ndarray:
    """SSIM float64 `(N,)` of each picture and its partner, int `(N,)`."""
    parts = [slice(start, start + PAIRS) for start in range(0, len(images), PAIRS)]
    return np.concatenate([ssim(images[some], images[partners[some]]) for some in parts])


class Estimate(NamedTuple):
    """A figure, and the standard deviation that it would have, were other pictures drawn."""

    value: float
    deviation: float

    @classmethod
    def of_pairs(cls, means: np.ndarray) -> "Estimate":
        """The mean over pairs of pictures, of each one's mean over its partners, float `(N,)`, N of 3 or more.

        Its deviation is the jackknife's if everyone is a partner, and a little too large if some are: leaving picture
        i out makes of the mean m, over N pictures, (N m - 2 m_i) / (N - 2).

        Reference: Arvesen 1969, "Jackknifing U-Statistics".
        """
        check("N", means=means)
        count = len(means)
        require(count > 2, "there must be three pictures or more", means=means)
        deviation = 2 * np.sqrt((count - 1) * np.var(means)) / (count - 2)
        return cls(float(means.mean()), float(deviation))

    def over(self, other: "Estimate") -> "Estimate":
        """The ratio to another, independent figure, which is not 0; its deviation to first order."""
        ratio = self.value / other.value
        return Estimate(ratio, float(np.hypot(self.deviation, ratio * other.deviation) / abs(other.value)))

    @classmethod
    def mean(cls, estimates: Sequence["Estimate"]) -> "Estimate":
        """The mean of independent figures."""
        values, deviations = np.transpose(estimates)
        return cls(float(values.mean()), float(np.linalg.norm(deviations) / len(deviations)))

    @property
    def ends(self) -> tuple[float, float]:
        """The 95 % interval."""
        reach = NORMAL_95 * self.deviation
        return self.value - reach, self.value + reach


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
    check_labels(probabilities.shape[1], asked=asked)
    return accuracy(probabilities.argmax(axis=1), asked, same)


def nearest_training_image(generated: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The training picture that each generated one is nearest to: the first thing to look at for memorisation.

    Args:
        generated: `(N, S, S, 1)`, uint8 or float in [0, 1]. training: `(M, S, S, 1)`, likewise.

    Returns:
        Its index int `(N,)`, and the Euclidean distance float64 `(N,)`, of pixels in [0, 1]: from 0 to S.
    """
    check("NHW1 MHW1", generated=generated, training=training)
    index, distance = np.zeros(len(generated), int), np.full(len(generated), np.inf)
    for start in range(0, len(training), LOOKED_UP):
        some = training[start : start + LOOKED_UP]
        nearest = nearest_glyph(generated, some)
        gaps = unit_range(generated).astype(float) - unit_range(some[nearest])
        apart = np.sqrt(np.square(gaps).sum(axis=(1, 2, 3)))
        nearer = apart < distance
        index[nearer], distance[nearer] = start + nearest[nearer], apart[nearer]
    return index, distance


def memorised(generated: np.ndarray, held_out: np.ndarray, percent: float = CLOSEST_PERCENT) -> Share:
    """How many generated pictures lie as near to a training picture as hardly any real new one does.

    Counts d(generated, training) <= q, with q the given percentile of d(held out, training). A generator that copies
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
    return Share.of(generated <= np.percentile(held_out, percent))


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

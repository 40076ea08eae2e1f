"""What quality means for whatever reads characters; `glyph_metrics.py` is for pictures, `generator_metrics.py` for what
makes them.

Each measure tells its formula, its unit and who defined it. SciPy is loaded where it is needed, as that takes longer
than most of them. A wrong argument is a mistake of the program that calls, and raises `ValueError`.

>>> accuracy(np.array([3, 1, 4, 1]), np.array([3, 1, 4, 7]))
Share(hits=3, count=4)
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from checks import ROW_SUM_TOLERANCE, check, check_bool, check_labels, check_probabilities, require

NORMAL_95 = 1.959964  # quantile of the normal distribution that leaves 2.5 % on either side
RESAMPLES = 1000  # of a bootstrap: the ends of a 95 % interval rest on 25 each
SMALLEST_PROBABILITY = float(np.finfo(np.float32).tiny)  # a softmax of float32 cannot tell it from none
BINS = 15  # of confidence, as Guo et al. and all who compare with them take
TEMPERATURES = (0.1, 10.0)  # far wider than what readers need; one that is never wrong would want 0


class Share(NamedTuple):
    """What was counted in trials, with what that says of trials to come."""

    hits: int
    count: int

    @classmethod
    def of(cls, right: np.ndarray) -> "Share":
        """How many of bool `(N,)` hold."""
        return cls(int(np.count_nonzero(right)), right.size)

    @property
    def share(self) -> float:
        """hits / count, in [0, 1]; NaN where nothing was tried."""
        return self.hits / self.count if self.count else math.nan

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return wilson(self.hits, self.count)[0]

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return wilson(self.hits, self.count)[1]


def wilson(hits: float, count: float) -> tuple[float, float]:
    """The 95 % interval of a share counted in independent trials.

    Args:
        hits: How many of the trials came out right. count: How many trials there were; of none, nothing is known.
            Either need not be whole, where trials are worth less than independent ones.

    Returns:
        Lowest and highest share, in [0, 1]; sound near 0 and 1, too, where two deviations either way are not.

    Reference: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".
    """
    if not count:
        return 0.0, 1.0
    share, weight = hits / count, NORMAL_95**2 / count
    centre = (share + weight / 2) / (1 + weight)
    reach = math.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
    return min(share, max(0.0, centre - reach)), max(share, min(1.0, centre + reach))


def lowest_of(shares: Sequence[Share]) -> tuple[int, float, float]:
    """Which of some shares is the lowest, and the 95 % interval of what is the lowest in truth.

    That need not be the same one, and who picks the lowest of many picks the unluckiest, too. So all intervals are
    made as wide as lets all of them hold at once; the lowest then lies between the lowest of the lower ends and the
    lowest of the upper ones. They are exact ones, as far out Wilson's hold too seldom.

    Reference: Clopper and Pearson 1934, "The Use of Confidence or Fiducial Limits"; all at once as in Sidak 1967,
    "Rectangular Confidence Regions for the Means of Multivariate Normal Distributions".
    """
    from scipy.stats import beta

    hits, counts = np.transpose([(one.hits, one.count) for one in shares])
    tail = (1 - 0.95 ** (1 / len(shares))) / 2
    low = np.where(hits > 0, beta.ppf(tail, np.maximum(hits, 1), counts - hits + 1), 0.0)
    high = np.where(hits < counts, beta.ppf(1 - tail, hits + 1, np.maximum(counts - hits, 1)), 1.0)
    return int(np.argmin(hits / counts)), float(low.min()), float(high.min())


def bootstrap_interval(
    values: np.ndarray, statistic: Callable[[np.ndarray], float], seed: int = 0, basic: bool = False,
    writers: np.ndarray | None = None,
) -> tuple[float, float]:  # fmt: skip
    """The 95 % interval of a figure that is no share, such as a mean, by its bootstrap.

    By default percentiles 2.5 and 97.5 of what is drawn, sound for means. A figure that noise can only raise, such as
    the calibration error, is raised again by every draw: its percentiles lie too high. The basic interval turns them
    around the value v of the sample, to reach from 2 v - high to 2 v - low. That takes the rise off once, which is
    enough well above 0; but what is all noise falls by 1 / sqrt N, and a draw doubles the variance: it rises by just
    sqrt 2 - 1 of what the sample rose. So the lower end, not below 0, is moved down by sqrt 2 rises more. Of readers
    that are calibrated, 92 of 100 intervals then hold 0, 51 if it were not moved, and none of the percentiles.

    Args:
        values: `(N, ...)`, what was measured of each picture, or just its number. statistic: Of an array like it.
        seed: Of the 1,000 draws, each of N pictures with replacement.
        basic: For a figure of 0 or more that noise can only raise.
        writers: int `(N,)`, an equal number is the same writer. They are drawn instead, each with all their pictures.

    Reference: Efron 1979, "Bootstrap Methods: Another Look at the Jackknife"; the basic interval as in Davison and
    Hinkley 1997, "Bootstrap Methods and their Application", section 5.2; writers after Field and Welsh 2007,
    "Bootstrapping Clustered Data".
    """
    rng = np.random.RandomState(seed)  # RandomState, as NumPy froze its streams for good
    drawn = [statistic(values[chosen]) for chosen in _draws(len(values), writers, rng)]
    low, high = (float(end) for end in np.percentile(drawn, [2.5, 97.5]))
    if not basic:
        return low, high
    value = float(statistic(values))
    rise = float(np.mean(drawn)) - value
    return max(0.0, 2 * value - high - math.sqrt(2) * rise), 2 * value - low


def _draws(count: int, writers: np.ndarray | None, rng: np.random.RandomState) -> Iterator[np.ndarray]:
    """Numbers of pictures drawn with replacement, one by one or writer by writer, RESAMPLES times."""
    if writers is None:
        yield from (rng.randint(count, size=count) for _ in range(RESAMPLES))
        return
    order = np.argsort(writers, kind="stable")
    written = np.split(order, np.flatnonzero(np.diff(writers[order])) + 1)  # the pictures of each writer
    for _ in range(RESAMPLES):
        yield np.concatenate([written[writer] for writer in rng.randint(len(written), size=len(written))])


def bootstrap_shares(right: np.ndarray, writers: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of a share counted in pictures of which many are by one hand, hence no independent trials.

    Writers are drawn with replacement, each with all their pictures, and the percentiles taken of the shares drawn.
    Where no draw differs, as when everything is right or one writer wrote it all, it is the interval of `wilson`.

    Args:
        right: bool `(N,)`. writers: int `(N,)`, an equal number is the same writer. seed: Of the 1,000 draws.

    Reference: Field and Welsh 2007, "Bootstrapping Clustered Data".
    """
    check("N N", right=right, writers=writers)
    check_bool(right=right)
    _, writer = np.unique(writers, return_inverse=True)
    tallies = np.stack([np.bincount(writer, right), np.bincount(writer)], axis=1)  # (W, 2)

    def share(drawn: np.ndarray) -> float:
        hits, count = drawn.sum(axis=0)
        return hits / count

    low, high = bootstrap_interval(tallies, share, seed)
    return (low, high) if low < high else wilson(int(right.sum()), len(right))


def alike(alphabet: str, groups: Sequence[str] = (), fold_case: bool = True) -> np.ndarray:
    """Which characters may be taken for each other: themselves, their other case, and what shares a group with them.

    Nothing more: where l looks like 1, and L is the capital of l, L is still not taken for 1.

    Args:
        alphabet: K characters in label order.
        groups: Characters that look alike, such as `config.LOOK_ALIKES`.
        fold_case: Whether capital and small letters of ASCII may be taken for each other.

    Returns:
        bool `(K, K)`, symmetric.
    """
    require(len(set(alphabet)) == len(alphabet) > 0, "`alphabet` must hold each character once", alphabet=alphabet)
    pairs = {letter + letter.upper() for letter in alphabet.lower() if fold_case and letter.isascii()}
    same = np.eye(len(alphabet), dtype=bool)
    for group in (*groups, *pairs):
        members = [label for label, character in enumerate(alphabet) if character in group]
        same[np.ix_(members, members)] = True
    return same


def accuracy(predicted: np.ndarray, labels: np.ndarray, same: np.ndarray | None = None) -> Share:
    """How many pictures are read right: count of n with same[predicted_n, labels_n].

    Args:
        predicted: int `(N,)`. labels: int `(N,)`, the right ones.
        same: bool `(K, K)` of `alike`; by default every label is itself alone.
    """
    check("N N", predicted=predicted, labels=labels)
    check_labels(math.inf if same is None else len(same), predicted=predicted, labels=labels)
    return Share.of(predicted == labels if same is None else same[predicted, labels])


def confusion(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """How often what is read as what: int64 `(K, K)`, a row a right label, a column a predicted one.

    Args:
        predicted: int `(N,)`. labels: int `(N,)`. classes: K, the length of the alphabet.
    """
    check("N N", predicted=predicted, labels=labels)
    check_labels(classes, predicted=predicted, labels=labels)
    pairs = labels.astype(np.int64) * classes + predicted
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def class_accuracies(counts: np.ndarray) -> list[Share]:
    """How many pictures of each class are read right, in label order, from int `(K, K)` of `confusion`."""
    check("KK", counts=counts)
    return [Share(int(counts[k, k]), int(row.sum())) for k, row in enumerate(counts)]


def negative_log_likelihood(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Nats a picture: -ln p(right label), float64 `(N,)`; its mean is the cross-entropy.

    Args:
        probabilities: float `(N, K)`; one below what float32 can hold counts as the least it can, 87.3 nats.
        labels: int `(N,)`.
    """
    check("NK N", probabilities=probabilities, labels=labels)
    check_probabilities(probabilities)
    check_labels(probabilities.shape[1], labels=labels)
    right = np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0]
    return -np.log(np.maximum(right.astype(float), SMALLEST_PROBABILITY))


class ReliabilityCurve(NamedTuple):
    """How often a reader is right, by how sure it is; B bins of equal width over (0, 1]."""

    confidence: np.ndarray
    """float64 `(B,)`: mean probability of the most probable class; NaN in an empty bin."""
    accuracy: np.ndarray
    """float64 `(B,)`: share read right; NaN in an empty bin."""
    count: np.ndarray
    """int64 `(B,)`: pictures."""


def reliability_curve(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> ReliabilityCurve:
    """Accuracy against confidence; a calibrated reader's are alike in every bin.

    Bins are of equal width, not of equal count: of a good reader nearly all pictures would go into bins of full
    confidence, and all doubtful ones into a single bin, where too high and too low cancel out.

    Args:
        confidence: float `(N,)`, the probability of the most probable class. right: bool `(N,)`, whether it is right.
        bins: B; bin b holds the confidences in (b / B, (b + 1) / B].

    Reference: DeGroot and Fienberg 1983, "The Comparison and Evaluation of Forecasters"; Guo et al. 2017, "On
    Calibration of Modern Neural Networks" (arXiv:1706.04599).
    """
    check("N N", confidence=confidence, right=right)
    check_bool(right=right)
    lowest, highest = confidence.min().item(), confidence.max().item()
    fits = lowest > 0 and highest <= 1 + ROW_SUM_TOLERANCE
    require(fits, "`confidence` must lie in (0, 1]", lowest=lowest, highest=highest)
    place = np.minimum(np.ceil(confidence * bins).astype(int), bins) - 1
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):  # 0 / 0 in an empty bin
        return ReliabilityCurve(*(np.bincount(place, each, bins) / count for each in (confidence, right)), count)


def expected_calibration_error(curve: ReliabilityCurve) -> float:
    """Sum over bins of count_b / N * |accuracy_b - confidence_b|, in [0, 1].

    Reference: Naeini et al. 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning"; Guo et al. 2017.
    """
    gaps = np.abs(curve.accuracy - curve.confidence)
    return float(np.nansum(curve.count * gaps) / curve.count.sum())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The T that makes softmax(logits / T) most likely, by the mean negative log-likelihood of the right labels.

    Args:
        logits: float `(N, K)`, of pictures that the reader was neither trained nor tested on. labels: int `(N,)`.

    Returns:
        T in `TEMPERATURES`: above 1 the reader was too sure of itself, below 1 not sure enough.

    Reference: Guo et al. 2017, "On Calibration of Modern Neural Networks" (arXiv:1706.04599).
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    check("NK N", logits=logits, labels=labels)
    check_labels(logits.shape[1], labels=labels)
    exact = logits.astype(float)

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(exact * math.exp(-log_temperature), axis=1)
        return -float(np.take_along_axis(scaled, labels[:, None], axis=1).mean())

    return math.exp(minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded").x)


class McNemar(NamedTuple):
    """Two readers of the same pictures, compared where just one of them is right."""

    first_only: int
    second_only: int
    p: float
    """Probability of counts as unequal or more, if both readers were equally good."""


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> McNemar:
    """The exact two-sided test: of b + c pictures that one alone reads right, b is binomial with probability 1/2.

    p = min(1, 2 * sum over i <= min(b, c) of C(b + c, i) / 2^(b + c)).

    Args:
        first_right: bool `(N,)`, which pictures the first reader reads right. second_right: The same of the second.

    Reference: McNemar 1947, "Note on the Sampling Error of the Difference Between Correlated Proportions".
    """
    from scipy.special import bdtr

    check("N N", first_right=first_right, second_right=second_right)
    check_bool(first_right=first_right, second_right=second_right)
    first_only, second_only = (np.count_nonzero(one & ~other) for one, other in
                               ((first_right, second_right), (second_right, first_right)))  # fmt: skip
    p = min(1.0, 2 * float(bdtr(min(first_only, second_only), first_only + second_only, 0.5)))
    return McNemar(first_only, second_only, p)

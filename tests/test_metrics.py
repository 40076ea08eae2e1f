"""Measures of readers, against closed forms and against other people's or slower implementations."""

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
from fresh_python import HEAVY, loaded_by
from hypothesis import assume, given
from hypothesis import strategies as st

import metrics
from config import ALNUM, ASCII, DIGITS, LOOK_ALIKES
from metrics import (
    Share,
    accuracy,
    alike,
    bootstrap_interval,
    bootstrap_shares,
    class_accuracies,
    confusion,
    expected_calibration_error,
    fit_temperature,
    mcnemar,
    negative_log_likelihood,
    reliability_curve,
    wilson,
)


def readings(count: int = 500, classes: int = 7, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits `(N, K)`, their probabilities, and labels drawn with just these: a calibrated reader."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, classes))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (probabilities.cumsum(axis=1) < rng.uniform(size=(count, 1))).sum(axis=1)
    return logits, probabilities, labels


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"), [(81, 263, 0.2553, 0.3662), (0, 20, 0.0, 0.1611), (10, 10, 0.7225, 1.0)]
)
def test_wilson_gives_published_intervals(hits, count, low, high):
    assert wilson(hits, count) == pytest.approx((low, high), abs=1e-4)
    share = Share(hits, count)
    assert (share.share, share.low, share.high) == pytest.approx((hits / count, low, high), abs=1e-4)


@given(st.integers(1, 10**6).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_wilson_encloses_the_share(trial):
    hits, count = trial
    low, high = wilson(hits, count)
    assert 0 <= low <= hits / count <= high <= 1


def test_of_no_trials_nothing_is_known():
    share = Share(0, 0)
    assert math.isnan(share.share)
    assert (share.low, share.high) == (0, 1)


def test_the_interval_of_the_lowest_share_holds_the_lowest_in_truth():
    rng = np.random.default_rng(0)
    drawn = [[Share(int(hits), 106) for hits in rng.binomial(106, np.full(94, 0.95))] for _ in range(200)]
    found = [metrics.lowest_of(shares) for shares in drawn]
    assert np.mean([low <= 0.95 <= high for _, low, high in found]) >= 0.95
    place, low, high = found[0]
    lowest = drawn[0][place]
    assert lowest.share == min(one.share for one in drawn[0])
    assert low < lowest.low and high > lowest.high
    assert metrics.lowest_of([Share(0, 9), Share(9, 9)])[1:] == pytest.approx((0, 1 - 0.0127 ** (1 / 9)), abs=1e-3)
    exact = scipy.stats.binomtest(lowest.hits, lowest.count).proportion_ci(method="exact")
    assert metrics.lowest_of([lowest])[1:] == pytest.approx((exact.low, exact.high))


def test_the_bootstrap_of_a_mean_agrees_with_normal_theory():
    values = np.random.default_rng(0).exponential(size=2000)
    reach = metrics.NORMAL_95 * values.std() / math.sqrt(len(values))
    low, high = bootstrap_interval(values, np.mean, seed=1)
    assert (low, high) == pytest.approx((values.mean() - reach, values.mean() + reach), abs=0.15 * reach)
    assert bootstrap_interval(values, np.mean, seed=1) == (low, high)
    assert bootstrap_interval(values, np.mean, seed=2) != (low, high)


def test_the_bootstrap_takes_whole_rows_or_just_their_numbers():
    pairs = np.random.default_rng(0).normal(size=(50, 2))
    by_row = bootstrap_interval(pairs, lambda drawn: np.mean(drawn[:, 0] * drawn[:, 1]))
    assert by_row == bootstrap_interval(np.arange(50), lambda rows: np.mean(pairs[rows].prod(axis=1)))


def test_writers_are_drawn_with_all_their_pictures():
    rng = np.random.default_rng(0)
    writers, values = rng.permutation(np.repeat([3, 7, 9, 20], [1, 5, 30, 14])), rng.normal(size=50)
    _, writer = np.unique(writers, return_inverse=True)
    tallies = np.stack([np.bincount(writer, values), np.bincount(writer)], axis=1)
    by_writer = bootstrap_interval(tallies, lambda drawn: np.divide(*drawn.sum(axis=0)))
    assert bootstrap_interval(values, np.mean, writers=writers) == pytest.approx(by_writer)


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    return expected_calibration_error(reliability_curve(confidence, right))


@pytest.mark.parametrize(("exponent", "due", "percentiles"), [(1.0, 35, 0), (0.95, 35, 12), (0.5, 36, 40)],
                         ids=["calibrated", "a little too sure", "far too sure"])  # fmt: skip
def test_the_basic_interval_covers_the_calibration_error_of_any_reader(exponent, due, percentiles, monkeypatch):
    monkeypatch.setattr(metrics, "RESAMPLES", 100)
    _, probabilities, labels = readings(200_000)
    confidence, right = probabilities.max(axis=1) ** exponent, probabilities.argmax(axis=1) == labels
    true = calibration_error(confidence, right) if exponent < 1 else 0.0
    covered = {True: 0, False: 0}
    for seed, rows in enumerate(np.random.default_rng(0).integers(0, len(right), (40, 800))):
        for basic in covered:
            low, high = bootstrap_interval(
                rows, lambda drawn: calibration_error(confidence[drawn], right[drawn]), seed, basic
            )
            covered[basic] += low <= true <= high
    assert covered[True] >= due  # of 40: 38 would be just right
    assert covered[False] <= percentiles


def test_an_interval_over_writers_covers_a_share_that_differs_between_them():
    rng = np.random.default_rng(0)
    covered = {"writers": 0, "pictures": 0}
    for seed in range(60):
        writers = rng.integers(100, 140, 2000)
        right = rng.uniform(size=2000) < rng.beta(8, 2, 140)[writers]
        ends = {"writers": bootstrap_shares(right, writers, seed), "pictures": wilson(int(right.sum()), len(right))}
        for name, (low, high) in ends.items():
            covered[name] += low <= 0.8 <= high
    assert covered["writers"] >= 52  # of 60: 57 are due, and 40 writers are few
    assert covered["pictures"] < 40


def test_pictures_of_as_many_writers_are_independent_trials():
    right = np.random.default_rng(0).uniform(size=1000) < 0.7
    by_writer = bootstrap_shares(right, np.arange(1000))
    assert by_writer == pytest.approx(wilson(int(right.sum()), 1000), abs=0.004)
    assert bootstrap_shares(right, np.arange(1000)) == by_writer != bootstrap_shares(right, np.arange(1000), seed=1)


def test_where_no_writer_differs_pictures_are_counted():
    everything, two = np.ones(50, bool), np.arange(50) % 2
    assert bootstrap_shares(everything, two) == wilson(50, 50)
    assert bootstrap_shares(two == 1, np.zeros(50, int)) == wilson(25, 50)


@given(
    st.text("abcdABCD0123", min_size=1).map(lambda text: "".join(dict.fromkeys(text))),
    st.lists(st.text("abcdABCD0123", max_size=3), max_size=5),
    st.booleans(),
)
def test_alike_is_what_shares_a_group_or_differs_in_case_alone(alphabet, groups, fold_case):
    same = alike(alphabet, groups, fold_case)
    for row, one in enumerate(alphabet):
        for column, other in enumerate(alphabet):
            in_a_group = any(one in group and other in group for group in groups)
            in_case = fold_case and one.lower() == other.lower()
            assert same[row, column] == (one == other or in_a_group or in_case)


def test_case_alone_pairs_all_52_letters():
    same = alike(ALNUM)
    assert same.sum() == 62 + 52
    assert same[ALNUM.index("q"), ALNUM.index("Q")]
    np.testing.assert_array_equal(alike(DIGITS), np.eye(10, dtype=bool))
    np.testing.assert_array_equal(alike("éÉ"), np.eye(2, dtype=bool))


def test_look_alikes_are_forgiven_and_not_what_they_are_the_capital_of():
    same = {one: {other for other, holds in zip(ASCII, row, strict=True) if holds}
            for one, row in zip(ASCII, alike(ASCII, LOOK_ALIKES), strict=True)}  # fmt: skip
    assert same["0"] == set("0Oo")
    assert same["l"] == set("1lIi|L/")
    assert same["1"] == set("1lIi|/")
    assert same["L"] == set("lL")
    assert same["8"] == {"8"}
    np.testing.assert_array_equal(alike(DIGITS, LOOK_ALIKES), np.eye(10, dtype=bool))


def test_accuracy_counts_what_is_right_and_what_is_forgiven():
    labels, predicted = (np.array([ALNUM.index(character) for character in text]) for text in ("aB0x7", "aboX1"))
    assert accuracy(predicted, labels) == Share(1, 5)
    assert accuracy(predicted, labels, alike(ALNUM)) == Share(3, 5)
    assert accuracy(predicted, labels, alike(ALNUM, LOOK_ALIKES)) == Share(4, 5)


def test_confusion_agrees_with_scikit_learn():
    from sklearn.metrics import confusion_matrix

    rng = np.random.default_rng(0)
    predicted, labels = rng.integers(0, 19, (2, 900)).astype(np.uint8)  # a type that 19 * 19 pairs do not fit in
    counts = confusion(predicted, labels, 20)
    np.testing.assert_array_equal(counts, confusion_matrix(labels, predicted, labels=range(20)))
    shares = class_accuracies(counts)
    assert shares[2] == Share(int(np.sum((labels == 2) & (predicted == 2))), int(np.sum(labels == 2)))
    assert shares[19] == Share(0, 0)
    assert sum(share.hits for share in shares) == accuracy(predicted, labels).hits


def test_negative_log_likelihood_agrees_with_scikit_learn():
    from sklearn.metrics import log_loss

    _, probabilities, labels = readings()
    nats = negative_log_likelihood(probabilities, labels)
    assert nats.shape == labels.shape
    assert nats.mean() == pytest.approx(log_loss(labels, probabilities), rel=1e-12)


def test_a_probability_that_underflowed_costs_a_finite_number_of_nats():
    nats = negative_log_likelihood(np.array([[0, 1]], np.float32), np.array([0]))
    assert nats == pytest.approx(126 * math.log(2))


def test_reliability_and_its_error_agree_with_a_loop():
    _, probabilities, labels = readings()
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    confidence[:3] = 1.0, 1 / 5, 2 / 5  # an edge belongs to the bin below it
    curve, error = reliability_curve(confidence, right, bins=5), 0.0
    for b in range(5):
        inside = [n for n, value in enumerate(confidence) if b / 5 < value <= (b + 1) / 5]
        assert curve.count[b] == len(inside)
        assert curve.confidence[b] == pytest.approx(np.mean(confidence[inside]))
        assert curve.accuracy[b] == pytest.approx(np.mean(right[inside]))
        error += abs(np.mean(confidence[inside]) - np.mean(right[inside])) * len(inside) / len(labels)
    assert expected_calibration_error(curve) == pytest.approx(error)


def test_empty_bins_have_no_accuracy_and_no_weight():
    curve = reliability_curve(np.array([0.99, 0.97], np.float32), np.array([True, False]))
    assert curve.count.tolist() == [0] * 14 + [2]
    assert np.isnan(curve.accuracy[:14]).all() and np.isnan(curve.confidence[:14]).all()
    assert expected_calibration_error(curve) == pytest.approx(0.48)


def test_who_is_as_right_as_sure_has_hardly_any_calibration_error():
    _, probabilities, labels = readings(20_000)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    assert expected_calibration_error(reliability_curve(confidence, right)) < 0.015
    surer = reliability_curve(np.sqrt(confidence), right)
    assert expected_calibration_error(surer) == pytest.approx(np.mean(np.sqrt(confidence) - right), abs=0.01)


def test_at_the_best_temperature_the_likelihood_has_no_slope():
    logits, _, labels = readings()
    scaled = logits / fit_temperature(logits, labels)
    tempered = np.exp(scaled) / np.exp(scaled).sum(axis=1, keepdims=True)
    of_right = logits[np.arange(len(labels)), labels].mean()
    assert of_right == pytest.approx(
        (tempered * logits).sum(axis=1).mean(), abs=1e-4
    )  # d NLL / d(1/T) is the difference


@pytest.mark.parametrize("factor", [0.25, 3.0])
def test_logits_times_a_factor_want_a_temperature_times_it(factor):
    logits, _, labels = readings()
    temperature = fit_temperature(logits, labels)
    assert temperature == pytest.approx(1, abs=0.15)
    assert fit_temperature(factor * logits, labels) == pytest.approx(factor * temperature, rel=1e-3)


def test_who_is_never_wrong_cannot_be_sure_enough():
    assert fit_temperature(np.eye(3), np.arange(3)) == pytest.approx(metrics.TEMPERATURES[0], rel=1e-3)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 8), (8, 1), (4, 4), (30, 55), (0, 400)])
def test_mcnemar_is_the_exact_binomial_test(first, second):
    both, neither = 40, 3
    outcomes = [(True, True)] * both + [(False, False)] * neither + [(True, False)] * first + [(False, True)] * second
    result = mcnemar(*np.array(outcomes).T)
    tail = sum(math.comb(first + second, i) for i in range(min(first, second) + 1))
    assert result[:2] == (first, second)
    assert result.p == pytest.approx(float(min(Fraction(1), Fraction(2 * tail, 2 ** (first + second)))), rel=1e-9)


@given(st.integers(1, 40), st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_forgiving_never_makes_accuracy_less(count, classes, seed):
    rng = np.random.default_rng(seed)
    predicted, labels = rng.integers(0, classes, (2, count))
    group = "".join(rng.permutation(list(DIGITS + "ab")[:classes])[: rng.integers(0, classes)])
    same = alike((DIGITS + "ab")[:classes], [group])
    assert accuracy(predicted, labels).hits <= accuracy(predicted, labels, same).hits
    assume(len(group) < 2)
    assert accuracy(predicted, labels) == accuracy(predicted, labels, same)


N5, EVEN = np.zeros(5, int), np.full((5, 2), 0.5)
WRONG = {
    "another length": lambda: accuracy(N5, np.zeros(4, int)),
    "no pictures": lambda: accuracy(N5[:0], N5[:0]),
    "two axes": lambda: accuracy(N5[None], N5[None]),
    "labels of float": lambda: accuracy(N5.astype(float), N5),
    "a negative label": lambda: accuracy(N5 - 1, N5),
    "a label beyond what is alike": lambda: accuracy(N5 + 3, N5, np.eye(3, dtype=bool)),
    "a label beyond the classes": lambda: confusion(N5, N5 + 3, 3),
    "an oblong matrix": lambda: class_accuracies(np.zeros((2, 3), int)),
    "logits for probabilities": lambda: negative_log_likelihood(EVEN * 4 - 1, N5),
    "NaN": lambda: negative_log_likelihood(EVEN * np.nan, N5),
    "a label beyond the columns": lambda: negative_log_likelihood(EVEN, N5 + 2),
    "confidence of 0": lambda: reliability_curve(np.zeros(5), N5 == 0),
    "confidence above 1": lambda: reliability_curve(np.full(5, 1.1), N5 == 0),
    "labels for flags": lambda: reliability_curve(EVEN[:, 0], N5),
    "flags of fewer pictures": lambda: bootstrap_shares(N5[:4] == 0, N5),
    "labels for flags of writers": lambda: bootstrap_shares(N5, N5),
    "readings for flags": lambda: mcnemar(N5, N5 + 1),
    "infinite logits": lambda: fit_temperature(EVEN / 0.0, N5),
    "a character twice": lambda: alike("abca"),
    "an empty alphabet": lambda: alike(""),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_wrong_argument_is_told_with_what_was_received(call):
    with pytest.raises(ValueError, match=r"\. Received: \w+="):
        call()


def test_loading_it_loads_no_slow_library():
    assert not loaded_by("import metrics, glyph_metrics", (*HEAVY, "PIL"))

"""Measures of generators and of likelihood models, against closed forms and against slower implementations."""

import math

import numpy as np
import pytest
from fresh_python import HEAVY, loaded_by
from hypothesis import given
from hypothesis import strategies as st

import feature_distances
import generator_metrics
from classification_score import LabelledPictures, train_on_synthetic_test_on_real
from feature_distances import frechet, frechet_distance, kernel_distance
from generator_metrics import (
    Estimate,
    distances_within,
    expected_coverage,
    importance_weighted_bound,
    legibility,
    likeness_within,
    memorised,
    nearest_training_image,
    neighbourhoods,
)
from glyph_metrics import ssim
from metrics import Share


def normal(count: int, length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, length))


def with_moments(count: int, mean: np.ndarray, covariance: np.ndarray, seed: int = 0) -> np.ndarray:
    """Features whose sample mean and covariance are just these, not about these."""
    white = normal(count, len(mean), seed)
    white -= white.mean(axis=0)
    white = white @ np.linalg.inv(np.linalg.cholesky(np.cov(white.T))).T
    return mean + white @ np.linalg.cholesky(covariance).T


def test_frechet_distance_of_independent_features_has_a_closed_form():
    mean, other_mean = np.array([1.0, -2.0, 0.0]), np.array([0.0, 0.0, 5.0])
    deviation, other_deviation = np.array([1.0, 2.0, 0.5]), np.array([3.0, 2.0, 0.1])
    distance = frechet_distance(
        with_moments(50, mean, np.diag(deviation**2)), with_moments(70, other_mean, np.diag(other_deviation**2), seed=1)
    )
    assert distance == pytest.approx(30 + np.square(deviation - other_deviation).sum(), rel=1e-9)


def test_frechet_distance_agrees_with_the_matrix_square_root():
    from scipy.linalg import sqrtm

    first, second = normal(200, 12) @ normal(12, 12, 1), normal(150, 12, 2) @ normal(12, 12, 3) + 1
    gap, covariances = first.mean(axis=0) - second.mean(axis=0), (np.cov(first.T), np.cov(second.T))
    root = sqrtm(covariances[0] @ covariances[1]).real
    expected = gap @ gap + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-9)


@given(st.integers(2, 30), st.integers(1, 40), st.floats(-1e3, 1e3))
def test_frechet_distance_to_itself_is_nothing_whatever_the_rank(count, length, offset):
    features = normal(count, length) * [1, 0, *[1] * length][:length] + offset  # a dead unit, and more units than rows
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9 * length * (1 + abs(offset)))
    assert frechet_distance(features, features + 2) == pytest.approx(4 * length, rel=1e-6)


def test_the_floor_tells_what_a_frechet_distance_is_worth():
    training, test, generated = normal(1500, 32).reshape(5, 300, 32), normal(300, 32, 1), normal(300, 32, 2)
    perfect = frechet(generated, training, test, "white noise")
    assert (perfect.count, perfect.extractor) == (300, "white noise")
    assert perfect.distance == frechet_distance(generated, test)
    assert perfect.lowest_floor < perfect.floor < perfect.highest_floor
    assert perfect.ratio == perfect.distance / perfect.floor == pytest.approx(1, abs=0.15)
    assert perfect.low < perfect.floor < perfect.high
    assert perfect.lowest_ratio < 1 < perfect.highest_ratio
    worse = frechet(1.3 * generated, training, test, "white noise")
    assert worse.ratio > 2
    assert worse.low > worse.highest_floor and worse.lowest_ratio > 1


@pytest.mark.parametrize("classes", [1, 4])
def test_the_intervals_hold_the_distance_and_the_ratio_that_others_would_have_nearly_always(classes):
    labels = np.arange(300) % classes
    middles = 10 * np.eye(4, 8)[labels]  # as many of each class in every set: not much lies between two sets then
    results = [
        frechet(
            1.3 * normal(300, 8, seed) + middles,
            normal(900, 8, seed + 100).reshape(3, 300, 8) + middles,
            normal(300, 8, seed + 200) + middles,
            "",
            seed,
            labels,
        )
        for seed in range(40)
    ]
    distance, ratio = (np.mean([getattr(result, name) for result in results]) for name in ("distance", "ratio"))
    assert sum(result.low <= distance <= result.high for result in results) >= 36
    assert sum(result.lowest_ratio <= ratio <= result.highest_ratio for result in results) >= 36
    width = np.mean([result.high - result.low for result in results])
    assert width < 2 * 2 * 1.96 * np.std([result.distance for result in results])


def test_kernel_distance_between_two_points_has_a_closed_form():
    x, y = np.array([1.0, 2.0, 3.0, -1.0]), np.array([0.5, 0.0, -1.0, 2.0])
    distance = kernel_distance(np.tile(x, (9, 1)), np.tile(y, (12, 1)))
    kernel = [(a @ b / 4 + 1) ** 3 for a, b in ((x, x), (y, y), (x, y))]
    assert distance.mean == pytest.approx(kernel[0] + kernel[1] - 2 * kernel[2])
    assert distance.deviation == pytest.approx(0, abs=1e-12)


def test_kernel_distance_is_the_weighted_difference_of_three_moments():
    moments, others = np.array([0, 1, 0]), np.array([0.5, 1.25, 1.625])  # E x, E x^2, E x^3 of N(0, 1) and N(0.5, 1)
    distance = kernel_distance(normal(20_000, 1), normal(20_000, 1, 1) + 0.5)
    error = distance.deviation / math.sqrt(feature_distances.SUBSETS)  # and as much again of the pool they share
    assert 0 < error < 0.2
    assert distance.mean == pytest.approx([3, 3, 1] @ np.square(moments - others), abs=3 * math.sqrt(2) * error)


def test_kernel_distance_is_not_biased_by_the_number_of_pictures():
    for size in (40, 400):
        distances = [kernel_distance(normal(size, 4, seed), normal(size, 4, seed + 100)).mean for seed in range(25)]
        assert abs(np.mean(distances)) < 3 * np.std(distances) / 5
        assert min(distances) < 0


def test_kernel_distance_is_a_function_of_its_seed():
    first, second = normal(40, 4), normal(60, 4, 1)
    assert kernel_distance(first, second, seed=1) == kernel_distance(first, second, seed=1)
    assert kernel_distance(first, second, seed=1) != kernel_distance(first, second, seed=2)


def slow_neighbourhoods(generated: np.ndarray, real: np.ndarray, k: int) -> tuple[int, int, float, int]:
    def reach(points, i):
        return sorted(math.dist(points[i], points[j]) for j in range(len(points)) if j != i)[k - 1]

    real_reach = [reach(real, i) for i in range(len(real))]
    generated_reach = [reach(generated, j) for j in range(len(generated))]
    inside = [[math.dist(x, y) <= r for y in generated] for x, r in zip(real, real_reach, strict=True)]
    back = [[math.dist(x, y) <= r for y, r in zip(generated, generated_reach, strict=True)] for x in real]
    precision = sum(any(row[j] for row in inside) for j in range(len(generated)))
    density = sum(map(sum, inside)) / (k * len(generated))
    return precision, sum(map(any, back)), density, sum(map(any, inside))


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("block", [1 << 22, 300])
def test_neighbourhoods_agree_with_a_loop_whatever_the_block(k, block, monkeypatch):
    monkeypatch.setattr(generator_metrics, "BLOCK", block)
    generated, real = normal(50, 3) * 0.8 + 1e7, normal(60, 3, 1) + 1e7
    found = neighbourhoods(generated, real, k)
    precision, recall, density, coverage = slow_neighbourhoods(generated, real, k)
    assert (found.precision, found.recall) == (Share(precision, 50), Share(recall, 60))
    assert found.density == pytest.approx(density)
    assert found.coverage == Share(coverage, 60)


def test_equal_distributions_have_density_one_and_the_expected_coverage():
    found = neighbourhoods(normal(2000, 8), normal(1500, 8, 1))
    assert found.density == pytest.approx(1, abs=0.06)
    assert found.coverage.share == pytest.approx(expected_coverage(1500, 2000), abs=0.015)
    assert expected_coverage(10**6, 10**6) == pytest.approx(1 - 2**-5, abs=1e-5)
    assert expected_coverage(3, 1, k=1) == pytest.approx(1 / 3)  # of two, the one nearer to a third is any


@pytest.mark.slow
def test_two_equal_normal_distributions_have_the_published_figures():
    found = neighbourhoods(normal(10_000, 1000), normal(10_000, 1000, 1))
    figures = found.precision.share, found.recall.share, found.density, found.coverage.share
    published = 0.4772, 0.4705, 1.0555, 0.9735  # by Naeem et al.'s own code, of a draw of theirs
    apart = 0.04, 0.04, 0.1, 0.02  # as draws are: in 1,000 dimensions much hangs on a few central pictures
    assert (np.abs(np.subtract(figures, published)) < apart).all(), figures


def test_a_generator_of_one_mode_is_precise_and_covers_little():
    real = np.concatenate([normal(200, 4), normal(200, 4, 1) + 100])
    found = neighbourhoods(normal(200, 4, 2), real)
    assert found.precision.share > 0.8
    assert found.recall.share <= 0.5 and found.coverage.share <= 0.5
    far = neighbourhoods(normal(200, 4) + 1000, real)
    assert far == (Share(0, 200), Share(0, 400), 0.0, Share(0, 400))


def test_distances_within_agree_with_scipy(monkeypatch):
    from scipy.spatial.distance import pdist

    features = normal(60, 5) + 100
    for block in (generator_metrics.BLOCK, 50):
        monkeypatch.setattr(generator_metrics, "BLOCK", block)
        assert distances_within(features).mean() == pytest.approx(pdist(features).mean(), rel=1e-9)


def test_distances_within_a_normal_distribution_and_one_picture():
    expected = 2 * math.gamma(4.5) / math.gamma(4)  # of a chi distribution with 8 degrees of freedom, times sqrt 2
    assert distances_within(normal(1000, 8)).mean() == pytest.approx(expected, rel=0.01)
    assert distances_within(np.tile(normal(1, 8), (20, 1))).max() == pytest.approx(0, abs=1e-7)


def test_distances_within_are_means_over_all_others():
    features = normal(30, 4)
    apart = np.linalg.norm(features[:, None] - features, axis=2)
    np.testing.assert_allclose(distances_within(features), apart.sum(axis=1) / 29)


@pytest.mark.parametrize("count", [2, 3, 7, 8, 9])
def test_likeness_within_a_few_pictures_is_that_of_all_pairs(count):
    images = np.random.default_rng(0).uniform(size=(count, 12, 12, 1))
    expected = [np.mean([ssim(images[[i]], images[[j]]) for j in range(count) if j != i]) for i in range(count)]
    np.testing.assert_allclose(likeness_within(images), expected)


def test_likeness_within_is_one_if_pictures_are_alike_whatever_the_block(monkeypatch):
    image = np.random.default_rng(0).integers(0, 256, (1, 12, 12, 1), np.uint8)
    np.testing.assert_allclose(likeness_within(np.tile(image, (20, 1, 1, 1))), 1)
    images = np.random.default_rng(1).integers(0, 256, (20, 12, 12, 1), np.uint8)
    whole = likeness_within(images)
    assert whole.max() < 0.5
    monkeypatch.setattr(generator_metrics, "PAIRS", 3)
    np.testing.assert_array_equal(likeness_within(images), whole)


def test_the_deviation_of_a_mean_over_pairs_is_the_jackknifes():
    features = normal(12, 3)
    left = [distances_within(np.delete(features, i, axis=0)).mean() for i in range(12)]
    found = Estimate.of_pairs(distances_within(features))
    assert found.value == distances_within(features).mean()
    assert found.deviation == pytest.approx(np.sqrt(11 * np.var(left)))


def test_the_deviation_is_about_that_of_other_draws():
    found = [Estimate.of_pairs(distances_within(normal(60, 3, seed))) for seed in range(60)]
    deviation = np.std([one.value for one in found])
    assert np.mean([one.deviation for one in found]) == pytest.approx(deviation, rel=0.3)


def test_estimates_are_divided_and_averaged_with_their_deviations():
    ratio = Estimate(6.0, 0.3).over(Estimate(2.0, 0.2))
    assert ratio.value == 3 and ratio.deviation == pytest.approx(3 * math.hypot(0.05, 0.1))
    assert Estimate(0.0, 0.1).over(Estimate(2.0, 0.2)) == (0, 0.05)
    mean = Estimate.mean([Estimate(1.0, 0.3), Estimate(3.0, 0.4)])
    assert mean == (2, 0.25)
    assert mean.ends == pytest.approx((2 - 0.49, 2 + 0.49), abs=1e-3)


def test_legibility_counts_what_a_reader_finds_to_be_as_asked():
    probabilities = np.array([[0.9, 0.1, 0], [0.2, 0.7, 0.1], [0.4, 0, 0.6]])
    assert legibility(probabilities, np.array([0, 1, 1])) == Share(2, 3)
    assert legibility(
        probabilities, np.array([0, 1, 1]), same=np.array([[1, 0, 0], [0, 1, 1], [0, 1, 1]], bool)
    ) == Share(3, 3)


def test_the_nearest_training_image_and_its_distance_are_exact():
    rng = np.random.default_rng(0)
    training = rng.integers(0, 256, (40, 6, 6, 1)).astype(np.uint8)
    index, distance = nearest_training_image(training[[7, 3]], training)
    assert index.tolist() == [7, 3]
    assert distance.tolist() == [0, 0]
    generated = rng.uniform(size=(20, 6, 6, 1))
    distances = np.sqrt(np.square(generated[:, None] - training / 255).sum(axis=(2, 3, 4)))
    index, distance = nearest_training_image(generated, training)
    np.testing.assert_array_equal(index, distances.argmin(axis=1))
    np.testing.assert_allclose(distance, distances.min(axis=1), rtol=1e-6)


def test_the_nearest_training_image_is_the_same_however_many_are_looked_up_at_a_time(monkeypatch):
    rng = np.random.default_rng(0)
    training, generated = (rng.integers(0, 256, (count, 6, 6, 1), np.uint8) for count in (40, 20))
    index, distance = nearest_training_image(generated, training)
    monkeypatch.setattr(generator_metrics, "LOOKED_UP", 7)
    again, same = nearest_training_image(generated, training)
    np.testing.assert_array_equal(again, index)
    np.testing.assert_array_equal(same, distance)


def test_copies_are_memorised_and_new_pictures_are_not():
    rng = np.random.default_rng(0)
    training, held_out, new = (rng.uniform(0.1, 0.9, (1000, 4, 4, 1)) for _ in range(3))
    copies = training + rng.uniform(-0.02, 0.02, training.shape)
    limits = nearest_training_image(held_out, training)[1]
    assert memorised(nearest_training_image(copies, training)[1], limits).share > 0.99
    twins = np.r_[np.zeros(len(limits) // 50), limits]  # of training pictures, among those that are held out
    assert memorised(nearest_training_image(training, training)[1], twins).share == 1
    assert memorised(nearest_training_image(new, training)[1], limits, percent=10).share == pytest.approx(0.1, abs=0.04)


class LinearGaussian:
    """z ~ N(0, I), x | z ~ N(W z, s^2 I): the one model whose posterior and evidence are known."""

    def __init__(self, pixels: int = 6, latents: int = 2, noise: float = 0.5):
        rng = np.random.default_rng(0)
        self.weight, self.noise = rng.normal(size=(pixels, latents)), noise
        self.covariance = np.linalg.inv(np.eye(latents) + self.weight.T @ self.weight / noise**2)
        self.data = rng.normal(size=(4, latents)) @ self.weight.T + noise * rng.normal(size=(4, pixels))

    @staticmethod
    def log_density(values: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        exponent = (values @ np.linalg.inv(covariance) * values).sum(axis=-1)
        return -0.5 * (exponent + np.linalg.slogdet(2 * np.pi * covariance)[1])

    def evidence(self) -> np.ndarray:
        pixels = len(self.weight)
        return self.log_density(self.data, self.weight @ self.weight.T + self.noise**2 * np.eye(pixels))

    def log_weights(self, samples: int, inflation: float) -> np.ndarray:
        """ln w `(K, N)` with a posterior of `inflation` times the right covariance."""
        mean, proposal = self.data @ self.weight @ self.covariance / self.noise**2, inflation * self.covariance
        offset = np.random.default_rng(1).normal(size=(samples, *mean.shape)) @ np.linalg.cholesky(proposal).T
        latent = mean + offset
        prior = self.log_density(latent, np.eye(mean.shape[1]))
        likelihood = self.log_density(self.data - latent @ self.weight.T, self.noise**2 * np.eye(len(self.weight)))
        return prior + likelihood - self.log_density(offset, proposal)


def test_with_the_right_posterior_the_bound_is_the_evidence():
    model = LinearGaussian()
    for samples in (1, 7):
        np.testing.assert_allclose(importance_weighted_bound(model.log_weights(samples, 1)), model.evidence())


def test_the_bound_rises_from_the_evidence_lower_bound_to_the_evidence():
    model, inflation = LinearGaussian(), 3.0
    log_weights = model.log_weights(40_000, inflation)
    divergence = 0.5 * 2 * (inflation - 1 - math.log(inflation))  # KL of the two normal distributions, two latents
    single = np.mean([importance_weighted_bound(row[None]) for row in log_weights[:4000]], axis=0)
    np.testing.assert_allclose(single, model.evidence() - divergence, atol=0.1)
    tens = np.mean([importance_weighted_bound(rows) for rows in np.split(log_weights[:10_000], 1000)], axis=0)
    assert (single < tens).all() and (tens < model.evidence()).all()
    np.testing.assert_allclose(importance_weighted_bound(log_weights), model.evidence(), atol=0.03)


def test_weights_far_below_what_floats_can_hold_and_no_weight_at_all():
    bound = importance_weighted_bound(np.array([[-5000.0, -np.inf], [-5000.0, -3.0]], np.float32))
    np.testing.assert_allclose(bound, [-5000, -3 - math.log(2)])


N5, F5, F20 = np.zeros(5, int), normal(5, 3), normal(20, 3)
TINY = np.zeros((5, 2, 2, 1))
LABELLED, HALF = LabelledPictures(TINY, np.arange(5)), {"images": TINY[:3], "labels": np.arange(3)}
WRONG = {
    "features of another length": lambda: frechet_distance(F5, normal(5, 4)),
    "a single picture": lambda: frechet_distance(F5[:1], F5),
    "NaN": lambda: frechet_distance(F5 * np.nan, F5),
    "fewer pictures than groups": lambda: frechet(F5, normal(10, 3).reshape(2, 5, 3), F5, "noise"),
    "a floor of a larger sample": lambda: frechet(F20, normal(39, 3)[None], F20, "noise"),
    "a floor of the test pictures": lambda: frechet(F20, 0 * F20[None], 0 * F20, "noise"),
    "labels of fewer pictures": lambda: frechet(F20, 2 * F20[None], F20 + 1, "noise", labels=N5),
    "fewer generated than test pictures": lambda: frechet(F5, F20[None], F20, "noise"),
    "too few pictures for subsets": lambda: kernel_distance(F5[:3], F5),
    "features of one picture": lambda: kernel_distance(F5[0], F5[0]),
    "as many neighbours as pictures": lambda: neighbourhoods(F5, normal(9, 3), 5),
    "no neighbour": lambda: neighbourhoods(F5, F5, 0),
    "distances within one picture": lambda: distances_within(F5[:1]),
    "likeness within one picture": lambda: likeness_within(np.zeros((1, 12, 12, 1))),
    "a mean over one pair": lambda: Estimate.of_pairs(F5[:2, 0]),
    "logits": lambda: legibility(F5, N5),
    "a label beyond the columns": lambda: legibility(np.ones((5, 1)), N5 + 1),
    "pictures in 0..255 of float": lambda: nearest_training_image(TINY + 255, TINY),
    "pictures of another size": lambda: nearest_training_image(TINY, np.zeros((5, 3, 3, 1))),
    "no training picture": lambda: nearest_training_image(TINY, TINY[:0]),
    "fewer real pictures": lambda: train_on_synthetic_test_on_real(LABELLED, LABELLED._replace(**HALF), LABELLED),
    "pictures without labels": lambda: train_on_synthetic_test_on_real(
        LABELLED._replace(labels=N5[:3]), *[LABELLED] * 2
    ),
    "a percentage of 0": lambda: memorised(F5[:, 0], F5[:, 0], 0),
    "distances of two axes": lambda: memorised(F5, F5),
    "NaN for a weight": lambda: importance_weighted_bound(F5 * np.nan),
    "an infinite weight": lambda: importance_weighted_bound(F5 + np.inf),
    "weights of one picture": lambda: importance_weighted_bound(F5[0]),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_told_with_what_was_received(call):
    with pytest.raises(ValueError, match=r"\. Received: \w+="):
        call()


def test_loading_it_loads_no_slow_library():
    assert not loaded_by("import feature_distances, generator_metrics", (*HEAVY, "PIL"))

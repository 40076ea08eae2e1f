"""clusters.py: pictures that look alike end in one cluster, told by the picture, and drawn as often by noise."""

import numpy as np
import pytest

from clusters import DrawnCluster, NearestCluster, bounds_of, find_clusters, told_of
from data_processor import TRAIN
from shell import UserError


@pytest.fixture
def training_images(stripes) -> np.ndarray:
    return stripes.images[stripes.split == TRAIN][:-4]  # of each class 7, 7 and 6


ALL_ALIKE = np.zeros(20, int)


def test_pictures_that_look_alike_are_one_cluster(training_images):
    found = find_clusters(training_images, ALL_ALIKE, 3, seed=0)
    layer = NearestCluster(1, 3)
    layer.build((None, 28, 28, 1))
    layer.centres.assign(found.centres)
    told = np.array(layer(training_images / np.float32(255)))
    assert (told.shape, told.sum()) == ((20, 1, 3), 20)
    clusters = told[:, 0].argmax(axis=1)
    assert len(set(clusters)) == 3
    np.testing.assert_array_equal(clusters, np.tile(clusters[:3], 7)[:20])
    np.testing.assert_allclose(found.shares, [np.bincount(clusters) / 20])


def test_clusters_are_a_function_of_the_seed(training_images):
    one, again = (find_clusters(training_images, ALL_ALIKE, 5, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.centres, again.centres)
    np.testing.assert_array_equal(one.shares, again.shares)


def test_each_character_has_its_own_in_the_order_of_their_slant():
    """Two characters, a stroke at the left or at the right, each slanted three ways as often as its number says."""
    images, labels, slants, times = [], [], (0.4, -0.4, 0), ((1, 2, 3), (3, 2, 1))
    for label, (middle, repeats) in enumerate(zip((9, 18), times, strict=True)):
        for slant, repeat in zip(slants, repeats, strict=True):
            image = np.zeros((28, 28, 1), np.uint8)
            for down in range(6, 22):
                image[down, round(middle + slant * (down - 14)), 0] = 255
            images += [image] * repeat
            labels += [label] * repeat
    found = find_clusters(np.stack(images), np.array(labels), 3, seed=0)
    np.testing.assert_allclose(found.shares, [[2 / 6, 3 / 6, 1 / 6], [2 / 6, 1 / 6, 3 / 6]])


def test_noise_draws_each_cluster_as_often_as_its_share():
    shares = np.array([[0.5, 0.05, 0.15, 0.3], [0.25] * 4])
    layer = DrawnCluster(2, 4)
    layer.build((None, 2))
    layer.bounds.assign(bounds_of(shares))
    noise = np.random.default_rng(0).standard_normal((20_000, 2), np.float32)
    drawn = np.array(layer(noise))
    np.testing.assert_array_equal(drawn.sum(axis=2), 1)
    np.testing.assert_allclose(drawn.mean(axis=0), shares, atol=0.015)
    np.testing.assert_array_equal(drawn, layer(np.stack([noise[:, 0], -noise[:, 1]], axis=1)))


def test_who_knows_the_character_is_told_clusters_of_that_alone():
    clusters = np.eye(2, dtype=np.float32)[[[0, 1, 1], [1, 0, 1]]]  # (2, 3, 2)
    weights = np.array([[0, 1, 0], [0.5, 0, 0.5]], np.float32)
    np.testing.assert_array_equal(told_of(clusters, weights), [[0, 0, 0, 1, 0, 0], [0, 0.5, 0, 0, 0, 0.5]])
    np.testing.assert_array_equal(told_of(clusters), clusters.reshape(2, 6))


def test_fewer_pictures_than_clusters_say_what_to_do(training_images):
    with pytest.raises(UserError, match="clusters=21: expected as many .* received 20; .*--model.clusters"):
        find_clusters(training_images, ALL_ALIKE, 21, seed=0)

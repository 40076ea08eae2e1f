"""clusters.py: pictures that look alike end in one cluster, told by the picture, and drawn as often by noise."""

import numpy as np
import pytest

from clusters import DrawnCluster, NearestCluster, bounds_of, find_clusters
from data_processor import TRAIN
from shell import UserError


@pytest.fixture
def training_images(stripes) -> np.ndarray:
    return stripes.images[stripes.split == TRAIN][:-4]  # of each class 7, 7 and 6


def test_pictures_that_look_alike_are_one_cluster(training_images):
    found = find_clusters(training_images, 3, seed=0)
    layer = NearestCluster(3)
    layer.build((None, 28, 28, 1))
    layer.centres.assign(found.centres)
    told = np.array(layer(training_images / np.float32(255)))
    assert (told.shape, told.sum()) == ((20, 3), 20)
    clusters = told.argmax(axis=1)
    assert len(set(clusters)) == 3
    np.testing.assert_array_equal(clusters, np.tile(clusters[:3], 7)[:20])
    np.testing.assert_allclose(found.shares, np.bincount(clusters) / 20)


def test_clusters_are_a_function_of_the_seed(training_images):
    one, again = (find_clusters(training_images, 5, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.centres, again.centres)
    np.testing.assert_array_equal(one.shares, again.shares)


def test_noise_draws_each_cluster_as_often_as_its_share():
    shares = np.array([0.5, 0.05, 0.15, 0.3])
    layer = DrawnCluster(4)
    layer.build((None, 2))
    layer.bounds.assign(bounds_of(shares))
    noise = np.random.default_rng(0).standard_normal((20_000, 2), np.float32)
    drawn = np.array(layer(noise))
    assert set(drawn.sum(axis=1)) == {1.0}
    np.testing.assert_allclose(drawn.mean(axis=0), shares, atol=0.01)
    np.testing.assert_array_equal(drawn, layer(np.stack([noise[:, 0], -noise[:, 1]], axis=1)))


def test_fewer_pictures_than_clusters_say_what_to_do(training_images):
    with pytest.raises(UserError, match="clusters=21: expected as many .* received 20; .*--model.clusters"):
        find_clusters(training_images, 21, seed=0)

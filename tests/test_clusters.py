"""clusters.py: pictures that look alike end in one cluster, told by the picture, and drawn as often by noise."""

import numpy as np
import pytest

from clusters import (
    DrawnCluster,
    NearestCluster,
    _styles,
    bounds_of,
    directions,
    find_clusters,
    upright,
    weights_of_styles,
)
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


@pytest.mark.parametrize(("turns", "direction"), [(0, 0), (1, 6), (2, 4), (3, 2)])
def test_ink_that_rises_to_a_side_is_told_by_its_direction(monkeypatch, turns, direction):
    """Counted clockwise from the right, as rows count downwards."""
    monkeypatch.setattr("clusters.upright", lambda images: images[..., 0])
    ramp = np.tile(np.linspace(0, 1, 28, dtype=np.float32), (28, 1))
    seen = np.array(directions(np.rot90(ramp, turns)[None, ..., None])).reshape(7, 7, 8)[3, 3]
    parts = 2 / 27 * np.maximum(np.cos(2 * np.pi / 8 * (np.arange(8) - direction)), 0)
    np.testing.assert_allclose(seen, parts / (np.linalg.norm(parts) + 0.05), atol=1e-5)


def strokes(slants) -> np.ndarray:
    """Pictures float32 `(N, 28, 28, 1)` of a stroke 3 pixels wide that slants so far."""
    down, right = np.mgrid[:28, :28]
    within = [(np.abs(right - 13.5 + slant * (down - 13.5)) < 2) & (np.abs(down - 13.5) < 9) for slant in slants]
    return np.array(within, np.float32)[..., None]


def test_slanted_strokes_are_set_upright():
    flat = np.zeros((2, 28, 28, 1), np.float32)
    flat[0, 13:15, 6:22] = 1  # a dash; the other one is blank
    given = np.concatenate([strokes([0, 0.5, -0.5]), flat])
    stood = np.array(upright(given))
    np.testing.assert_allclose(stood[[0, 3, 4]], given[[0, 3, 4], ..., 0], atol=1e-5)
    for one in stood[1:3]:
        assert np.abs(one - stood[0]).mean() < 0.3 * np.abs(given[1] - given[0]).mean()


def test_how_far_it_slants_does_not_matter():
    same, other = np.array(directions(np.concatenate([strokes([0, 0.4]), np.rot90(strokes([0]), axes=(1, 2))])))[1:]
    straight = np.array(directions(strokes([0])))[0]
    assert np.linalg.norm(same - straight) < 0.5 * np.linalg.norm(other - straight)


def test_clusters_are_a_function_of_the_seed():
    images = np.random.default_rng(0).integers(0, 256, (3000, 12, 12, 1), dtype=np.uint8)
    one, again, other = (find_clusters(images, 40, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.centres, again.centres)
    np.testing.assert_array_equal(one.shares, again.shares)
    assert not np.array_equal(one.centres, other.centres)


def test_noise_draws_each_cluster_as_often_as_its_share():
    shares = np.array([0.5, 0.05, 0.15, 0.3])
    layer = DrawnCluster(4)
    layer.build((None, 2))
    np.testing.assert_allclose(layer.bounds, [-0.6745, 0, 0.6745], atol=1e-4)
    layer.bounds.assign(bounds_of(shares))
    noise = np.random.default_rng(0).standard_normal((20_000, 2), np.float32)
    drawn = np.array(layer(noise))
    np.testing.assert_array_equal(drawn.sum(axis=1), 1)
    np.testing.assert_allclose(drawn.mean(axis=0), shares, atol=0.015)
    np.testing.assert_array_equal(drawn, layer(np.stack([noise[:, 0], -noise[:, 1]], axis=1)))


def test_shares_that_add_up_to_a_little_more_than_one_are_cut_somewhere():
    assert np.isfinite(bounds_of(np.array([0.1] * 10 + [0.0]))).all()


def test_fewer_different_pictures_than_clusters_say_what_to_do(training_images):
    copies = np.concatenate([training_images] * 2)
    with pytest.raises(UserError, match="clusters=21: expected as many .* received 20 .*--model.clusters"):
        find_clusters(copies, 21, seed=0)


def test_rare_styles_weigh_more_by_how_rare_they_are(training_images, monkeypatch):
    monkeypatch.setattr("clusters.FEWEST_ALIKE", 10)
    common, rare = np.tile(training_images[:1], (16, 1, 1, 1)), np.tile(training_images[1:2], (4, 1, 1, 1))
    other = np.tile(training_images[2:3], (5, 1, 1, 1))  # too few to be of two styles
    images, labels = np.concatenate([common, rare, other]), np.repeat([0, 1], [20, 5])
    for rarity, times in ((0, 1), (0.5, 2), (1, 4)):
        weights = weights_of_styles(images, labels, rarity, seed=0)
        np.testing.assert_allclose(weights[16:20] / weights[0], times)
        assert weights[:20].mean() == pytest.approx(1)
        np.testing.assert_allclose(weights[20:], 1)


@pytest.mark.parametrize(("most", "fewest", "styles"), [(64, 4, 5), (3, 4, 3), (64, 10, 2), (64, 1, 15)])
def test_a_character_has_no_more_styles_than_it_may_and_has_pictures_for(
    training_images, monkeypatch, most, fewest, styles
):
    monkeypatch.setattr("clusters.STYLES", most)
    monkeypatch.setattr("clusters.FEWEST_ALIKE", fewest)
    images = np.concatenate([training_images[:15], training_images[:5]])
    assert len(np.unique(_styles(images, seed=0))) == styles

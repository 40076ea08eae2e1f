"""What an epoch holds: a function of its number and the seed, with its share of every joined set."""

from dataclasses import replace

import numpy as np
import pytest

from batches import GlyphBatches, training_part, validation_part, weights_of_rare, weights_of_writers
from config import ClassifierRun
from data_processor import TEST, TRAIN, VALIDATION, GlyphDataset


def a_set(count: int, second: int = 0) -> GlyphDataset:
    """`count` pictures of a first set and `second` of another; picture k is of grey k, and all parts occur in both."""
    total = count + second
    images = np.zeros((total, 28, 28, 1), np.uint8) + (np.arange(total) % 256).astype(np.uint8)[:, None, None, None]
    split = np.array([TRAIN, TRAIN, TRAIN, VALIDATION, TEST], np.uint8)[np.arange(total) % 5]
    source = np.repeat(np.array([0, 1], np.uint8), [count, second])
    return GlyphDataset("greys", images, np.arange(total, dtype=np.int32) % 3, "abc", tuple("abc"), split, None, source)


def contents(batches: GlyphBatches) -> tuple[np.ndarray, np.ndarray]:
    parts = [batches[k] for k in range(len(batches))]
    return (np.concatenate([inputs["image"] for inputs, _ in parts])[:, 0, 0, 0],
            np.concatenate([targets["label"] for _, targets in parts]))  # fmt: skip


def test_an_epoch_is_a_function_of_seed_and_number():
    batches = GlyphBatches(a_set(100), 10, seed=1)
    seen = {}
    for epoch in (3, 4, 3):
        batches.set_epoch(epoch)
        greys, labels = contents(batches)
        np.testing.assert_array_equal(labels, greys % 3)
        np.testing.assert_array_equal(seen.setdefault(epoch, greys), greys)
        assert sorted(greys) == list(range(100))
    assert not np.array_equal(seen[3], seen[4])


def test_without_a_seed_all_pictures_come_in_their_order():
    batches = GlyphBatches(a_set(25), 10)
    batches.set_epoch(7)
    np.testing.assert_array_equal(contents(batches)[0], np.arange(25))
    assert len(batches) == 3


def test_an_epoch_draws_its_share_of_every_set():
    data = a_set(800, 200)
    batches = GlyphBatches(data, 10, seed=0, shares=(0.25, 1.0))
    first = batches.order
    assert len(batches) == 40
    assert (data.source[first] == 0).sum() == (data.source[first] == 1).sum() == 200
    assert len(set(first)) == len(first)
    batches.set_epoch(1)
    assert set(batches.order) != set(first)
    assert len(batches) == 40


@pytest.mark.parametrize("part", [training_part, validation_part])
def test_a_rehearsal_uses_no_more_than_its_limit(part):
    run = ClassifierRun(limit=7, dataset=("greys", "others"), dataset_share=(0.5, 1.0))
    wanted = {training_part: TRAIN, validation_part: VALIDATION}[part]
    assert list(part(run, a_set(100, 50)).split) == [wanted] * 7


def test_validation_is_the_mixture_that_training_draws():
    run = ClassifierRun(dataset=("greys", "others"), dataset_share=(0.25, 1.0))
    data = a_set(800, 200)
    in_classes = np.argsort(data.labels, kind="stable")  # as folders are read
    part = validation_part(run, replace(data.take(in_classes), source=np.sort(data.source)))
    assert list(np.bincount(part.source)) == [40, 40]
    assert (np.bincount(part.labels[part.source == 0]) > 5).all()
    assert len(training_part(run, data).labels) == 600


def test_pictures_are_drawn_as_often_as_they_weigh():
    data = replace(a_set(100), source=None)
    weights = np.where(np.arange(100) < 20, 3.0, 0.5)  # in all 100
    batches = GlyphBatches(data, 10, seed=1, weights=weights)
    drawn = []
    for epoch in range(20):
        batches.set_epoch(epoch)
        drawn.append(np.bincount(batches.order, minlength=100))
    assert np.sum(drawn, axis=1).tolist() == [100] * 20
    assert np.all(np.abs(np.array(drawn) - weights) < 1)
    np.testing.assert_allclose(np.mean(drawn, axis=0)[20:].mean(), 0.5, atol=0.01)
    assert (np.diff(batches.order) == 0).mean() < 0.2  # the same picture does not come at once again


def test_of_every_set_as_many_are_drawn_however_they_weigh():
    data = a_set(800, 200)
    weights = np.random.default_rng(0).lognormal(size=1000) * np.where(data.source, 3, 1)
    batches = GlyphBatches(data, 10, seed=0, shares=(0.25, 1.0), weights=weights)
    for epoch in range(5):
        batches.set_epoch(epoch)
        assert np.bincount(data.source[batches.order]).tolist() == [200, 200]


def test_weights_choose_among_all_pictures_of_a_set_also_where_an_epoch_takes_a_part_of_them():
    data = a_set(800, 200)
    few = np.arange(1000) % 8 == 0  # 100 of the first set, 25 of the other
    batches = GlyphBatches(data, 10, seed=0, shares=(0.25, 1.0), weights=np.where(few, 7.0, 1.0))
    times = np.zeros(1000)
    for epoch in range(40):
        batches.set_epoch(epoch)
        times += np.bincount(batches.order, minlength=1000) / 40
    assert times[few & (data.source == 0)].sum() == pytest.approx(100, abs=1)  # half of 200, as of their weight
    assert (times[few & (data.source == 0)] > 0.5).all()  # no few of them in the others' place


@pytest.mark.parametrize(("rarity", "first"), [(0, 1), (0.5, 2), (1, 4)])
def test_members_of_small_groups_weigh_more_by_how_small_they_are(rarity, first):
    labels = np.repeat([0, 3], [20, 5])
    weights = weights_of_rare(labels, np.repeat([0, 7, 2], [4, 16, 5]), rarity)
    assert weights[0] / weights[4] == pytest.approx(first)
    assert weights[:20].mean() == pytest.approx(1)
    np.testing.assert_allclose(weights[20:], 1)


def test_writers_count_by_what_they_wrote_of_each_character_of_each_set():
    data = a_set(60, 30)  # pictures of a, b and c in turn
    writers = np.where(np.arange(90) < 6, 1, 2)
    writers[60:] = np.arange(30) + 3  # a set that does not know them
    data = replace(data, writers=writers, labels=np.where(np.arange(90) < 6, 0, data.labels))  # 1 wrote "a" alone
    weights = weights_of_writers(data, 1)
    np.testing.assert_allclose(weights[60:], 1)
    first = weights[:60]
    np.testing.assert_allclose(first[data.labels[:60] != 0], 1)
    assert first[:6].sum() == pytest.approx(first[6:][data.labels[6:60] == 0].sum())
    np.testing.assert_array_equal(weights_of_writers(data, 0), 1)
    alone = replace(data, source=None, writers=writers).take(np.arange(60))
    np.testing.assert_allclose(weights_of_writers(alone, 1), first)

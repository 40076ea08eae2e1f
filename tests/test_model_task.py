"""model_task.py: what a model file must say, and what it may leave to the frame."""

from dataclasses import replace

import numpy as np
import pytest

from config import ClassifierConfig, ClassifierRun
from data_processor import TRAIN, GlyphDataset
from model_task import ModelTask
from pen_strokes import Strokes

RUN = ClassifierRun(model=ClassifierConfig(alphabet="abc"), batch_size=8)


class Least(ModelTask):
    """As little as a task can say."""

    kind, stated = "idle", ("image_size", "alphabet")

    @staticmethod
    def untrained(run):
        return run.name

    def draw(self, model):
        return {}

    def features(self, model, images, labels):
        return images


def test_a_task_without_a_model_is_none(stripes):
    with pytest.raises(TypeError, match="draw, features, untrained"):
        ModelTask(RUN, stripes)


def test_the_card_states_settings_in_their_order(stripes):
    task = Least(RUN, stripes)
    assert list(task.card(task.build()).items()) == [("task", "idle"), ("image_size", 28), ("alphabet", "abc")]


def test_whoever_needs_no_hook_leaves_it_out(stripes):
    task = Least(RUN, stripes)
    model = task.build()
    assert task.validate(model, 0) == {}
    task.settle(model)
    task.finish(model)
    assert model == RUN.name


def test_epochs_differ_and_validation_does_not(stripes):
    task = Least(RUN, stripes)
    batches, validation = task.training_batches(), task.validation_batches()
    orders = []
    for epoch in (4, 5, 4):
        for each in (batches, validation):
            each.set_epoch(epoch)
        orders.append((batches.order, validation.order))
    np.testing.assert_array_equal(orders[0], orders[2])
    assert not np.array_equal(orders[0][0], orders[1][0])
    np.testing.assert_array_equal(orders[0][1], orders[1][1])
    np.testing.assert_array_equal(validation[0][0]["image"], stripes.part(1)[0])
    assert len(batches[0][0]["image"]) == 8


def on_known_strokes(run: ClassifierRun, stripes: GlyphDataset) -> Least:
    """The task of a run on the first of its sets, each of whose characters is one slanted line."""
    lines = Strokes(np.tile(np.float32([[0, 0], [1, 2]]), (48, 1)), np.arange(49) * 2, np.arange(49))
    data = replace(stripes, source=np.zeros(48, np.uint8), numbers=np.arange(48, dtype=np.int32))
    return Least(run, data, strokes={0: lines})


def test_an_epoch_takes_as_many_redrawn_pictures_as_there_are_pictures(stripes):
    run = replace(RUN, redrawn=4, dataset=("stripes", "of which none is left"))
    batches = on_known_strokes(run, stripes).training_batches()
    assert len(batches.part.labels) == 24 * 5
    for epoch in range(2):
        batches.set_epoch(epoch)
        assert np.bincount(batches.part.source[batches.order]).tolist() == [24, 0, 24]
    assert set(batches.part.split) == {TRAIN}


@pytest.mark.parametrize("evenness", [0.0, 0.5])
@pytest.mark.parametrize(("wanted", "drawn_signs"), [(1, 1), (3, 3), (5, 3)])
def test_an_epoch_takes_as_many_redrawn_signs_as_asked_or_as_there_are(stripes, wanted, drawn_signs, evenness):
    run = replace(RUN, redrawn=3, redrawn_signs=wanted, dataset=("stripes",), evenness=evenness)
    data = replace(stripes, alphabet="a?b", writers=np.zeros(48, np.int32))
    batches = on_known_strokes(run, data).training_batches()
    written = np.bincount(stripes.part(TRAIN)[1])
    for epoch in range(2):
        batches.set_epoch(epoch)
        drawn = np.bincount(batches.part.labels[batches.order])
        assert drawn[1] == (1 + drawn_signs) * written[1]
        assert drawn[0] + drawn[2] == 2 * (written[0] + written[2])


def test_writers_of_few_are_drawn_more_often_if_asked(stripes):
    writers = (np.arange(len(stripes.labels)) % 8 == 0).astype(np.int32)  # one wrote an eighth, another all the rest
    data = replace(stripes, writers=writers)
    for evenness, lowest, highest in ((0.0, 0.1, 0.15), (1.0, 0.45, 0.55)):
        batches, shares = Least(replace(RUN, evenness=evenness), data).training_batches(), []
        for epoch in range(20):
            batches.set_epoch(epoch)
            shares.append(batches.part.writers[batches.order].mean())
        assert lowest <= np.mean(shares) <= highest

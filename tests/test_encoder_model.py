"""The translator's mathematics: shapes, losses, that it can learn, and that its seeds are the only chance in it."""

import keras
import numpy as np
import pytest

from config import TranslatorConfig
from data_processor import TRAIN
from encoder_model import Translator, TranslatorBatches

TINY = TranslatorConfig(
    alphabet="abc",
    fonts=("DejaVu Sans", "STIXGeneral"),
    stem_width=4,
    widths=(8, 8, 8),
    code_size=8,
    typesetter_width=16,
)


@pytest.fixture
def batches(stripes) -> TranslatorBatches:
    type_glyphs = np.random.default_rng(1).integers(0, 2, (2, 3, 28, 28, 1), dtype=np.uint8) * 255
    return TranslatorBatches(stripes.take(np.flatnonzero(stripes.split == TRAIN)), 8, type_glyphs, seed=0)


def test_shapes_and_ranges(batches):
    inputs, targets = batches[0]
    outputs = Translator(TINY)(inputs)
    assert outputs["glyph"].shape == targets["glyph"].shape == (8, 28, 28, 1)
    assert outputs["logits"].shape == (8, 3)
    glyph = keras.ops.convert_to_numpy(outputs["glyph"])
    assert 0 <= glyph.min() <= glyph.max() <= 1


def test_it_learns_a_few_pictures_by_heart(batches):
    keras.utils.set_random_seed(0)
    model = Translator(TINY)
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(batches, epochs=150, verbose=0)
    result = model.evaluate(batches, verbose=0, return_dict=True)
    assert result["read_right"] == 1
    assert result["glyph_nats"] < 5


def test_loss_is_in_nats_and_zero_for_the_right_glyph(batches):
    _, targets = batches[0]
    model = Translator(TINY)
    target = targets["glyph"].astype("float32") / 255
    sure = 100.0 * keras.ops.one_hot(targets["label"], 3)
    loss = model.compute_loss(y=targets, y_pred={"glyph": target, "logits": sure}, training=False)
    assert float(loss) == pytest.approx(0, abs=0.05)
    grey = {"glyph": np.full_like(target, 0.5), "logits": keras.ops.zeros((8, 3))}
    model.reset_metrics()
    model.compute_loss(y=targets, y_pred=grey, training=False)
    assert float(model.reading_metric.result()) == pytest.approx(np.log(3), rel=1e-4)
    assert float(model.glyph_metric.result()) == pytest.approx(784 * np.log(2), rel=1e-3)


def test_the_glyph_depends_on_the_font_and_the_reading_does_not(batches):
    inputs, _ = batches[0]
    model = Translator(TINY)
    one = model({**inputs, "font": np.zeros(8, np.int32)})
    two = model({**inputs, "font": np.ones(8, np.int32)})
    np.testing.assert_array_equal(one["logits"], two["logits"])
    assert np.abs(keras.ops.convert_to_numpy(one["glyph"] - two["glyph"])).max() > 1e-6


def test_a_bad_setting_names_what_it_received():
    with pytest.raises(ValueError, match="Received"):
        TranslatorConfig(alphabet="aab")


def test_fonts_are_drawn_anew_every_epoch_and_glyphs_are_of_them(batches):
    drawn = []
    for epoch in (0, 1, 0):
        batches.set_epoch(epoch)
        inputs, targets = batches[1]
        right = batches.type_glyphs[inputs["font"], targets["label"]]
        np.testing.assert_array_equal(targets["glyph"], right)
        drawn.append(batches.fonts.copy())
    assert not np.array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(drawn[0], drawn[2])

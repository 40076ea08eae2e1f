"""The translator's mathematics: shapes, losses, that it can learn, and that its seeds are the only chance in it."""

import keras
import numpy as np
import pytest

from augmentation import RandomAffine
from config import AugmentConfig, TranslatorConfig
from encoder_model import ShuffledBatches, Translator

TINY = TranslatorConfig(
    alphabet="abc",
    fonts=("DejaVu Sans", "STIXGeneral"),
    stem_width=4,
    widths=(8, 8, 8),
    code_size=8,
    typesetter_width=16,
)


@pytest.fixture
def batches() -> ShuffledBatches:
    rng = np.random.default_rng(0)
    labels = np.arange(24, dtype=np.int32) % 3
    images = rng.integers(0, 40, (24, 28, 28, 1), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[8 * label : 8 * label + 8] = 250
    type_glyphs = rng.integers(0, 2, (2, 3, 28, 28, 1), dtype=np.uint8) * 255
    return ShuffledBatches(images, labels, type_glyphs, batch_size=8, seed=0)


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
    model.fit(batches, epochs=60, verbose=0)
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


def test_an_epoch_is_a_function_of_seed_and_number(batches):
    def content(epoch: int):
        batches.set_epoch(epoch)
        return np.concatenate([batches[k][0]["image"] for k in range(len(batches))])

    third = content(3)
    assert not np.array_equal(content(4), third)
    np.testing.assert_array_equal(content(3), third)
    assert sorted(image.sum() for image in third) == sorted(image.sum() for image in batches.images)


def test_an_epoch_draws_its_share_of_every_set():
    labels, source = np.zeros(1000, np.int32), np.repeat([0, 1], [800, 200])
    images = np.zeros((1000, 28, 28, 1), np.uint8)
    batches = ShuffledBatches(images, labels, images[None, :1], 10, 0, source, shares=(0.25, 1.0))
    first = batches.order
    assert len(batches) == 40
    assert (source[first] == 0).sum() == (source[first] == 1).sum() == 200
    assert len(set(first)) == len(first)
    batches.set_epoch(1)
    assert set(batches.order) != set(first)
    assert len(batches) == 40


def test_some_pictures_stay_unmoved(batches):
    images = np.repeat(batches.images, 20, axis=0).astype("float32")
    moved = keras.ops.convert_to_numpy(RandomAffine(AugmentConfig(share=0.3), seed=1)(images, training=True))
    assert 0.2 < (moved != images).any(axis=(1, 2, 3)).mean() < 0.4


def test_a_bad_setting_names_what_it_received():
    with pytest.raises(ValueError, match="Received"):
        TranslatorConfig(alphabet="aab")


STILL = {"rotation": 0.0, "shift": 0.0, "zoom": 0.0, "shear": 0.0}


def test_augmentation_rests_outside_training_and_at_zero(batches):
    images = batches.images.astype("float32")
    moving = RandomAffine(AugmentConfig(), seed=1)
    np.testing.assert_array_equal(moving(images, training=False), images)
    still = RandomAffine(AugmentConfig(**STILL), seed=1)
    np.testing.assert_allclose(still(images, training=True), images, atol=1e-3)
    assert np.abs(keras.ops.convert_to_numpy(moving(images, training=True)) - images).mean() > 1


def moved_square(change: dict) -> tuple[np.ndarray, np.ndarray]:
    """Second moments `(200, 2, 2)` and centres `(200, 2)`, rows before columns, of a 6x12 bar moved 200 times."""
    image = np.zeros((200, 28, 28, 1), "float32")
    image[:, 11:17, 8:20] = 255
    moved = keras.ops.convert_to_numpy(RandomAffine(AugmentConfig(**STILL | change), seed=2)(image, training=True))
    weights = moved[..., 0] / moved.sum(axis=(1, 2, 3), keepdims=True)[..., 0]
    axes = np.stack(np.mgrid[:28, :28] - 13.5)  # (2, 28, 28)
    centres = np.einsum("nhw,ahw->na", weights, axes)
    return np.einsum("nhw,ahw,bhw->nab", weights, axes, axes) - centres[:, :, None] * centres[:, None], centres


@pytest.mark.parametrize("change", [{"rotation": 90.0}, {"shift": 3.0}, {"zoom": 0.3}, {"shear": 0.4}])
def test_augmentation_moves_about_the_centre(change):
    _, centres = moved_square(change)
    limit = change.get("shift", 0.0)
    assert 0.9 * limit <= np.abs(centres).max() <= limit + 0.15
    assert np.abs(centres.mean(axis=0)).max() < limit / 2 + 0.1


def test_rotation_is_in_degrees_and_keeps_the_size():
    moments, _ = moved_square({"rotation": 30.0})
    angles = np.degrees(np.arctan2(2 * moments[:, 0, 1], moments[:, 1, 1] - moments[:, 0, 0]) / 2)
    assert 25 < np.abs(angles).max() < 32
    np.testing.assert_allclose(np.trace(moments, axis1=1, axis2=2), 36 / 12 + 144 / 12, rtol=0.1)


def test_zoom_is_a_share_of_width_and_of_height():
    moments, _ = moved_square({"zoom": 0.25})
    widths, heights = np.sqrt(moments[:, 1, 1] / 12), np.sqrt(moments[:, 0, 0] / 3)
    for scale in (widths, heights):
        assert 0.72 < scale.min() < 0.85
        assert 1.15 < scale.max() < 1.3
    assert abs(np.corrcoef(widths, heights)[0, 1]) < 0.3


def test_shear_is_pixels_across_per_pixel_down():
    moments, _ = moved_square({"shear": 0.5})
    slant = moments[:, 0, 1] / moments[:, 0, 0]
    assert 0.4 < np.abs(slant).max() < 0.55
    np.testing.assert_allclose(moments[:, 0, 0], 3, rtol=0.15)


def test_augmentation_survives_saving():
    layer = RandomAffine(AugmentConfig(zoom=0.3), seed=5)
    again = RandomAffine.from_config(layer.get_config())
    assert (again.config, again.seed) == (layer.config, layer.seed)

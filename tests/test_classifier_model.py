"""The readers' mathematics: shapes, losses, that they can learn, and what they make of non-characters."""

from dataclasses import replace

import keras
import numpy as np
import pytest

import calibration
from augmentation import RandomStrays
from batches import GlyphBatches
from classifier_model import Blur, Classifier, ClassifierTask, build_classifier, build_reader
from config import ASCII, AugmentConfig, ClassifierConfig, ClassifierRun
from presets import PRESETS
from readers import evidence, softmax
from shell import UserError
from training import EpochRandomness

TINY = {
    "residual": ClassifierConfig(alphabet="abc", widths=(4, 8, 8, 8), feature_size=8),
    "pooling": ClassifierConfig(alphabet="abc", halving="pooling", widths=(4, 8, 8, 8), feature_size=8),
    "lenet": ClassifierConfig(alphabet="abc", architecture="lenet", widths=(4, 8), hidden=8, feature_size=8),
    "pooled": ClassifierConfig(alphabet="abc", architecture="pooled", widths=(4, 8, 8), hidden=8, feature_size=8),
}
MOST_WEIGHTS = 600_000


@pytest.mark.parametrize("config", TINY.values(), ids=TINY)
def test_shapes(config):
    logits, features = build_reader(config)(np.zeros((5, 28, 28, 1), "float32"))
    assert logits.shape == (5, 3)
    assert features.shape == (5, 8)


@pytest.mark.parametrize("name", ["recogniser-digits", "recogniser-ascii", "judge-digits", "judge-ascii"])
def test_the_presets_are_small_and_the_judge_is_built_otherwise(name):
    run = PRESETS[name][1]
    assert build_reader(run.model).count_params() < MOST_WEIGHTS
    assert run.model.architecture == {"judge-digits": "lenet", "judge-ascii": "pooled"}.get(name, "residual")
    assert (run.model.alphabet == ASCII) == name.endswith("ascii")


@pytest.mark.parametrize("config", TINY.values(), ids=TINY)
def test_it_learns_a_few_pictures_by_heart_and_to_refuse_what_is_none(config, stripes):
    keras.utils.set_random_seed(0)
    model = Classifier(replace(config, stray_weight=1.0))
    model.compile(keras.optimizers.Adam(1e-2))
    batches = GlyphBatches(stripes, 16)
    model.fit(batches, epochs=200, verbose=0)  # at 60, statistics still lag and it hangs on how sums are rounded
    assert model.evaluate(batches, verbose=0, return_dict=True)["read_right"] == 1
    characters, _ = model.reader(stripes.images.astype("float32"))
    strays, _ = model.reader(RandomStrays(one_in=1, seed=9)(stripes.images.astype("float32")))
    assert (evidence(np.array(characters)) < 0).mean() < 0.1
    assert (evidence(np.array(strays)) < 0).mean() > 0.6


def loss_of(logits, labels, training: bool, **settings) -> float:
    model = Classifier(ClassifierConfig(alphabet="abc", widths=(4, 4, 4, 4), feature_size=4, **settings))
    outputs = {"logits": keras.ops.convert_to_tensor(logits, "float32")}
    return float(model.compute_loss(y={"label": np.array(labels)}, y_pred=outputs, training=training))


def test_the_loss_is_that_of_a_class_more_which_is_no_character():
    rng = np.random.default_rng(3)
    logits, labels = rng.normal(0, 2, (10, 3)), rng.integers(0, 3, 8)  # 8 characters, then 2 non-characters
    extended = softmax(np.concatenate([logits, np.zeros((10, 1))], axis=1))
    characters = -np.log(extended[np.arange(8), labels]).mean()
    strays = -np.log(extended[8:, 3]).mean()
    assert loss_of(logits, labels, training=True, stray_weight=1.0) == pytest.approx(characters + strays, rel=1e-5)


def test_the_parts_of_the_loss_are_weighed_and_smoothed_as_asked():
    logits, labels = np.array([[2.0, 0, -1], [0, 1.0, 0], [0.5, 0, 0]]), [0, 1]  # two characters, then none
    log_shares = np.log(softmax(logits[:2]))
    smooth = 0.9 * np.eye(3)[labels] + 0.1 / 3
    found = evidence(logits)
    told_apart = np.log1p(np.exp(-found[:2])).mean() + np.log1p(np.exp(found[2]))
    reading = -(smooth * log_shares).sum(axis=1).mean()
    settings = {"stray_weight": 0.2, "label_smoothing": 0.1}
    assert loss_of(logits, labels, training=True, **settings) == pytest.approx(reading + 0.2 * told_apart, rel=1e-5)
    plain = -log_shares[[0, 1], labels].mean()
    assert loss_of(logits, labels, training=False, **settings) == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize(("name", "strides", "pools"), [("residual", 3, 0), ("pooling", 0, 3)])
def test_a_picture_is_halved_three_times_by_strides_or_by_pooling(name, strides, pools):
    layers = build_reader(TINY[name])._flatten_layers()
    found = [type(layer).__name__ + str(getattr(layer, "strides", "")) for layer in layers]
    assert found.count("Conv2D(2, 2)") == strides
    assert found.count("MaxPooling2D(2, 2)") == pools


@pytest.mark.parametrize("column", [0, 6])
def test_pooling_leaves_no_row_of_an_odd_side_out(column):
    layers = [layer for layer in build_reader(TINY["pooling"])._flatten_layers() if "pool" in layer.name]
    assert [layer.input.shape[1] for layer in layers] == [28, 14, 7]
    maps = np.zeros((1, 7, 7, 8), "float32")
    maps[:, 3, column] = 1
    assert np.array(layers[-1](maps)).any()


def test_pictures_are_blurred_by_their_deviation_and_no_more_ink_in_use_alone():
    images = np.zeros((1, 28, 28, 1), "float32")
    images[0, 14, 10] = 1
    layer = Blur(0.6)
    blurred = np.array(layer(images))[0, ..., 0].astype(float)
    places = np.arange(28) - 10
    assert blurred.sum() == pytest.approx(1) and (places**2 * blurred.sum(axis=0)).sum() == pytest.approx(0.36)
    np.testing.assert_allclose(blurred.sum(axis=0)[8:13], np.roll(blurred.sum(axis=1), -4)[8:13], atol=1e-7)
    np.testing.assert_array_equal(layer(images, training=True), images)


def test_a_reader_is_blurred_only_if_asked():
    names = [[layer.name for layer in build_reader(replace(TINY["pooling"], blur=blur)).layers] for blur in (0.0, 0.5)]
    assert "blur" not in names[0] and names[1][:3] == ["image", "scale", "blur"]


def test_noise_lies_on_characters_and_non_characters_alike(stripes):
    model = build_classifier(ClassifierRun(model=TINY["residual"], augment=AugmentConfig(noise=1.0)))
    names = [layer.name for layer in model.layers]
    assert names.index("augment") < names.index("strays") < names.index("grain")
    given = keras.Model(model.inputs, model.get_layer("grain").output)
    assert len(given({"image": stripes.images[:16]}, training=True)) == 18


def test_non_characters_are_read_off_as_characters_are():
    model = build_classifier(ClassifierRun(model=TINY["residual"], augment=AugmentConfig(sampling="bicubic")))
    assert model.get_layer("strays").throw.config.sampling == "bicubic"


def test_training_pictures_are_changed_anew_every_epoch(stripes):
    run = ClassifierRun(model=TINY["residual"], augment=AugmentConfig(elastic=1.0, stroke=0.5))
    model = build_classifier(run)
    images = {"image": stripes.images[:8]}
    randomness = EpochRandomness(3, GlyphBatches(stripes, 8))
    randomness.set_model(model)
    frozen = keras.Model(model.inputs, model.get_layer("stroke").output)  # what the reader sees, without its dropout
    seen = []
    for epoch in (3, 4, 3):
        randomness.on_epoch_begin(epoch)
        seen.append(np.array(frozen(images, training=True)))
    np.testing.assert_array_equal(seen[0], seen[2])
    assert np.abs(seen[0] - seen[1]).mean() > 1
    np.testing.assert_array_equal(frozen(images, training=False), stripes.images[:8])


def test_in_validation_the_loss_is_of_reading_alone():
    logits, labels = np.array([[2.0, 0, 0], [0, 1.0, 0], [9.0, 9.0, 9.0]]), [0, 1]
    right = -np.log(softmax(logits)[[0, 1], labels]).mean()
    assert loss_of(logits, labels, training=False, stray_weight=1.0) == pytest.approx(right, rel=1e-5)
    assert loss_of(logits[:2], labels, training=False, stray_weight=0.0) == pytest.approx(right, rel=1e-5)


def test_the_part_a_user_runs_gives_the_reader_s_logits_and_features(stripes):
    model = Classifier(TINY["residual"])
    outputs = model.parts()["recogniser"](stripes.images[:4])
    logits, features = model.reader(stripes.images[:4].astype("float32"))
    np.testing.assert_allclose(outputs["logits"], logits, atol=1e-6)
    np.testing.assert_allclose(outputs["features"], features, atol=1e-6)


def test_progress_shows_only_mistakes_and_the_confusion_matrix(stripes):
    run = ClassifierRun(model=TINY["residual"], dataset=("stripes",))
    task = ClassifierTask(run, stripes)
    pictures = task.draw(task.build())
    assert pictures["confusion"].ndim == 3
    labels = task.validation.labels
    wrong = np.eye(3)[(labels + np.arange(24) // 12) % 3]  # the second half read wrong
    sheet = task._surest_mistakes(wrong)
    assert sheet.dtype == np.uint8
    all_right = task._surest_mistakes(np.eye(3)[labels])
    assert all_right.shape == sheet.shape
    assert sheet.max() == 250
    assert all_right.max() < 100


def test_pictures_too_faint_to_make_non_characters_of_are_refused_before_the_training(stripes):
    with pytest.raises(UserError, match="stripes: expected white ink on black, from 0 to 255"):
        ClassifierTask(ClassifierRun(model=TINY["residual"]), replace(stripes, images=stripes.images // 200))


def test_the_card_says_how_sure_to_be_and_when_to_refuse(stripes, monkeypatch):
    monkeypatch.setattr(calibration, "CALIBRATED", 20)
    task = ClassifierTask(ClassifierRun(model=TINY["residual"], dataset=("stripes",)), stripes)
    card = task.card(task.build())
    assert card["task"] == "recognise"
    assert card["temperature"] > 0
    kinds = {"tangle", "crossed out", "scribble", "smudge", "photograph"}
    assert set(card["no_character"]["non_characters_refused"]) == kinds


def test_a_bad_setting_names_what_it_received():
    for setting in ({"widths": (4, 4)}, {"dropout": 1.0}, {"stray_weight": -1.0}, {"alphabet": "a"}, {"hidden": -1}):
        with pytest.raises(ValueError, match="Received"):
            ClassifierConfig(**setting)

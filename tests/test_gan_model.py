"""gan_model.py: who learns from whom, what is told the character, and that it learns to draw what it is asked."""

import re
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from seen_epochs import seen_in

from adversity import LOSSES, AtMostUnitStretch
from config import AugmentConfig, GANConfig, GANRun
from gan_model import GAN, GANTask, build_discriminator, build_generator, settle_statistics
from presets import PRESETS
from shell import UserError
from train import make_optimizer

TINY = GANConfig("abc", noise_size=4, code_size=16, sketch_width=4, widths=(8, 8), critic_widths=(4, 8, 8),
                 feature_size=8)  # fmt: skip
MOST_BYTES = 7_900_000  # a hundredth of 8 MB is for the card and the graphs


def one_hot(labels) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[labels]


def noise_for(count: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, TINY.noise_size), np.float32)


def a_batch(count: int = 8) -> dict[str, np.ndarray]:
    images = np.random.default_rng(1).integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)
    return {"image": images, "label": np.arange(count, dtype=np.int32) % 3}


@pytest.mark.parametrize("changes", [{}, {"image_size": 32}, {"labelled": False}, {"labelled": False, "clusters": 4},
                                     {"regulariser": "spectral"}])  # fmt: skip
def test_shapes(changes):
    config = replace(TINY, **changes)
    told = [one_hot([0, 1, 2, 0, 1])] if config.labelled else []
    drawn = np.array(build_generator(config)([noise_for(5), *told]))
    assert drawn.shape == (5, config.image_size, config.image_size, 1)
    assert 0 <= drawn.min() <= drawn.max() <= 1
    score, features = GAN(config).untold([drawn, *told])
    assert (score.shape, features.shape) == ((5,), (5, 8))


@pytest.mark.parametrize("name", ["cgan-digits", "gan-digits", "cgan-ascii"])
def test_the_shipped_presets_are_small(name):
    model = GAN(PRESETS[name][1].model)
    drawn, judged = model.generator.count_params(), model.discriminator.count_params()
    onnx, packed = 4 * (2 * drawn + judged), 3.65 * (drawn + judged)  # packing takes a tenth off, more or less
    assert onnx + packed < MOST_BYTES


def gradients(loss, variables):
    with tf.GradientTape() as tape:
        value = loss()
    return tape.gradient(value, [variable.value for variable in variables])


@pytest.mark.parametrize("loss", ["logistic", "hinge"])
def test_one_pass_teaches_both_what_a_pass_for_each_would(loss):
    model, batch, told = GAN(replace(TINY, loss=loss, regulariser="none")), a_batch(), one_hot(a_batch()["label"])
    generator, discriminator, form = model.generator, model.discriminator, LOSSES[loss]
    noise, real, told = (ops.convert_to_tensor(x) for x in (noise_for(8), batch["image"] / np.float32(255), told))
    model.get_layer("draw_noise").call = lambda labels: noise

    def critic():
        generated, _ = discriminator([ops.stop_gradient(generator([noise, told], training=True)), told])
        return ops.mean(form.of_real(discriminator([real, told])[0]) + form.of_generated(generated))

    def both():
        return model.compute_loss(y_pred=model(batch, training=True))

    def cheat():
        return ops.mean(form.of_generator(discriminator([generator([noise, told], training=True), told])[0]))

    for loss_apart, part in ((critic, discriminator), (cheat, generator)):
        variables = part.trainable_variables
        for one, other in zip(gradients(both, variables), gradients(loss_apart, variables), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("loss", ["logistic", "hinge"])
def test_the_ratio_is_that_of_the_slopes(loss):
    form, score = LOSSES[loss], tf.constant([-30.0, -3.0, -0.5, 0.0, 2.0, 9.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(score)
        cheated, caught = form.of_generator(score), form.of_generated(score)
    np.testing.assert_allclose(form.ratio(score), tape.gradient(cheated, score) / tape.gradient(caught, score), 1e-4)


def test_the_penalty_is_the_squared_slope():
    model = GAN(replace(TINY, penalty_one_in=1, penalty=3.0))
    real, moved = np.array([1.0, -2.0], "float32"), np.array([1.1, -2.0], "float32")
    scores = {"real": np.concatenate([real, moved]), "generated": np.zeros(2, "float32")}
    plain = np.log1p(np.exp(-real)).mean() + np.log(2)
    loss = float(model.compute_loss(y_pred=scores | {"turn": np.zeros((2, 2), "float32")}))
    assert loss == pytest.approx(plain + 3 / 2 * (0.1 / TINY.penalty_reach) ** 2 / 2, rel=1e-4)


@pytest.mark.parametrize("changes", [{}, {"regulariser": "none", "loss": "hinge"}])
def test_taking_a_picture_for_another_character_costs_what_the_discriminator_would_say_of_it(changes):
    config = replace(TINY, **changes)
    model, without, batch = GAN(replace(config, mismatch=0.5)), GAN(config), a_batch()
    without.set_weights(model.get_weights())
    real, scores = batch["image"] / np.float32(255), model(batch)
    cost = 0
    for other in (1, 2):
        told = one_hot((batch["label"] + other) % 3)
        cost += ops.mean(LOSSES[config.loss].of_generated(model.discriminator([real, told])[0]))
    losses = [float(each.compute_loss(y_pred=scores)) for each in (model, without)]
    assert losses[0] - losses[1] == pytest.approx(0.5 * float(cost), rel=1e-4)


def test_a_slope_is_measured_as_large_as_it_is():
    model = GAN(replace(TINY, penalty_one_in=1, penalty_reach=1e-3))
    steps, batch = 300, a_batch(3)
    real, told = ops.convert_to_tensor(batch["image"] / np.float32(255)), one_hot(batch["label"])
    with tf.GradientTape() as tape:
        tape.watch(real)
        score = model.discriminator([real, ops.convert_to_tensor(told)])[0]
    exact = np.square(tape.gradient(score, real)).sum() / 3
    model.compute_loss(y_pred=model({name: np.repeat(values, steps, axis=0) for name, values in batch.items()}))
    assert float(model.slope_metric.result()) == pytest.approx(exact, rel=0.2)


def test_spectral_kernels_stretch_nothing():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3, 4, 8)).astype("float32")
    bounded = np.array(AtMostUnitStretch()(ops.convert_to_tensor(kernel))).reshape(36, 8)
    assert np.linalg.norm(bounded, 2) == pytest.approx(1, abs=0.02)
    small = (kernel / 100).astype("float32")
    np.testing.assert_array_equal(AtMostUnitStretch()(ops.convert_to_tensor(small)), small)
    run = GANRun(model=replace(TINY, regulariser="spectral"), learning_rate=0.1)
    weights = build_discriminator(run.model).trainable_variables
    make_optimizer(run, steps=10).apply(
        [rng.normal(size=weight.shape).astype("float32") for weight in weights], weights
    )
    kernels = [np.array(weight).reshape(-1, weight.shape[-1]) for weight in weights if len(weight.shape) > 1]
    assert max(np.linalg.norm(kernel, 2) for kernel in kernels) < 1.1


def test_mixtures_of_characters_mix_their_embeddings():
    generator = build_generator(TINY)
    embed = keras.Model(generator.inputs[1], generator.get_layer("character").output)
    one, two, half = (np.array(embed(np.array([weights], "float32")))
                      for weights in ([1, 0, 0], [0, 0, 1], [0.5, 0, 0.5]))  # fmt: skip
    np.testing.assert_allclose(half, (one + two) / 2, atol=1e-6)


def test_the_character_changes_the_picture_and_the_score():
    noise, picture = noise_for(2), a_batch(2)["image"] / np.float32(255)
    generator, discriminator = build_generator(TINY), build_discriminator(TINY)
    drawn = [np.array(generator([noise, one_hot([label, label])])) for label in (0, 1)]
    assert np.abs(drawn[0] - drawn[1]).max() > 1e-3
    scores = [np.array(discriminator([picture, one_hot([label, label])])[0]) for label in (0, 1)]
    assert np.abs(scores[0] - scores[1]).max() > 1e-3


def test_a_picture_does_not_depend_on_its_companions():
    generator = build_generator(TINY)
    noise, told = noise_for(6), one_hot(np.arange(6) % 3)
    np.testing.assert_allclose(generator([noise, told])[4:], generator([noise[4:], told[4:]]), atol=1e-6)


def test_what_it_normalises_by_is_settled_for_the_weights_as_they_are():
    generator = build_generator(TINY)
    noise, told = noise_for(1024), one_hot(np.arange(1024) % 3)
    unsettled = np.array(generator([noise, told]))
    settle_statistics(generator, noise, told)
    settled = np.array(generator([noise, told]))
    by_batch = np.array(generator([noise, told], training=True))  # which moves the statistics a little
    assert np.abs(unsettled - by_batch).mean() > 10 * np.abs(settled - by_batch).mean()
    settle_statistics(generator, noise, told)
    np.testing.assert_allclose(generator([noise, told]), settled, atol=1e-5)


def test_a_last_few_pictures_weigh_no_more_than_others():
    generator = build_generator(TINY)
    noise, told = noise_for(513), one_hot(np.arange(513) % 3)
    first = next(layer for layer in generator.layers if isinstance(layer, keras.layers.BatchNormalization))
    settle_statistics(generator, noise[:512], told[:512])
    before = np.array(first.moving_variance)
    settle_statistics(generator, noise, told)
    np.testing.assert_allclose(first.moving_variance, before, rtol=0.05)


def test_the_generator_alone_learns_at_a_pace_of_its_own():
    model = GAN(replace(TINY, generator_pace=0.25))
    paces = [{getattr(weight, "pace", 1.0) for weight in part.trainable_variables}
             for part in (model.generator, model.discriminator)]  # fmt: skip
    assert paces == [{0.25}, {1.0}]


def task_on(stripes, **changes) -> GANTask:
    run = GANRun(model=replace(TINY, **changes), augment=AugmentConfig(share=0.0), batch_size=8, learning_rate=5e-3,
                 warmup=0.0, weight_decay=0.0, beta_1=0.0)  # fmt: skip
    return GANTask(run, stripes)


def test_it_learns_to_draw_what_it_is_asked(stripes):
    keras.utils.set_random_seed(0)
    task = task_on(stripes)
    model = task.build()
    model.compile(make_optimizer(task.run, steps=300))
    model.fit(task.training_batches(), epochs=50, verbose=0)
    settle_statistics(model.generator, noise_for(96), one_hot(np.arange(96) % 3))
    labels = np.arange(9) % 3
    drawn = task.invented(model, noise_for(9), labels)
    heights = drawn[:, :24, :, 0].reshape(9, 3, 8, 28).mean(axis=(2, 3))  # of each third of the picture
    np.testing.assert_array_equal(heights.argmax(axis=1), labels)


def test_rare_styles_are_drawn_more_often_if_asked(stripes, monkeypatch):
    monkeypatch.setattr("gan_model.weights_of_styles", lambda images, labels, rarity, seed: 1 + 2 * (labels == 1))
    task = task_on(stripes)
    for rarity, expected in ((0.0, 1 / 3), (0.5, 3 / 5)):
        task = GANTask(replace(task.run, rarity=rarity), stripes)
        batches, shares = task.training_batches(), []
        for epoch in range(20):
            batches.set_epoch(epoch)
            shares.append((batches.part.labels[batches.order] == 1).mean())
        assert np.mean(shares) == pytest.approx(expected, abs=0.02)


def test_rare_styles_of_writers_of_few_weigh_by_both(stripes, monkeypatch):
    few = np.arange(len(stripes.labels)) // 3 % 2
    monkeypatch.setattr("gan_model.weights_of_styles", lambda images, labels, rarity, seed: 1.0 + few)
    monkeypatch.setattr("model_task.weights_of_writers", lambda part, evenness: 2 - few)
    task = GANTask(replace(task_on(stripes).run, rarity=0.5, evenness=0.5), stripes)
    weights, expected = task.weights(stripes), (1.0 + few) * (2 - few)
    for label in range(3):
        own = stripes.labels == label
        np.testing.assert_allclose(weights[own], expected[own] / expected[own].mean())


def test_clusters_stand_for_characters_that_nobody_tells(stripes):
    keras.utils.set_random_seed(0)
    task = task_on(stripes, labelled=False, clusters=3)
    model = task.build()
    model.compile(make_optimizer(task.run, steps=300))
    model.fit(task.training_batches(), epochs=50, verbose=0)
    settle_statistics(model.generator, noise_for(96))
    noise = noise_for(60)
    drawn = task.invented(model, noise, np.zeros(60, int))
    asked = np.array(model.generator.get_layer("drawn_cluster")(noise)).argmax(axis=1)
    heights = drawn[:, :24, :, 0].reshape(60, 3, 8, 28).mean(axis=(2, 3)).argmax(axis=1)
    of_cluster = [set(heights[asked == cluster]) for cluster in range(3)]
    assert [len(found) for found in of_cluster] == [1, 1, 1]
    assert set.union(*of_cluster) == {0, 1, 2}
    told = np.array(model.get_layer("nearest_cluster")(drawn)).argmax(axis=1)
    np.testing.assert_array_equal(told, asked)


def test_training_is_a_function_of_the_seed_and_the_epoch(stripes):
    task = task_on(stripes)
    one, other, again = seen_in((4, 5, 4), task.build(), task.training_batches(), "generated")
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_epochs_are_compared_by_a_distance_and_lost_classes_are_told(stripes, capsys):
    task = task_on(stripes)
    part = task.data.take(task.data.split == 1)
    pictures = iter([part.images[[3, 4, 5] * 8], part.images[[0, 1, 2] * 4 + [9, 10, 11] * 4]])
    task.asked = np.arange(24) % 3
    task.invented = lambda *_: next(pictures) / np.float32(255)
    same, varied = (task.validate(task.build(), epoch) for epoch in (0, 1))
    assert same["loss"] == same["frechet"] > varied["loss"]
    assert (same["collapsed"], same["diversity"]) == (3, 0)
    assert "warning: epoch 1: hardly any variety among pictures of 'abc'" in capsys.readouterr().out
    assert varied["collapsed"] == 0


def test_pictures_that_are_no_numbers_are_no_loss(stripes):
    task = task_on(stripes)
    task.invented = lambda *_: np.full((24, 28, 28, 1), np.nan, np.float32)
    assert np.isnan(task.validate(task.build(), 0)["loss"])


def test_a_single_picture_to_validate_by_is_refused(stripes):
    run = GANRun(model=TINY, limit=1)
    with pytest.raises(UserError, match="expected 2 pictures or more for validation, received 1; raise --limit"):
        GANTask(run, stripes)


@pytest.mark.parametrize(("labelled", "clusters"), [(True, 0), (False, 0), (False, 3)])
def test_parts_and_card_are_what_a_user_needs(stripes, labelled, clusters):
    task = task_on(stripes, labelled=labelled, clusters=clusters)
    model = task.build()
    assert set(model.parts()) == {"generator", "layers", "discriminator"}
    assert len(model.parts()["generator"].inputs) == len(model.parts()["discriminator"].inputs) == 1 + labelled
    names = sorted(model.parts()["layers"].output)
    assert (names[0], names[-1]) == ("01_code", "14_image")
    card = task.card(model)
    assert (card["task"], card["noise_size"], card["labelled"]) == ("invent", 4, labelled)
    rows = 3 if labelled else 12
    assert task.draw(model)["progress"].shape == (rows * 30 + 2, 12 * 30 + 2)
    assert task.features(model, stripes.images[:5], stripes.labels[:5]).shape == (5, 8)


def test_noise_is_stretched_for_each_character_by_its_own_and_for_mixtures_in_between(stripes):
    model = task_on(stripes, noise_widths=(1.5, 1.0, 0.5)).build()
    noise, told = noise_for(3), np.float32([[1, 0, 0], [0, 0, 1], [0.5, 0.5, 0]])
    expected = np.array(model.generator([noise * np.float32([[1.5], [0.5], [1.25]]), told]))
    parts = model.parts()
    for part, name in (("generator", "image"), ("layers", "14_image")):
        np.testing.assert_allclose(np.array(parts[part]([noise, told])[name]), expected, atol=1e-6)
    assert [tensor.name for tensor in parts["layers"].inputs] == ["noise", "label_weights"]


def test_a_training_and_what_it_shows_are_the_same_whatever_the_noise_is_stretched_by_in_use(stripes):
    seen = []
    for widths in ((), (1.5, 1.0, 0.5)):
        keras.utils.set_random_seed(0)
        task = task_on(stripes, noise_widths=widths)
        model = task.build()
        model.compile(make_optimizer(task.run, steps=12))
        model.fit(task.training_batches(), epochs=1, verbose=0)
        task.settle(model)
        seen.append((model.get_weights(), task.validate(model, 1), task.draw(model)))
    for one, other in zip(seen[0][0], seen[1][0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert seen[0][1] == seen[1][1]
    for name, pictures in seen[0][2].items():
        np.testing.assert_array_equal(pictures, seen[1][2][name])


@pytest.mark.parametrize("changes", [{"image_size": 30}, {"widths": (0, 4)}, {"critic_widths": (4, 4)},
                                     {"noise_size": 0}, {"penalty": -1.0}, {"penalty_one_in": 0}, {"mismatch": -1.0},
                                     {"noise_widths": (1.0, 1.0)}, {"noise_widths": (1.0, 1.0, 0.0)},
                                     {"noise_widths": (1.0, 1.0, float("inf"))},
                                     {"noise_widths": (1.0, 1.0, 2.0), "labelled": False},
                                     {"mismatch": 1.0, "labelled": False}, {"clusters": 3},
                                     {"clusters": 1, "labelled": False},
                                     {"clusters": 3, "labelled": False, "noise_size": 1}])  # fmt: skip
def test_a_bad_setting_names_what_it_received(changes):
    name = next(iter(changes))
    with pytest.raises(ValueError, match=f"`{name}` must .*Received: .*{name}={re.escape(repr(changes[name]))}"):
        replace(TINY, **changes)

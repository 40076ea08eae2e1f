"""cvae_model.py: losses in nats, what is told the label, and that it learns to write what it is asked."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import ops
from scipy.integrate import fixed_quad
from seen_epochs import seen_in

import learned_prior
from batches import training_part
from config import AugmentConfig, CVAEConfig, CVAERun
from cvae_model import (
    BINARISED,
    CVAE,
    ActiveLatents,
    CVAETask,
    LabelledBatches,
    RandomBinarise,
    bernoulli_nats,
    build_cvae,
    build_decoder,
    build_encoder,
    continuous_bernoulli_nats,
)
from presets import PRESETS
from readers import Reading

TINY = CVAEConfig("abc", widths=(4, 6), hidden=(8,), latent_size=4, couplings=2, coupling_width=8, kl_warmup=0)
MOST_WEIGHTS = 720_000  # at 4 bytes, in two files, under 6 MB


@pytest.mark.parametrize("changes", [{}, {"architecture": "dense"}, {"image_size": 32}, {"label_to": "decoder"}])
def test_shapes(changes):
    config = replace(TINY, **changes)
    side, labels = config.image_size, np.arange(5, dtype=np.int32) % 3
    mean, log_variance = build_encoder(config)([ops.zeros((5, side, side, 1)), ops.array(labels)])
    assert mean.shape == log_variance.shape == (5, 4)
    assert build_decoder(config)([mean, ops.array(labels)]).shape == (5, side, side, 1)


@pytest.mark.parametrize("name", ["cvae-digits", "cvae-ascii"])
def test_the_shipped_presets_are_small(name):
    assert CVAE(PRESETS[name][1].model).count_params() < MOST_WEIGHTS


def changed_by_label(model: keras.Model, values: np.ndarray) -> float:
    """By how much the output changes where another character is told."""
    for weight in model.trainable_variables:  # embeddings begin at zero
        weight.assign(np.random.default_rng(0).normal(0.0, 0.3, weight.shape))
    outputs = [model([values, np.full(len(values), label, np.int32)]) for label in (0, 1)]
    one, two = (ops.convert_to_numpy(output[0] if isinstance(output, list) else output) for output in outputs)
    return float(np.abs(one - two).max())


@pytest.mark.parametrize(("label_to", "told"), [("both", True), ("decoder", False)])
def test_the_label_goes_where_it_is_said_to(label_to, told):
    config = replace(TINY, label_to=label_to)
    picture = np.random.default_rng(0).uniform(0, 255, (2, 28, 28, 1)).astype("float32")
    assert (changed_by_label(build_encoder(config), picture) > 1e-4) == told
    assert changed_by_label(build_decoder(config), np.ones((2, 4), "float32")) > 1e-4


def test_bernoulli_nats_of_a_fair_coin_are_log_2_a_pixel():
    nats = bernoulli_nats(np.ones((2, 28, 28, 1), "float32"), np.zeros((2, 28, 28, 1), "float32"))
    np.testing.assert_allclose(nats, 784 * np.log(2), rtol=1e-6)


@pytest.mark.parametrize("logit", [-30.0, -3.0, -0.11, -0.05, 0.0, 0.09, 2.0, 30.0])
def test_the_continuous_bernoulli_is_a_density(logit):
    def density(x: float) -> float:
        one = np.full((1, 1, 1, 1), x, "float32")
        return float(np.exp(-ops.convert_to_numpy(continuous_bernoulli_nats(one, np.full_like(one, logit))))[0])

    assert fixed_quad(np.vectorize(density), 0, 1, n=40)[0] == pytest.approx(1, abs=1e-3)


def test_gradients_of_the_continuous_bernoulli_stay_finite():
    import tensorflow as tf

    logits = tf.Variable(np.array([-80.0, -1e-3, 0.0, 1e-3, 80.0], "float32").reshape(5, 1, 1, 1))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(continuous_bernoulli_nats(tf.fill((5, 1, 1, 1), 0.3), logits))
    assert np.isfinite(tape.gradient(loss, logits)).all()


def test_pixels_are_inked_as_often_as_they_are_grey():
    grey = np.full((40, 28, 28, 1), 51, "float32")
    binary = np.array(RandomBinarise(3)(grey))
    assert set(np.unique(binary)) == {0, 255}
    assert (binary > 0).mean() == pytest.approx(0.2, abs=0.01)
    ends = np.array(RandomBinarise(3)(np.stack([0 * grey, 0 * grey + 255])[:, 0]))
    assert (ends[0] == 0).all()
    assert (ends[1] == 255).all()


def loss_of(config: CVAEConfig, training: bool = False, **outputs) -> tuple[float, CVAE]:
    """The loss of outputs of two pictures."""
    model = CVAE(config)
    even = np.zeros((2, 28, 28, 1), "float32")
    told = {"logits": even, "target": even, "mean": np.zeros((2, 4), "float32"),
            "log_variance": np.zeros((2, 4), "float32")}  # fmt: skip
    return float(model.compute_loss(y_pred=told | outputs, training=training)), model


def test_the_loss_is_reconstruction_and_divergence_in_nats():
    mean = np.array([[1.0, 0, 0, 0], [0, 0, 0, 3.0]], "float32")
    loss, model = loss_of(TINY, mean=mean)
    assert loss == pytest.approx(784 * np.log(2) + (0.5 + 4.5) / 2, rel=1e-5)
    assert float(model.kl_metric.result()) == pytest.approx(2.5, rel=1e-5)


def test_under_a_learned_prior_the_divergence_is_that_to_it():
    spread = np.full((2, 4), np.log(0.25), "float32")  # deviations of 1/2
    density = np.array([-3.0, -5.0], "float32")
    loss, _ = loss_of(replace(TINY, prior="flow"), log_variance=spread, log_density=density)
    entropy = 4 * (0.5 * np.log(2 * np.pi * np.e) + np.log(0.5))
    assert loss == pytest.approx(784 * np.log(2) + 4 - entropy, rel=1e-5)


def test_the_weight_of_the_divergence_rises_to_what_is_wanted_in_training_alone():
    config = replace(TINY, kl_weight=0.5, kl_warmup=4)
    model = CVAE(config)
    assert [float(model._kl_weight()) for _ in range(6)] == [0.125, 0.25, 0.375, 0.5, 0.5, 0.5]
    far = np.full((2, 4), 10.0, "float32")
    assert loss_of(config, mean=far)[0] == pytest.approx(784 * np.log(2) + 200, rel=1e-5)


def test_latents_are_active_where_their_mean_differs_between_pictures():
    metric = ActiveLatents(3)
    for sign in (1, -1):
        metric.update_state(np.array([[5.0, sign * 0.05, sign * 0.5]] * 8, "float32"))
    assert float(metric.result()) == 1
    metric.reset_state()
    assert float(metric.result()) == 0


def task_on(stripes, **changes) -> CVAETask:
    return CVAETask(CVAERun(model=replace(TINY, **changes), augment=AugmentConfig(share=0.0), batch_size=8), stripes)


@pytest.mark.parametrize("changes", [{}, {"prior": "flow"}, {"likelihood": "continuous", "architecture": "dense"}])
def test_it_learns_to_draw_what_it_is_asked(stripes, changes):
    keras.utils.set_random_seed(0)
    task = task_on(stripes, **changes)
    model = task.build()
    model.compile(keras.optimizers.Adam(5e-3))
    model.fit(task.training_batches(), epochs=40, verbose=0)
    labels, styles = np.arange(3, dtype=np.int32), np.zeros((3, 4), "float32")
    if model.prior is not None:
        styles = ops.convert_to_numpy(model.prior(styles, labels, inverse=True)[0])
    drawn = ops.convert_to_numpy(ops.sigmoid(model.decoder([styles, labels])))
    heights = drawn[:, :24, :, 0].reshape(3, 3, 8, 28).mean(axis=(2, 3))  # of each third of the picture
    np.testing.assert_array_equal(heights.argmax(axis=1), labels)


def test_training_is_a_function_of_the_seed_and_the_epoch(stripes):
    task = task_on(stripes)
    one, other, again = seen_in((4, 5, 4), task.build(), task.training_batches(), "target", "logits")
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one[0], other[0])


def test_a_prior_fitted_after_the_model_leaves_its_training_and_its_decoder_alone(stripes, monkeypatch):
    monkeypatch.setattr(learned_prior, "FIT_STEPS", 2)
    task = task_on(stripes, prior="flow", prior_fitted="after")
    model = task.build()
    before = [np.array(weight) for weight in (*model.encoder.weights, *model.decoder.weights)]
    inputs, targets = task.validation_batches()[0]
    plain = float(model.compute_loss(inputs, targets, model(inputs) | {"log_density": np.nan}, training=False))
    assert np.isfinite(plain)
    old = [np.array(weight) for weight in model.prior.weights]
    task.finish(model)
    for weight, kept in zip((*model.encoder.weights, *model.decoder.weights), before, strict=True):
        np.testing.assert_array_equal(weight, kept)
    assert any(not np.array_equal(weight, kept) for weight, kept in zip(model.prior.weights, old, strict=True))


class Reader:
    """Gives pictures these probabilities of being what they should be, in their order: at its first use, at its second.

    Args:
        own: One for each picture, of each use.
    """

    alphabet = "abc"

    def __init__(self, *own: np.ndarray):
        self.own, self.seen = list(own), []

    def recognise(self, images):
        assert (images.dtype, images.shape[1:]) == (np.uint8, (28, 28, 1))
        self.seen.append(images)
        own = self.own[len(self.seen) - 1]
        read = np.repeat((1 - own)[:, None] / 2, 3, axis=1)
        read[np.arange(len(images)), np.arange(len(images)) % 3] = own
        return Reading(read, None, None, None)


def test_the_prior_learns_what_can_be_read_and_of_no_character_less_than_half(stripes, monkeypatch):
    learned = {}

    def note(prior, mean, log_variance, labels, seed):
        learned.update(mean=mean, log_variance=log_variance, labels=labels)

    monkeypatch.setattr("cvae_model.fit_to_posteriors", note)
    drawn, written = np.full((2, 8, 3), 0.9)  # of 8 pictures of each character
    drawn[2, 0], written[5, 0] = 0.1, 0.2
    drawn[:, 1] = np.arange(8) / 100
    reader = Reader(drawn.ravel(), written.ravel())
    model = replace(TINY, prior="flow", prior_fitted="after")
    run = CVAERun(model=model, augment=AugmentConfig(share=0.0), cleaned_by="reader", legible=0.8)
    task = CVAETask(run, stripes, reader=reader)
    model = task.build()
    task.finish(model)
    assert not np.array_equal(*reader.seen), "once as drawn, and once as written"
    kept = np.ones((8, 3), bool)
    kept[[2, 5], 0] = kept[:4, 1] = False
    part = training_part(run, stripes)
    chance = np.random.default_rng([run.seed, BINARISED]).integers(0, 255, part.images.shape, np.uint8)
    seen = np.where(chance < part.images, np.uint8(255), np.uint8(0))
    for name, moments in zip(("mean", "log_variance"), task.posteriors(model, seen, part.labels), strict=True):
        np.testing.assert_array_equal(learned[name], moments[kept.ravel()])
    np.testing.assert_array_equal(learned["labels"], part.labels[kept.ravel()])


@pytest.mark.parametrize("changes", [{"cleaned_by": None}, {"legible": 1.5}, {"model": TINY}])
def test_legible_styles_need_a_reader_and_a_prior_fitted_after(changes):
    run = PRESETS["cvae-ascii"][1]
    with pytest.raises(ValueError, match="`legible` must be 0, or up to 1.*Received: legible="):
        replace(run, **changes)


def test_parts_and_card_are_what_a_user_needs(stripes):
    task = task_on(stripes, prior="flow")
    model = task.build()
    assert set(model.parts()) == {"encoder", "decoder", "density", "prior"}
    assert set(build_cvae(replace(task.run, model=TINY)).parts()) == {"encoder", "decoder"}
    drawn = model.parts()["decoder"]([np.zeros((2, 4), "float32"), np.zeros(2, np.int32)])["image"]
    assert 0 <= float(ops.min(drawn)) <= float(ops.max(drawn)) <= 1
    card = task.card(model)
    assert (card["task"], card["latent_size"], card["likelihood"]) == ("write", 4, "bernoulli")
    picture = task.draw(model)["progress"]
    assert picture.ndim == 2
    assert task.features(model, stripes.images[:5], stripes.labels[:5]).shape == (5, 4)


def test_batches_tell_the_label(stripes):
    inputs, targets = LabelledBatches(stripes, 8)[0]
    np.testing.assert_array_equal(inputs["label"], targets["label"])


@pytest.mark.parametrize("changes", [{"image_size": 30}, {"widths": (0, 4)}, {"hidden": ()}, {"latent_size": 1},
                                     {"kl_weight": 0.0}, {"kl_warmup": -1}, {"couplings": 0}])  # fmt: skip
def test_a_bad_setting_names_what_it_received(changes):
    with pytest.raises(ValueError, match="Received"):
        replace(TINY, **changes)

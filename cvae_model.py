"""The conditional VAE: a character and a style in, that character written in that style out."""

from dataclasses import replace

import keras
import numpy as np
from keras import layers, ops

from augmentation import Seeded, augmented
from batches import MeanOverBatch, training_part
from blocks import SHEET_COLUMNS, LabelledBatches, doubled, predicted, progress_sheet
from cleaning import own_probability
from config import ACTIVE_VARIANCE, AugmentConfig, CVAEConfig, CVAERun
from data_processor import GlyphDataset
from drawing import as_levels
from learned_prior import LearnedPrior, fit_to_posteriors, standard_log_density
from model_task import ModelTask, StrokesBySet
from readers import Recogniser
from written_glyphs import written_glyphs

BINARISED = 1  # stream of random numbers


class RandomBinarise(Seeded):
    """Ink, or none, by chance as grey as a pixel is: a picture `(B, S, S, 1)` in 0..255 becomes one of 0 and 255."""

    def call(self, images):
        return 255 * ops.cast(keras.random.uniform(ops.shape(images), 0, 255, seed=self.generator) < images, "float32")


class RandomStyle(Seeded):
    """A style `(B, Z)` drawn from normal distributions with this mean and log variance, both `(B, Z)`."""

    def call(self, mean, log_variance):
        return mean + ops.exp(0.5 * log_variance) * keras.random.normal(ops.shape(mean), seed=self.generator)


class ActiveLatents(keras.metrics.Metric):
    """How many latents tell pictures apart: those whose posterior mean varies by more than 0.01 (Burda et al. 2016)."""

    def __init__(self, size: int, name: str = "active_latents", **kwargs):
        super().__init__(name=name, **kwargs)
        self.count = self.add_weight(name="count", initializer="zeros")
        self.total = self.add_weight(name="total", shape=(size,), initializer="zeros")
        self.squares = self.add_weight(name="squares", shape=(size,), initializer="zeros")

    def update_state(self, mean):
        self.count.assign_add(ops.cast(ops.shape(mean)[0], "float32"))
        self.total.assign_add(ops.sum(mean, axis=0))
        self.squares.assign_add(ops.sum(ops.square(mean), axis=0))

    def result(self):
        count = ops.maximum(self.count, 1.0)
        variance = self.squares / count - ops.square(self.total / count)
        return ops.sum(ops.cast(variance > ACTIVE_VARIANCE, "float32"))


def _told(x, label, classes: int):
    """Features scaled and shifted channel by channel as the character tells (FiLM, Perez et al. 2018), then SiLU."""
    width = x.shape[-1]
    told = layers.Embedding(classes, 2 * width, embeddings_initializer="zeros")(label)
    told = layers.Reshape((*[1] * (len(x.shape) - 2), 2 * width))(told)
    scale, shift = ops.split(told, 2, axis=-1)
    return ops.silu(x * (1 + scale) + shift)


def _untold(x, label, classes: int):
    return ops.silu(x)


def build_encoder(config: CVAEConfig) -> keras.Model:
    """Builds q(style | image, label): image `(B, S, S, 1)` in 0..255, label `(B,)` -> mean, log variance `(B, Z)`."""
    size, classes = config.image_size, len(config.alphabet)
    tell = _told if config.label_to == "both" else _untold
    image = keras.Input((size, size, 1), name="image")
    label = keras.Input((), dtype="int32", name="label")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    if config.architecture == "conv":
        first, second = config.widths
        x = tell(layers.Conv2D(first, 5, strides=2, padding="same")(x), label, classes)  # (B, S/2, S/2, w0)
        x = tell(layers.Conv2D(second, 4, strides=2, padding="same")(x), label, classes)  # (B, S/4, S/4, w1)
        x = x + ops.silu(layers.Conv2D(second, 3, padding="same")(x))
    x = layers.Flatten()(x)
    for units in config.hidden:
        x = tell(layers.Dense(units)(x), label, classes)
    moments = [layers.Dense(config.latent_size, dtype="float32", name=name)(x) for name in ("mean", "log_variance")]
    return keras.Model([image, label], moments, name="encoder")


def build_decoder(config: CVAEConfig) -> keras.Model:
    """Builds p(image | style, label): style `(B, Z)`, label `(B,)` -> logits of ink `(B, S, S, 1)`."""
    size, classes = config.image_size, len(config.alphabet)
    style = keras.Input((config.latent_size,), name="style")
    label = keras.Input((), dtype="int32", name="label")
    x = style
    for units in reversed(config.hidden):
        x = _told(layers.Dense(units)(x), label, classes)
    if config.architecture == "conv":
        first, second = config.widths
        side = size // 4
        x = layers.Reshape((side, side, second))(layers.Dense(side * side * second)(x))
        x = _told(x, label, classes)  # (B, S/4, S/4, w1)
        x = x + ops.silu(layers.Conv2D(second, 3, padding="same")(x))
        x = _told(doubled(x, first), label, classes)  # (B, S/2, S/2, w0)
        x = x + ops.silu(layers.Conv2D(first, 3, padding="same")(x))
        logits = doubled(x, 1)
    else:
        logits = layers.Reshape((size, size, 1))(layers.Dense(size * size)(x))
    return keras.Model([style, label], layers.Activation("linear", dtype="float32")(logits), name="decoder")


def bernoulli_nats(target, logits):
    """-log p(picture) in nats `(B,)` of targets in [0, 1] and logits of ink, both `(B, S, S, 1)`, pixel by pixel."""
    return ops.sum(ops.softplus(logits) - target * logits, axis=(1, 2, 3))


def continuous_bernoulli_nats(target, logits):
    """The same for grey levels, which a Bernoulli has no density for.

    Adds -log C of the continuous Bernoulli, C(l) = x / tanh(x / 2) with x = logit of l; a series near x = 0.

    Reference: Loaiza-Ganem & Cunningham 2019, "The continuous Bernoulli" (arXiv:1907.06845).
    """
    near = ops.abs(logits) < 0.1
    x = ops.where(near, 1.0, logits)
    exact = ops.log(ops.abs(x)) - ops.log(ops.tanh(ops.abs(x) / 2))
    series = float(np.log(2)) + ops.square(ops.where(near, logits, 0.0)) / 12
    constant = ops.sum(ops.where(near, series, exact), axis=(1, 2, 3))
    return bernoulli_nats(target, logits) - constant


class CVAE(keras.Model):
    """Encoder and decoder, and a prior where one is learned, trained together on the evidence lower bound.

    Args:
        config: Sizes, alphabet and likelihood.
        augment: How training pictures are changed; `None` leaves them.
        seed: Seed of augmentation, binarisation and styles.

    Reference: Sohn et al. 2015, "Learning Structured Output Representation using Deep Conditional Generative Models".
    """

    def __init__(self, config: CVAEConfig, augment: AugmentConfig | None = None, seed: int = 0, **kwargs):
        encoder, decoder = build_encoder(config), build_decoder(config)
        classes = len(config.alphabet)
        image = keras.Input((config.image_size, config.image_size, 1), dtype="uint8", name="image")
        label = keras.Input((), dtype="int32", name="label")
        seen = ops.cast(image, "float32")
        if augment is not None:
            seen = augmented(seen, augment, seed)
        if config.likelihood == "bernoulli":
            seen = RandomBinarise(seed, name="binarise")(seen)
        mean, log_variance = encoder([seen, label])
        style = RandomStyle(seed, name="draw_style")(mean, log_variance)
        outputs = {"logits": decoder([style, label]), "target": seen / 255, "mean": mean, "log_variance": log_variance}
        prior = None
        if config.prior == "flow":
            prior = LearnedPrior(config.latent_size, classes, config.couplings, config.coupling_width, name="prior")
            density = prior(style, label)[1]
            prior.trainable = config.prior_fitted == "with"  # else `CVAETask.finish` fits it
            if prior.trainable:
                outputs["log_density"] = density
        super().__init__({"image": image, "label": label}, outputs, **kwargs)
        self.config, self.encoder, self.decoder, self.prior = config, encoder, decoder, prior
        self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False, name="steps_of_warmup")
        self.mean = MeanOverBatch()
        self.reconstruction_metric = keras.metrics.Mean(name="reconstruction_nats")
        self.kl_metric = keras.metrics.Mean(name="kl_nats")
        self.active_metric = ActiveLatents(config.latent_size)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Nats a picture, summed over pixels and latents: -log p(picture | style) and the weighted KL divergence.

        Validation weighs the divergence by 1, so that losses compare whatever the weight in training.

        Args:
            y_pred: `logits` and `target` `(B, S, S, 1)`; `mean` and `log_variance` `(B, Z)`; `log_density` `(B,)` of
                the drawn style under a learned prior.
        """
        likelihood = {"bernoulli": bernoulli_nats, "continuous": continuous_bernoulli_nats}[self.config.likelihood]
        reconstruction = likelihood(y_pred["target"], y_pred["logits"])
        kl = self._divergence(y_pred)
        self.reconstruction_metric.update_state(reconstruction)
        self.kl_metric.update_state(kl)
        self.active_metric.update_state(y_pred["mean"])
        nats = reconstruction + (self._kl_weight() if training else 1.0) * kl
        return self.mean(nats, nats)

    def _divergence(self, y_pred):
        """KL(q || p) in nats `(B,)`; where the prior is learned with the model, estimated from the one style drawn."""
        mean, log_variance = y_pred["mean"], y_pred["log_variance"]
        if self.prior is None or self.config.prior_fitted == "after":
            return 0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - log_variance - 1, axis=1)
        spread = ops.exp(0.5 * log_variance)
        entropy = -standard_log_density(ops.ones_like(mean)) + ops.sum(ops.log(spread), axis=1)
        return -entropy - y_pred["log_density"]

    def _kl_weight(self):
        """Rises with the steps of training, which it counts, to the weight wanted."""
        if not self.config.kl_warmup:
            return self.config.kl_weight
        self.steps.assign_add(1.0)
        return self.config.kl_weight * ops.minimum(self.steps / self.config.kl_warmup, 1.0)

    @property
    def index_limits(self) -> dict[str, int]:
        """How many values each integer input of the parts has."""
        return {"label": len(self.config.alphabet)}

    def parts(self) -> dict[str, keras.Model]:
        """What a user runs, by ONNX file name: encoder, decoder, and of a learned prior both directions."""
        config = self.config
        image = keras.Input((config.image_size, config.image_size, 1), dtype="uint8", name="image")
        label = keras.Input((), dtype="int32", name="label")
        style, noise = (keras.Input((config.latent_size,), name=name) for name in ("style", "noise"))
        mean, log_variance = self.encoder([ops.cast(image, "float32"), label])
        moments = {"mean": mean, "log_variance": log_variance}
        parts = {
            "encoder": keras.Model([image, label], moments),
            "decoder": keras.Model([style, label], {"image": ops.sigmoid(self.decoder([style, label]))}),
        }
        if self.prior is not None:
            told, density = self.prior(style, label)
            parts["density"] = keras.Model([style, label], {"noise": told, "log_density": density})
            parts["prior"] = keras.Model([noise, label], {"style": self.prior(noise, label, inverse=True)[0]})
        return parts


def build_cvae(run: CVAERun) -> CVAE:
    """The untrained model of a run."""
    return CVAE(run.model, run.augment, run.seed, name="cvae")


class CVAETask(ModelTask):
    """What `train.py` needs to know of writing.

    Args:
        reader: A recogniser that tells which styles are legible, where the prior shall learn these alone.
    """

    kind, stated = "write", ("alphabet", "architecture", "image_size", "latent_size", "likelihood")
    untrained = staticmethod(build_cvae)

    def __init__(
        self, run: CVAERun, data: GlyphDataset, strokes: StrokesBySet = None, reader: Recogniser | None = None
    ):
        super().__init__(run, data, strokes)
        self.reader = reader
        self.noise = np.random.default_rng(run.seed).standard_normal((SHEET_COLUMNS, run.model.latent_size), np.float32)

    def batches(self, part: GlyphDataset, batch_size: int, **drawn) -> LabelledBatches:
        return LabelledBatches(part, batch_size, **drawn)

    def draw(self, model: CVAE) -> dict[str, np.ndarray]:
        """The progress picture, uint8 `(H, W)`: a row a character, a column a style, the same ones every epoch."""
        classes, size = len(self.run.model.alphabet), self.run.model.image_size
        labels = np.repeat(np.arange(classes, dtype=np.int32), SHEET_COLUMNS)
        styles = np.tile(self.noise, (classes, 1))
        if model.prior is not None and self.run.model.prior_fitted == "with":
            styles = ops.convert_to_numpy(model.prior(styles, labels, inverse=True)[0])
        drawn = ops.convert_to_numpy(ops.sigmoid(model.decoder([styles, labels])))
        return {"progress": progress_sheet(drawn.reshape(classes, SHEET_COLUMNS, size, size, 1))}

    def finish(self, model: CVAE) -> None:
        """Fits the prior, where it is to be fitted after the model."""
        if model.prior is None or self.run.model.prior_fitted == "with":
            return
        part = training_part(self.run, self.data)
        images = part.images
        if self.run.model.likelihood == "bernoulli":  # what the encoder was trained on
            chance = np.random.default_rng([self.run.seed, BINARISED]).integers(0, 255, images.shape, np.uint8)
            images = np.where(chance < images, np.uint8(255), np.uint8(0))
        mean, log_variance = self.posteriors(model, images, part.labels)
        kept = self._legible(model, mean, part)
        model.prior.trainable = True
        fit_to_posteriors(model.prior, mean[kept], log_variance[kept], part.labels[kept], self.run.seed)
        model.prior.trainable = False

    def _legible(self, model: CVAE, styles: np.ndarray, part: GlyphDataset) -> np.ndarray:
        """Which of the styles `(N, Z)` of pictures are legible, both as they are drawn and as a pen writes that.

        Of no character are they less than half; without a reader they are all.
        """
        if self.reader is None:
            return np.ones(len(styles), bool)
        drawn = as_levels(predicted(model.parts()["decoder"], styles, part.labels)["image"])
        written = written_glyphs(drawn, "".join(part.alphabet[label] for label in part.labels))
        read = [own_probability(replace(part, images=images), self.reader) for images in (drawn, written)]
        probability = np.minimum(*read)
        least = np.full(len(styles), self.run.legible)
        for label in np.unique(part.labels):
            own = part.labels == label
            least[own] = min(self.run.legible, np.median(probability[own]))
        return probability >= least

    def posteriors(self, model: CVAE, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and log variance `(N, Z)` of the styles of uint8 images `(N, S, S, 1)`, labels `(N,)`."""
        return tuple(predicted(model.encoder, images, labels))

    def features(self, model: CVAE, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Mean styles `(N, Z)` of images, for the projector."""
        return self.posteriors(model, images, labels)[0]

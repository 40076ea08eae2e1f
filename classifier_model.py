"""Readers: a picture in, the probability of every character out, and whether it is a character at all."""

import keras
import numpy as np
from keras import layers, ops

from augmentation import RandomStrays, augmented, soiled
from batches import MeanOverBatch
from blocks import predicted
from calibration import calibrate
from config import AugmentConfig, ClassifierConfig, ClassifierRun
from data_processor import GlyphDataset
from drawing import tile
from evaluation_pictures import as_array, draw_confusion
from metrics import confusion
from model_task import ModelTask, StrokesBySet
from non_characters import with_ink
from shell import naming

SAMPLE_ROWS, SAMPLE_COLUMNS = 8, 24  # of the progress picture


def _convolve(x, width: int, strides: int = 1, kernel: int = 3, activate: bool = True):
    x = layers.Conv2D(width, kernel, strides=strides, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x) if activate else x


def _with_shortcut(x, width: int):
    """x plus what one convolution makes of it, as He et al. 2016 add them."""
    return layers.ReLU()(layers.Add()([x, _convolve(x, width, activate=False)]))


def _residual(image, config: ClassifierConfig):
    """Feature map `(B, S/8, S/8, w3)`. Halved sides are rounded up by strides and down by pooling."""
    stem, one, two, three = config.widths
    pools = config.halving == "pooling"
    strides = 1 if pools else 2

    def halve(x):
        if not pools:
            return x
        return layers.MaxPooling2D(2 + x.shape[1] % 2, strides=2)(x)  # of an odd side, none of its rows is left out

    x = halve(_convolve(image, stem, strides, kernel=5))  # (B, S/2, S/2, stem)
    x = _with_shortcut(_convolve(x, one), one)  # (B, S/2, S/2, w1)
    x = _with_shortcut(_convolve(halve(x), two, strides), two)  # (B, S/4, S/4, w2)
    return _convolve(halve(x), three, strides)  # (B, S/8, S/8, w3)


def _lenet(image, config: ClassifierConfig):
    """Feature map `(B, S', S', w1)`: unpadded 5x5 convolutions with pooling, as LeCun et al. 1998 stacked them."""
    x = image
    for width in config.widths:  # (B, S/2 - 2, S/2 - 2, w0), (B, S/4 - 3, S/4 - 3, w1)
        x = layers.Conv2D(width, 5, use_bias=False)(x)
        x = layers.MaxPooling2D()(layers.ReLU()(layers.BatchNormalization()(x)))
    return x


def _pooled(image, config: ClassifierConfig):
    """Feature map `(B, S/8, S/8, w2)`, sides rounded down: padded 5x5 convolutions with pooling."""
    x = image
    for width in config.widths:  # (B, S/2, S/2, w0), (B, S/4, S/4, w1), (B, S/8, S/8, w2)
        x = layers.MaxPooling2D()(_convolve(x, width, kernel=5))
    return x


class Blur(layers.Layer):
    """Blurs pictures outside training by a fixed kernel; the identity in training, where augmentation blurs them.

    The kernel is the outer product of (v/2, 1 - v, v/2), of variance v, with itself.

    Args:
        deviation: sqrt(v), in pixels.

    Input and output shape: `(B, S, S, 1)`.
    """

    def __init__(self, deviation: float, **kwargs):
        super().__init__(**kwargs)
        beside = deviation**2 / 2
        line = np.array([beside, 1 - 2 * beside, beside], "float32")
        self.taps = np.outer(line, line)[..., None, None]  # (3, 3, 1, 1)

    def call(self, images, training: bool = False):
        return images if training else ops.conv(images, ops.cast(self.taps, images.dtype), padding="same")


def build_reader(config: ClassifierConfig) -> keras.Model:
    """Builds the network: image `(B, S, S, 1)` in 0..255 -> logits `(B, K)` over the alphabet, features `(B, F)`."""
    image = keras.Input((config.image_size, config.image_size, 1), name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    if config.blur:
        x = Blur(config.blur, name="blur")(x)
    x = {"residual": _residual, "lenet": _lenet, "pooled": _pooled}[config.architecture](x, config)
    x = layers.Flatten()(x)
    if config.hidden:
        x = layers.Dense(config.hidden, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dense(config.feature_size, use_bias=False)(x)
    features = layers.ReLU(name="features")(layers.BatchNormalization()(x))  # (B, F)
    x = layers.Dropout(config.dropout)(features)
    logits = layers.Dense(len(config.alphabet), dtype="float32", name="logits")(x)  # (B, K)
    return keras.Model(image, [logits, features], name="reader")


class Classifier(keras.Model):
    """A reader in training: it learns which character a picture shows and, with the same logits, whether it shows one.

    Beside the K logits stands an implicit one, fixed at zero, for "no character". So the chance of a character is
    sigmoid(logsumexp(logits)), and which one it is, given that it is one, softmax(logits): the two parts of the loss
    are the two factors of one probability. Non-characters to learn from are made of the batch itself.

    Args:
        config: Sizes and alphabet.
        augment: How training pictures are changed; `None` leaves them.
        seed: Seed of augmentation and non-characters.

    Reference: the background class after Dhamija et al. 2018, "Reducing Network Agnostophobia" (arXiv:1811.04110).
    """

    def __init__(self, config: ClassifierConfig, augment: AugmentConfig | None = None, seed: int = 0, **kwargs):
        reader = build_reader(config)
        image = keras.Input((config.image_size, config.image_size, 1), dtype="uint8", name="image")
        moved = ops.cast(image, "float32")
        if augment is not None:
            moved = augmented(moved, augment, seed)
        if config.stray_weight:  # after the batch's own pictures
            sampling = (augment or AugmentConfig()).sampling
            moved = ops.concatenate([moved, RandomStrays(sampling=sampling, seed=seed, name="strays")(moved)], axis=0)
        if augment is not None:
            moved = soiled(moved, augment, seed)
        logits, _ = reader(moved)
        super().__init__({"image": image}, {"logits": logits}, **kwargs)
        self.config, self.reader = config, reader
        self.reading_metric = keras.metrics.Mean(name="reading_nats")
        self.right_metric = keras.metrics.SparseCategoricalAccuracy(name="read_right")
        self.mean = MeanOverBatch()
        if config.stray_weight:
            self.refused_metric = keras.metrics.Mean(name="characters_refused")
            self.stray_metric = keras.metrics.Mean(name="strays_refused")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Nats a picture: cross-entropy of the reading and, in training, the weighted one of character or not.

        Validation leaves the second out: non-characters are drawn anew each time, and the loss is to be comparable.

        Args:
            y: `label` int `(B,)`.
            y_pred: `logits` float `(B + M, K)`, of the batch and after it of M non-characters.
        """
        count = ops.shape(y["label"])[0]
        logits, stray_logits = y_pred["logits"][:count], y_pred["logits"][count:]
        label = ops.one_hot(y["label"], len(self.config.alphabet))
        smoothing = self.config.label_smoothing if training else 0.0
        reading = keras.losses.categorical_crossentropy(label, logits, from_logits=True, label_smoothing=smoothing)
        self.reading_metric.update_state(reading)
        self.right_metric.update_state(y["label"], logits)
        loss = self.mean(reading, reading)
        if self.config.stray_weight:
            evidence, stray_evidence = ops.logsumexp(logits, axis=1), ops.logsumexp(stray_logits, axis=1)
            self.refused_metric.update_state(evidence < 0)
            self.stray_metric.update_state(stray_evidence < 0)
            if training:
                kept, refused = ops.softplus(-evidence), ops.softplus(stray_evidence)
                loss += self.config.stray_weight * (self.mean(kept, kept) + self.mean(refused, refused))
        return loss

    @property
    def index_limits(self) -> dict[str, int]:
        """How many values each integer input of the parts has, but for pictures."""
        return {}

    def parts(self) -> dict[str, keras.Model]:
        """What a user runs, by ONNX file name: image -> logits, features."""
        size = self.config.image_size
        image = keras.Input((size, size, 1), dtype="uint8", name="image")
        logits, features = self.reader(ops.cast(image, "float32"))
        return {"recogniser": keras.Model([image], {"logits": logits, "features": features})}


def build_classifier(run: ClassifierRun) -> Classifier:
    """The untrained model of a run."""
    return Classifier(run.model, run.augment, run.seed, name="classifier")


class ClassifierTask(ModelTask):
    """What `train.py` needs to know of reading."""

    kind, stated = "recognise", ("alphabet", "architecture", "image_size", "feature_size")
    untrained = staticmethod(build_classifier)

    def __init__(self, run: ClassifierRun, data: GlyphDataset, strokes: StrokesBySet = None):
        super().__init__(run, data, strokes)
        with naming(data.name):
            with_ink(self.validation.images)  # refused before the training, which ends with non-characters made of them

    def read(self, model: Classifier, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits `(N, K)` and features `(N, F)` of uint8 images."""
        return predicted(model.reader, images)

    def draw(self, model: Classifier) -> dict[str, np.ndarray]:
        """Of validation: the surest mistakes, uint8 `(H, W)`, and the confusion matrix, uint8 `(H, W, 3)`."""
        part = self.validation
        logits, _ = self.read(model, part.images)
        counts = confusion(logits.argmax(axis=1), part.labels, len(part.alphabet))
        matrix = as_array(draw_confusion(counts, part.alphabet))
        return {"progress": self._surest_mistakes(logits), "confusion": matrix}

    def _surest_mistakes(self, logits: np.ndarray) -> np.ndarray:
        part, count = self.validation, SAMPLE_ROWS * SAMPLE_COLUMNS
        margin = logits.max(axis=1) - logits[np.arange(len(logits)), part.labels]  # 0 where read right
        worst = np.argsort(-margin, kind="stable")[:count]
        shown = part.images[worst] * (margin[worst] > 0)[:, None, None, None]
        shown = np.pad(shown, [(0, count - len(shown)), *[(0, 0)] * 3])
        return tile(shown.reshape(SAMPLE_ROWS, SAMPLE_COLUMNS, *shown.shape[1:]))

    def features(self, model: Classifier, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Features `(N, F)` of images, for the projector."""
        return self.read(model, images)[1]

    def card(self, model: Classifier) -> dict:
        """The same with how sure to be and when to refuse, measured on validation."""
        part = self.validation
        measured = calibrate(lambda images: self.read(model, images)[0], part.images, part.labels, self.run.seed)
        return super().card(model) | measured

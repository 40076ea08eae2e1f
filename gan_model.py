"""The generative adversarial networks: a character and noise in, or noise alone, an invented picture out."""

import keras
import numpy as np
from keras import layers, ops

from adversity import LOSSES, AtMostUnitStretch, OneIn, RandomNoise, RandomStep, Turning
from augmentation import augmented
from batches import EVALUATION_BATCH, MeanOverBatch, labels_by_set, over_means
from blocks import SHEET_COLUMNS, LabelledBatches, doubled, predicted, progress_sheet
from clusters import Clusters, DrawnCluster, NearestCluster, bounds_of, find_clusters, weights_of_styles
from config import AugmentConfig, GANConfig, GANRun
from data_processor import GlyphDataset
from drawing import as_levels
from model_task import ModelTask, StrokesBySet
from readers import Recogniser
from shell import UserError
from validation_samples import SampleCheck

CHECKED = 5000  # pictures drawn after every epoch to tell how good they are
DRAWN, NEAREST = "drawn_cluster", "nearest_cluster"  # layers
FEWEST = 2  # of them: a distribution of fewer has no width


def _unit(x):
    """Codes `(B, C)` of mean square 1, each by itself."""
    return x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + 1e-5)


def _styled(x, code, name: str):
    """Features normalised over the batch, scaled and shifted channel by channel as the code tells (FiLM), then SiLU."""
    width = x.shape[-1]
    scale, shift = ops.split(layers.Reshape((1, 1, 2 * width))(layers.Dense(2 * width)(code)), 2, axis=-1)
    even = layers.BatchNormalization(center=False, scale=False)(x)
    return layers.Activation("silu", name=name)(even * (1 + scale) + shift)


def settle_statistics(generator: keras.Model, noise: np.ndarray, *told: np.ndarray) -> None:
    """Sets what the generator normalises by to what its weights make of this noise, as they are now.

    The statistics that gather in training are those of the latest weights; averages of weights have others.

    Args:
        noise: float32 `(N, Z)`. told: label weights float32 `(N, K)`, where there are such.
    """
    evening = [layer for layer in generator.layers if isinstance(layer, layers.BatchNormalization)]
    usual = [layer.momentum for layer in evening]
    try:
        for start in range(0, len(noise), EVALUATION_BATCH):
            end = min(start + EVALUATION_BATCH, len(noise))
            for layer in evening:
                layer.momentum = start / end  # the mean over batches, each of the weight of its pictures
            generator([part[start:end] for part in (noise, *told)], training=True)
    finally:
        for layer, momentum in zip(evening, usual, strict=True):
            layer.momentum = momentum


def build_generator(config: GANConfig) -> keras.Model:
    """Builds the generator: noise `(B, Z)`, label weights `(B, K)` if it is told the character -> image `(B, S, S, 1)`.

    Pixels are in [0, 1]. Weights are one-hot in training; as their embedding is linear, others mix characters. Layers
    that are worth a look are numbered by their names. Where there are clusters, the noise chooses one.
    """
    side, (first, second) = config.image_size // 4, config.widths
    noise = keras.Input((config.noise_size,), name="noise")
    inputs, told = [noise], None
    if config.labelled:
        told = keras.Input((len(config.alphabet),), name="label_weights")
        inputs.append(told)
    if config.clusters:
        told, noise = DrawnCluster(config.clusters, name=DRAWN)(noise), noise[:, 1:]  # the first has done its work
    x = layers.Dense(config.code_size)(noise)
    if told is not None:
        large = keras.initializers.RandomNormal(stddev=1.0)  # as the noise is
        x += layers.Dense(config.code_size, use_bias=False, kernel_initializer=large, name="character")(told)
    code = layers.Dense(config.code_size, activation="silu", name="01_code")(ops.silu(_unit(x)))
    x = layers.Dense(side * side * config.sketch_width)(noise)  # not of the code: beside the character, noise is lost
    x = layers.Reshape((side, side, config.sketch_width), name="02_sketch")(x)  # (B, S/4, S/4, sketch)
    x = _styled(layers.Conv2D(first, 3, padding="same", name="03_convolved")(x), code, "04_styled")
    y = _styled(layers.Conv2D(first, 3, padding="same", name="05_convolved")(x), code, "06_styled")
    x = layers.Add(name="07_sum")([x, y])  # (B, S/4, S/4, w0)
    x = _styled(doubled(x, second, "08_enlarged"), code, "09_styled")  # (B, S/2, S/2, w1)
    y = _styled(layers.Conv2D(second, 3, padding="same", name="10_convolved")(x), code, "11_styled")
    x = layers.Add(name="12_sum")([x, y])
    logits = doubled(x, 1, "13_enlarged")  # (B, S, S, 1)
    return keras.Model(inputs, layers.Activation("sigmoid", dtype="float32", name="14_image")(logits), name="generator")


def build_discriminator(config: GANConfig) -> keras.Model:
    """Builds the discriminator: image `(B, S, S, 1)` in [0, 1], what it is told `(B, C)` -> score, features.

    The score `(B,)` of a picture that looks real is high; features are `(B, F)`. The character has its say by the
    product of its embedding with the features.

    Reference: Miyato & Koyama 2018, "cGANs with Projection Discriminator" (arXiv:1802.05637).
    """
    bounded = {"kernel_constraint": AtMostUnitStretch()} if config.regulariser == "spectral" else {}

    def convolved(x, width: int, kernel: int, strides: int):
        x = layers.Conv2D(width, kernel, strides=strides, padding="same", **bounded)(x)
        return layers.LeakyReLU(0.2)(x)

    first, second, third = config.critic_widths
    image = keras.Input((config.image_size, config.image_size, 1), name="image")
    x = convolved(2 * image - 1, first, 5, 2)  # (B, S/2, S/2, w0)
    x = convolved(x, second, 4, 2)  # (B, S/4, S/4, w1)
    x = x + convolved(x, second, 3, 1)
    x = layers.Flatten()(convolved(x, third, 3, 2))  # (B, S/8 * S/8 * w2)
    features = layers.LeakyReLU(0.2)(layers.Dense(config.feature_size, **bounded)(x))
    score = layers.Dense(1, dtype="float32", **bounded)(features)
    if not config.classes:
        return keras.Model([image], [score[:, 0], features], name="discriminator")
    told = keras.Input((config.classes,), name="told")
    character = layers.Dense(config.feature_size, use_bias=False, name="character", **bounded)(told)
    projection = layers.Dot(1, dtype="float32")([features, character])
    return keras.Model([image, told], [(score + projection)[:, 0], features], name="discriminator")


class GAN(keras.Model):
    """Generator and discriminator, trained against each other in one pass: one step of either for the other's one.

    Args:
        config: Sizes, alphabet, loss and regulariser.
        augment: How training pictures are changed; `None` leaves them. What is invented will be changed likewise.
        seed: Seed of augmentation and noise.

    Clusters are even shares of noise, and of pictures at random, until `set_clusters`.

    Reference: Goodfellow et al. 2014, "Generative Adversarial Nets" (arXiv:1406.2661).
    """

    def __init__(self, config: GANConfig, augment: AugmentConfig | None = None, seed: int = 0, **kwargs):
        generator, discriminator = build_generator(config), build_discriminator(config)
        image = keras.Input((config.image_size, config.image_size, 1), dtype="uint8", name="image")
        label = keras.Input((), dtype="int32", name="label")
        real = ops.cast(image, "float32")
        as_written = real / 255
        if augment is not None:
            real = augmented(real, augment, seed)
        real = real / 255
        noise = RandomNoise(config.noise_size, seed, name="draw_noise")(label)
        asked = told = ops.one_hot(label, len(config.alphabet), dtype="float32")
        given = [noise, asked][: len(generator.inputs)]
        if config.clusters:
            asked = generator.get_layer(DRAWN)(noise)
            told = NearestCluster(config.clusters, name=NEAREST)(as_written)
        generated, turn = Turning(name="turning")(generator(given))
        scores, _ = discriminator([generated, asked][: len(discriminator.inputs)])
        outputs = {"generated": scores, "turn": turn}
        if config.regulariser == "r1":
            some = OneIn(config.penalty_one_in, name="some")
            moved = RandomStep(config.penalty_reach, seed, name="step")(some(real))
            real, told = ops.concatenate([real, moved], axis=0), ops.concatenate([told, some(told)], axis=0)
        outputs["real"], features = discriminator([real, told][: len(discriminator.inputs)])  # apart: no pixel learns
        if config.mismatch:
            outputs |= {"features": features, "told": told}
        super().__init__({"image": image, "label": label}, outputs, **kwargs)
        self.config, self.generator, self.discriminator = config, generator, discriminator
        for weight in generator.trainable_variables:
            weight.pace = config.generator_pace
        self.mean = MeanOverBatch()
        self.generator_metric = keras.metrics.Mean(name="generator_loss")
        self.critic_metric = keras.metrics.Mean(name="critic_loss")
        self.real_metric = keras.metrics.Mean(name="real_right")
        self.fake_metric = keras.metrics.Mean(name="fake_right")
        if config.regulariser == "r1":
            self.slope_metric = keras.metrics.Mean(name="squared_slope")
        if config.mismatch:
            self.mismatch_metric = keras.metrics.Mean(name="mismatch_loss")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The discriminator's loss and penalty a picture; the generator's is hidden in its gradient, see `Turning`.

        Args:
            y_pred: scores `generated` `(B,)` and `real` `(B + M,)`, the last M being those of some real pictures moved
                a step, for R1; `turn` `(B, 2)`, zeros; and where mismatches count, of the real pictures, `features`
                `(B + M, F)` and what was `told` of them, `(B + M, K)`.
        """
        generated, turn, form = y_pred["generated"], y_pred["turn"], LOSSES[self.config.loss]
        count = ops.shape(turn)[0]
        real, moved = y_pred["real"][:count], y_pred["real"][count:]
        critic = form.of_real(real) + form.of_generated(generated)
        self.generator_metric.update_state(form.of_generator(generated))
        self.critic_metric.update_state(critic)
        self.real_metric.update_state(real > 0)
        self.fake_metric.update_state(generated < 0)
        told = turn[:, 0] + ops.stop_gradient(form.ratio(generated)) * turn[:, 1]
        loss = self.mean(critic, critic + told)
        if self.config.regulariser == "r1":
            squares = self._squared_slopes(real, moved)
            loss += self.config.penalty / 2 * self.mean(squares, squares)
        if self.config.mismatch:
            mistaken = self._mistaken(real, y_pred["features"][:count], y_pred["told"][:count])
            loss += self.config.mismatch * self.mean(mistaken, mistaken)
        return loss

    def _squared_slopes(self, real, moved):
        """What is, over all steps, the squared length of the gradient of the score at some real pictures, `(M,)`.

        Reference: Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?" (arXiv:1801.04406);
        by finite differences, without a second derivative, Lin et al. 2025 (arXiv:2501.08316).
        """
        squares = ops.square((moved - real[:: self.config.penalty_one_in]) / self.config.penalty_reach)
        self.slope_metric.update_state(squares)
        return squares

    def _mistaken(self, real, features, told):
        """What is lost by taking written pictures for all the characters that they do not show, `(B,)`.

        A picture's score as another character differs by the product of its features with both embeddings' difference.

        Reference: Reed et al. 2016, "Generative Adversarial Text to Image Synthesis" (arXiv:1605.05396).
        """
        embedding = self.discriminator.get_layer("character").kernel  # (K, F)
        seen = ops.cast(ops.cast(embedding, features.dtype), "float32")  # as rounded as in the score
        agreement = ops.matmul(ops.cast(features, "float32"), ops.transpose(seen))  # (B, K)
        as_others = (real - ops.sum(agreement * told, axis=-1))[:, None] + agreement
        mistaken = ops.sum((1 - told) * LOSSES[self.config.loss].of_generated(as_others), axis=-1)
        self.mismatch_metric.update_state(mistaken)
        return mistaken

    def set_clusters(self, clusters: Clusters) -> None:
        """Tells both networks which pictures are alike."""
        self.get_layer(NEAREST).centres.assign(clusters.centres)
        self.generator.get_layer(DRAWN).bounds.assign(bounds_of(clusters.shares))

    @property
    def untold(self) -> keras.Model:
        """The discriminator as it is asked in use: nobody tells it a cluster, so it takes the nearest."""
        if not self.config.clusters:
            return self.discriminator
        image = keras.Input(self.discriminator.inputs[0].shape[1:], name="image")
        return keras.Model([image], self.discriminator([image, self.get_layer(NEAREST)(image)]))

    @property
    def index_limits(self) -> dict[str, int]:
        """How many values each integer input of the parts has, but for pictures."""
        return {}

    def parts(self) -> dict[str, keras.Model]:
        """What a user runs, by ONNX file name: generator, the same with all its layers, and discriminator."""
        generator, size = self.generator, self.config.image_size
        seen = {layer.name: layer.output for layer in generator.layers if layer.name[0].isdigit()}
        image = keras.Input((size, size, 1), dtype="uint8", name="image")
        untold = self.untold
        told = [keras.Input(tensor.shape[1:], name="label_weights") for tensor in untold.inputs[1:]]
        score, _ = untold([ops.cast(image, "float32") / 255, *told])
        return {
            "generator": self._in_use({"image": generator.output}),
            "layers": self._in_use(seen),
            "discriminator": keras.Model([image, *told], {"score": score}),
        }

    def _in_use(self, outputs: dict) -> keras.Model:
        """From the generator's inputs to some of its outputs, the noise stretched as the settings say.

        Reference: Brock et al. 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis"
        (arXiv:1809.11096), where all of it is narrowed.
        """
        part, widths = keras.Model(self.generator.inputs, outputs), self.config.noise_widths
        if not widths:
            return part
        noise, told = (keras.Input(tensor.shape[1:], name=tensor.name) for tensor in part.inputs)
        width = ops.sum(told * np.array(widths, np.float32), axis=-1, keepdims=True)  # (B, 1)
        return keras.Model([noise, told], part([noise * width, told]))


def build_gan(run: GANRun) -> GAN:
    """The untrained model of a run."""
    return GAN(run.model, run.augment, run.seed, name="gan")


class GANTask(ModelTask):
    """What `train.py` needs to know of inventing.

    Args:
        reader: A recogniser to compare epochs by; without one, pixels are.

    Raises:
        UserError: There are too few pictures to compare epochs by.
    """

    kind, stated = "invent", ("alphabet", "image_size", "noise_size", "labelled", "clusters")
    untrained = staticmethod(build_gan)

    def __init__(self, run: GANRun, data: GlyphDataset, reader: Recogniser | None = None, strokes: StrokesBySet = None):
        super().__init__(run, data, strokes)
        self.reader, self._weights = reader, None
        part, rng = self.validation, np.random.default_rng(run.seed)
        if len(part.labels) < FEWEST:
            raise UserError(f"{data.name}: expected {FEWEST} pictures or more for validation, received "
                            f"{len(part.labels)}; raise --limit, or choose a larger --dataset")  # fmt: skip
        chosen = rng.permutation(len(part.labels))[:CHECKED]
        self.asked = part.labels[chosen]
        self.check = SampleCheck(part.images[chosen], self.asked, run.model.alphabet, reader)
        self.noise = rng.standard_normal((len(chosen), run.model.noise_size), np.float32)
        self.sheet = rng.standard_normal((SHEET_COLUMNS**2, run.model.noise_size), np.float32)

    def build(self) -> GAN:
        model = super().build()
        if count := self.run.model.clusters:
            drawn = self.training_batches()  # an epoch of them
            model.set_clusters(find_clusters(drawn.part.images[drawn.order], count, self.run.seed))
        return model

    def batches(self, part: GlyphDataset, batch_size: int, **drawn) -> LabelledBatches:
        return LabelledBatches(part, batch_size, **drawn)

    def weights(self, part: GlyphDataset) -> np.ndarray | None:
        weights = super().weights(part)
        if not self.run.rarity:
            return weights
        if self._weights is None:  # k-means is slow, and the part the same at every call
            self._weights = weights_of_styles(part.images, part.labels, self.run.rarity, self.run.seed)
        return self._weights if weights is None else over_means(self._weights * weights, labels_by_set(part))

    def invented(self, model: GAN, noise: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Pictures float32 `(N, S, S, 1)` in [0, 1] of noise `(N, Z)` and, where the model is told, labels `(N,)`."""
        return predicted(model.generator, noise, *self._told(labels))

    def _told(self, labels: np.ndarray) -> list[np.ndarray]:
        config = self.run.model
        return [np.eye(len(config.alphabet), dtype=np.float32)[labels]] if config.labelled else []

    def settle(self, model: GAN) -> None:
        """Makes what the generator normalises by fit the averages of the weights."""
        settle_statistics(model.generator, self.noise, *self._told(self.asked))

    def validate(self, model: GAN, epoch: int) -> dict[str, float]:
        """What the epochs are compared by: `loss` is the Frechet distance of the same noise's pictures to written ones.

        Classes that are lost get a warning. Where the weights are no numbers any more, neither is the loss.
        """
        drawn = self.invented(model, self.noise, self.asked)
        if not np.isfinite(drawn).all():
            return {"loss": float("nan")}
        asked = self.asked if self.run.model.labelled else None
        verdict = self.check.judge(as_levels(drawn), asked)
        if verdict.collapsed:
            print(f"warning: epoch {epoch + 1}: hardly any variety among pictures of {verdict.collapsed!r}", flush=True)
        return {"loss": verdict.figures["frechet"], **verdict.figures}

    def draw(self, model: GAN) -> dict[str, np.ndarray]:
        """The progress picture, uint8 `(H, W)`: a row a character, a column the same noise, or a square of noises."""
        config, noise = self.run.model, self.sheet
        if config.labelled:
            noise = np.tile(self.sheet[:SHEET_COLUMNS], (len(config.alphabet), 1))
        drawn = self.invented(model, noise, np.arange(len(noise)) // SHEET_COLUMNS)
        return {"progress": progress_sheet(drawn.reshape(-1, SHEET_COLUMNS, *drawn.shape[1:]))}

    def features(self, model: GAN, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """The discriminator's features `(N, F)` of images, for the projector."""
        return predicted(model.untold, images / np.float32(255), *self._told(labels))[1]

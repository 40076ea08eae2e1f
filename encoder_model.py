"""The font translator: a handwritten character and a font's number in, that character set in that font out."""

import keras
import numpy as np
from keras import layers, ops

from augmentation import augmented, soiled
from batches import GlyphBatches, MeanOverBatch
from config import AugmentConfig, TranslatorConfig, TranslatorRun
from data_processor import VALIDATION, GlyphDataset, evenly_spread
from drawing import tile
from model_task import ModelTask, StrokesBySet
from synthetic_image_generator import find_font, font_name

DECISIVE = 1000.0  # sharpness in use: one character, but where two are as good as equal
PROOF_EPOCHS, PROOFS_AN_EPOCH = 40, 50  # how often the typesetter is shown the whole type case in the end
SAMPLE_ROWS = 24  # characters in the progress picture


def _convolve(x, width: int, kernel: int, strides: int):
    x = layers.Conv2D(width, kernel, strides=strides, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def build_reader(config: TranslatorConfig) -> keras.Model:
    """Builds the encoder: image `(B, S, S, 1)` in 0..255 -> code `(B, C)`, logits `(B, K)` over the alphabet.

    The first convolution strides: at full resolution it would cost more than the other three together and read no
    better.
    """
    image = keras.Input((config.image_size, config.image_size, 1), name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    x = _convolve(x, config.stem_width, 5, 2)  # (B, S/2, S/2, stem)
    for width, strides in zip(config.widths, (2, 1, 2), strict=True):
        x = _convolve(x, width, 3, strides)  # (B, S/4, S/4, w0), (B, S/4, S/4, w1), (B, S/8, S/8, w2)
    x = layers.Dense(config.code_size, use_bias=False)(layers.Flatten()(x))
    code = layers.ReLU(name="code")(layers.BatchNormalization()(x))  # (B, C)
    x = layers.Dropout(config.dropout)(code)
    logits = layers.Dense(len(config.alphabet), dtype="float32", name="logits")(x)  # (B, K)
    return keras.Model(image, [code, logits], name="reader")


def build_typesetter(config: TranslatorConfig) -> keras.Model:
    """Builds the decoder: probabilities `(B, K)` over the alphabet, font `(B,)` -> glyph `(B, S, S, 1)` in [0, 1].

    It sees which character was read and nothing of how it was written: of the style, type wants nothing. A reading
    narrowed to an alphabet after the fact therefore narrows what is drawn, too.
    """
    size = config.image_size
    probabilities = keras.Input((len(config.alphabet),), name="probabilities")
    font = keras.Input((), dtype="int32", name="font")
    character = layers.Dense(config.typesetter_width)(probabilities)  # (B, T)
    scale = layers.Embedding(len(config.fonts), config.typesetter_width, embeddings_initializer="ones")(font)
    offset = layers.Embedding(len(config.fonts), config.typesetter_width)(font)
    x = layers.ReLU()(character * scale + offset)  # (B, T)
    x = layers.Dense(size * size, activation="sigmoid", dtype="float32")(x)
    return keras.Model(
        [probabilities, font], layers.Reshape((size, size, 1), dtype="float32", name="glyph")(x), name="typesetter"
    )


class Translator(keras.Model):
    """Reader and typesetter, trained together.

    With one right glyph a character and font, no translator can do better than read, then set what it read
    (an oracle typesetter reaches the reader's accuracy). So the code passes through the reading: the typesetter is
    given the probabilities, and its loss teaches the reader which confusions look worst.

    Args:
        config: Sizes and alphabet.
        augment: How training pictures are changed; `None` leaves them.
        seed: Seed of augmentation.
    """

    def __init__(self, config: TranslatorConfig, augment: AugmentConfig | None = None, seed: int = 0, **kwargs):
        reader, typesetter = build_reader(config), build_typesetter(config)
        image = keras.Input((config.image_size, config.image_size, 1), dtype="uint8", name="image")
        font = keras.Input((), dtype="int32", name="font")
        moved = ops.cast(image, "float32")
        if augment is not None:
            moved = soiled(augmented(moved, augment, seed), augment, seed)
        _, logits = reader(moved)
        glyph = typesetter([ops.softmax(config.sharpness * logits), font])
        super().__init__({"image": image, "font": font}, {"glyph": glyph, "logits": logits}, **kwargs)
        self.config, self.reader, self.typesetter = config, reader, typesetter
        self.mean = MeanOverBatch()
        self.reading_metric = keras.metrics.Mean(name="reading_nats")
        self.glyph_metric = keras.metrics.Mean(name="glyph_nats")
        self.right_metric = keras.metrics.SparseCategoricalAccuracy(name="read_right")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Nats a picture: cross-entropy of the reading, plus the weighted glyph loss over the targets' own entropy.

        Args:
            y: `label` int `(B,)`; `glyph` uint8 `(B, S, S, 1)`, the right glyph of the asked font.
        """
        logits, target = y_pred["logits"], ops.cast(y["glyph"], "float32") / 255
        label = ops.one_hot(y["label"], len(self.config.alphabet))
        smoothing = self.config.label_smoothing if training else 0.0
        reading = keras.losses.categorical_crossentropy(label, logits, from_logits=True, label_smoothing=smoothing)
        excess = _bernoulli_nats(target, y_pred["glyph"]) - _bernoulli_nats(target, target)
        glyph = ops.sum(excess, axis=(1, 2, 3))  # (B,)
        self.reading_metric.update_state(reading)
        self.glyph_metric.update_state(glyph)
        self.right_metric.update_state(y["label"], logits)
        nats = reading + self.config.glyph_weight * glyph
        return self.mean(nats, nats)

    @property
    def index_limits(self) -> dict[str, int]:
        """How many values each integer input of the parts has."""
        return {"font": len(self.config.fonts)}

    def parts(self) -> dict[str, keras.Model]:
        """What a user runs, by ONNX file name: image, font and an optional log prior -> glyph, logits.

        Here the character that is read is set, and no blend of it with its rivals, which training needs for its slopes.
        """
        config = self.config
        image = keras.Input((config.image_size, config.image_size, 1), dtype="uint8", name="image")
        font = keras.Input((), dtype="int32", name="font")
        log_prior = keras.Input(batch_shape=(1, len(config.alphabet)), name="log_prior")
        _, logits = self.reader(ops.cast(image, "float32"))
        glyph = self.typesetter([ops.softmax(DECISIVE * (logits + log_prior)), font])
        return {"translator": keras.Model([image, font, log_prior], {"glyph": glyph, "logits": logits})}


def _bernoulli_nats(target, probability):
    """Cross-entropy of grey levels in [0, 1] taken as Bernoulli parameters, element by element."""
    p = ops.clip(probability, 1e-6, 1 - 1e-6)
    return -(target * ops.log(p) + (1 - target) * ops.log(1 - p))


def build_translator(run: TranslatorRun) -> Translator:
    """The untrained model of a run."""
    return Translator(run.model, run.augment, run.seed, name="translator")


class TranslatorBatches(GlyphBatches):
    """Labelled pictures in batches, each picture with a font to set it in and the right glyph of that font.

    Args:
        type_glyphs: uint8 `(F, K, S, S, 1)`: what `render_alphabet` drew for every font.
    """

    def __init__(self, part: GlyphDataset, batch_size: int, type_glyphs: np.ndarray, **kwargs):
        self.type_glyphs = type_glyphs
        self.fonts = np.arange(len(part.labels), dtype=np.int32) % len(type_glyphs)
        super().__init__(part, batch_size, **kwargs)

    def draw(self, rng: np.random.Generator) -> None:
        super().draw(rng)
        self.fonts = rng.integers(0, len(self.type_glyphs), len(self.part.labels), dtype=np.int32)

    def batch(self, chosen: np.ndarray):
        inputs, targets = super().batch(chosen)
        font = self.fonts[chosen]
        glyph = self.type_glyphs[font, targets["label"]]
        return inputs | {"font": font}, targets | {"glyph": glyph}


class TranslatorTask(ModelTask):
    """What `train.py` needs to know of translation.

    Args:
        type_glyphs: uint8 `(F, K, S, S, 1)`, what `render_alphabet` drew for every font.
    """

    kind, stated = "translate", ("alphabet", "fonts", "image_size", "code_size")
    untrained = staticmethod(build_translator)

    def __init__(self, run: TranslatorRun, data: GlyphDataset, type_glyphs: np.ndarray, strokes: StrokesBySet = None):
        super().__init__(run, data, strokes)
        self.type_glyphs = type_glyphs
        self.sample = evenly_spread(data.part(VALIDATION)[1], classes=len(run.model.alphabet), count=SAMPLE_ROWS)

    def batches(self, part: GlyphDataset, batch_size: int, **drawn) -> TranslatorBatches:
        return TranslatorBatches(part, batch_size, self.type_glyphs, **drawn)

    def draw(self, model: Translator) -> dict[str, np.ndarray]:
        """The progress picture, uint8 `(H, W)`: a row a character, as written and in every font."""
        written = self.data.part(VALIDATION)[0][self.sample]  # (R, S, S, 1)
        count, fonts = len(written), len(self.run.model.fonts)
        inputs = {"image": np.repeat(written, fonts, axis=0), "font": np.tile(np.arange(fonts, dtype=np.int32), count)}
        glyphs = keras.ops.convert_to_numpy(model(inputs)["glyph"]).reshape(count, fonts, *written.shape[1:])
        rows = np.concatenate([written[:, None], np.round(glyphs * 255).astype(np.uint8)], axis=1)  # (R, 1+F, S, S, 1)
        rows = np.pad(rows, [(0, count % 2), *[(0, 0)] * 4])
        left, right = np.split(rows, 2)  # two columns of rows: a shape that fits a screen
        return {"progress": np.concatenate([tile(left), tile(right)], axis=1)}

    def finish(self, model: Translator) -> None:
        """Proof-reads the typesetter: trains it alone on every character of every font, told for certain.

        Beside the reader it is shown the probabilities of look-alikes and learns to draw between them; in use it is
        told one character.
        """
        fonts, characters = self.type_glyphs.shape[:2]
        told = np.tile(np.eye(characters, dtype=np.float32), (fonts * PROOFS_AN_EPOCH, 1))  # (P * F * K, K)
        font = np.tile(np.repeat(np.arange(fonts, dtype=np.int32), characters), PROOFS_AN_EPOCH)
        right = self.type_glyphs.reshape(-1, *self.type_glyphs.shape[2:]) / np.float32(255)
        schedule = keras.optimizers.schedules.CosineDecay(3e-3, PROOF_EPOCHS * PROOFS_AN_EPOCH)
        proof = keras.models.clone_model(model.typesetter)  # apart, so that no optimizer is saved with the model
        proof.set_weights(model.typesetter.get_weights())
        proof.compile(keras.optimizers.Adam(schedule), loss="binary_crossentropy")
        right = np.tile(right, (PROOFS_AN_EPOCH, 1, 1, 1))
        proof.fit([told, font], right, fonts * characters, epochs=PROOF_EPOCHS, shuffle=False, verbose=0)
        model.typesetter.set_weights(proof.get_weights())

    def features(self, model: Translator, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Codes `(N, C)` of images, for the projector."""
        return keras.ops.convert_to_numpy(model.reader(images)[0])

    def card(self, model: Translator) -> dict:
        """The same with fonts by their names, where a setting may be a path."""
        return super().card(model) | {"fonts": [font_name(find_font(font)) for font in self.run.model.fonts]}

"""Every knob of the pipeline, typed and documented once; the shell may override any of them.

The runs that `train.py` knows by name stand in `presets.py`: what each sets otherwise than here.
"""

import math
import string
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args, get_origin

from shell import UserError, did_you_mean

DIGITS = string.digits
UPPER = string.ascii_uppercase
LOWER = string.ascii_lowercase
LETTERS = UPPER + LOWER
ALNUM = DIGITS + LETTERS  # EMNIST's order, not that of Python's string module
SIGNS = string.punctuation
ASCII = ALNUM + SIGNS  # all 94 printable characters that leave ink

ALPHABETS = {"digits": DIGITS, "upper": UPPER, "lower": LOWER, "letters": LETTERS, "alnum": ALNUM, "ascii": ASCII}
"""Alphabets a user may ask for by name; any other string is taken as the alphabet itself."""

MISTYPED = 0.8
"""Likeness, after difflib, from which a string is an alphabet's name mistyped rather than an alphabet."""

LOOK_ALIKES = (
    *("0Oo", "1lIi|", "2Zz", "5Ss", "6b", "9gq", "UuVv"),
    *("1lI|/", "(Cc", "+t", ".,'`", ":;", "-_", "-~"),
)
"""Characters that isolated handwriting writes alike, so that nobody could tell them apart without their neighbours or
the line they stand on: a round one, a stroke upright or aslant, one shape at two heights. Measures can forgive them."""

ACTIVE_VARIANCE = 0.01
"""Of a latent's posterior mean over pictures: one below it says nothing (Burda et al. 2016)."""

DATA_DIR_VARIABLE = "SCRIPTORIUM_DATA"
"""Environment variable that names the data directory; without it, `data/`."""

IMAGE_SIZE = 28
IMAGE_SIZES = range(8, 257)  # sides of a picture that can be used, in pixels


def characters_of(alphabet: str) -> str:
    """The characters of an alphabet given by name (`digits`, `alnum`, ...) or spelled out.

    Raises:
        UserError: It is a name mistyped.
    """
    if alphabet in ALPHABETS:
        return ALPHABETS[alphabet]
    if name := did_you_mean(alphabet, ALPHABETS, MISTYPED):
        raise UserError(f"alphabet {alphabet!r}: expected {', '.join(ALPHABETS)}, or the characters themselves{name}; "
                        f"for these very characters, give them in another order")  # fmt: skip
    return alphabet


def in_words(characters: str) -> str:
    """Characters as a message shows them: an alphabet by its name, if that is not digits, which are as short."""
    return next((name for name, own in ALPHABETS.items() if own == characters != DIGITS), repr(characters))


def _require(holds: bool, rule: str, **received: object) -> None:
    if not holds:
        values = ", ".join(f"{name}={value!r}" for name, value in received.items())
        raise ValueError(f"{rule}. Received: {values}")


def _check_choices(config: object) -> None:
    """The shell offers no other value; a caller in Python could give any, and hear of it in the midst of a training."""
    for field in fields(config):
        if get_origin(field.type) is Literal:
            choices, value = get_args(field.type), getattr(config, field.name)
            listed = " or ".join(map(repr, choices))
            _require(value in choices, f"`{field.name}` must be {listed}", **{field.name: value})


def _settle_alphabet(config: object) -> None:
    """Puts the characters in the place of an alphabet's name."""
    object.__setattr__(config, "alphabet", characters_of(config.alphabet))
    different = len(set(config.alphabet)) == len(config.alphabet) > 1
    _require(different, "`alphabet` must hold two or more different characters", alphabet=config.alphabet)


def _check_quartered(image_size: int) -> None:
    fits = image_size in IMAGE_SIZES and image_size % 4 == 0
    _require(fits, "`image_size` must be a multiple of 4 in [8, 256] pixels", image_size=image_size)


def _check_noiseless(run: "RunConfig") -> None:
    _require(run.augment.noise == 0, "`augment.noise` must be 0 for what learns to draw: it would draw noise",
             noise=run.augment.noise)  # fmt: skip


def _check_smoothing(config: object) -> None:
    value = config.label_smoothing
    _require(0 <= value < 1, "`label_smoothing` must lie in [0, 1)", label_smoothing=value)


@dataclass(frozen=True)
class AugmentConfig:
    """How a training picture may be changed, in the training pass alone; ranges of moves are symmetric and uniform."""

    share: float = 1.0
    """Share of the pictures that are moved and bent; the others stay as crisp as pictures are when the model is used.
    `stroke` and `noise` do not go by it."""
    rotation: float = 12.0
    """Largest turn, in degrees."""
    shift: float = 2.0
    """Largest shift along each axis, in pixels, before the other moves."""
    zoom: float = 0.12
    """Largest relative change of width and of height, drawn apart."""
    shear: float = 0.25
    """Largest slant: the horizontal shift in pixels per pixel of height."""
    elastic: float = 0.0
    """Standard deviation, in pixels, of what bends the strokes, at the nodes of a coarse grid; it is smooth between
    (Simard et al. 2003)."""
    sampling: Literal["bilinear", "bicubic"] = "bilinear"
    """How what was moved is read off between the pixels: `bilinear` blurs it, `bicubic` hardly."""
    stroke: float = 0.0
    """How far strokes are thickened or thinned: 1 is by a pixel on either side."""
    noise: float = 0.0
    """Noise on every other picture that is to be read: its largest standard deviation, of 1 from paper to ink; or, in
    part or altogether in its place, specks on a quarter as large a share of the pixels. What learns to draw takes
    none."""

    def __post_init__(self):
        _check_choices(self)
        _require(0 <= self.share <= 1, "`share` must lie in [0, 1]", share=self.share)
        _require(0 <= self.rotation <= 180, "`rotation` must lie in [0, 180] degrees", rotation=self.rotation)
        _require(self.shift >= 0, "`shift` must not be negative", shift=self.shift)
        _require(0 <= self.zoom < 1, "`zoom` must lie in [0, 1)", zoom=self.zoom)
        _require(self.shear >= 0, "`shear` must not be negative", shear=self.shear)
        _require(self.elastic >= 0, "`elastic` must not be negative", elastic=self.elastic)
        _require(0 <= self.stroke <= 1, "`stroke` must lie in [0, 1]", stroke=self.stroke)
        _require(0 <= self.noise <= 1, "`noise` must lie in [0, 1]", noise=self.noise)


@dataclass(frozen=True)
class TranslatorConfig:
    """The font translator: handwriting in, the same character in a typeface out."""

    alphabet: str = DIGITS
    """Characters it reads and sets, in label order; or a name: digits, upper, lower, letters, alnum, ascii."""
    fonts: tuple[str, ...] = ("STIXGeneral", "DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono")
    """Typefaces it sets, in the order of their numbers; `synthetic_image_generator.py --list` names those at hand."""
    stem_width: int = 24
    """Channels of the first convolution, 5x5 with stride 2."""
    widths: tuple[int, ...] = (48, 64, 96)
    """Channels of the three 3x3 convolutions after it: stride 2, 1 and 2."""
    code_size: int = 96
    """Length of the code that both the reading and the typeset glyph are made from."""
    dropout: float = 0.2
    """Share of the code dropped while training."""
    typesetter_width: int = 256
    """Hidden units of the typesetter, which draws the glyph."""
    sharpness: float = 3.0
    """Power the probabilities are raised to before they are typeset in training; in use one character alone is set."""
    glyph_weight: float = 0.02
    """Weight of the glyph loss (nats a picture over its entropy) beside the reading loss (nats a picture)."""
    label_smoothing: float = 0.0
    """Share of probability spread evenly over the alphabet in the reading target."""
    image_size: int = IMAGE_SIZE
    """Side of the picture and of the glyph, in pixels; only sd19 and folders come in other sizes than 28."""

    def __post_init__(self):
        _settle_alphabet(self)
        _require(len(set(self.fonts)) == len(self.fonts) > 0, "`fonts` must name each font once", fonts=self.fonts)
        _require(len(self.widths) == 3, "`widths` must hold three channel counts", widths=self.widths)
        fits = self.image_size in IMAGE_SIZES
        _require(fits, "`image_size` must lie in [8, 256] pixels", image_size=self.image_size)
        _require(min(self.widths) > 0, "`widths` must be positive", widths=self.widths)
        for name in ("stem_width", "code_size", "typesetter_width"):
            _require(getattr(self, name) > 0, f"`{name}` must be positive", **{name: getattr(self, name)})
        _require(self.glyph_weight >= 0, "`glyph_weight` must not be negative", glyph_weight=self.glyph_weight)
        _require(self.sharpness >= 1, "`sharpness` must be 1 or more", sharpness=self.sharpness)
        _require(0 <= self.dropout < 1, "`dropout` must lie in [0, 1)", dropout=self.dropout)
        _check_smoothing(self)


@dataclass(frozen=True)
class ClassifierConfig:
    """A reader: handwriting in, how probable each character is, or that it is none."""

    alphabet: str = DIGITS
    """Characters it reads, in label order; or a name: digits, upper, lower, letters, alnum, ascii."""
    architecture: Literal["residual", "lenet", "pooled"] = "residual"
    """`residual`: 3x3 convolutions with shortcuts. `lenet`: LeNet-5 grown wider, with 5x5 convolutions and pooling.
    `pooled`: three padded 5x5 convolutions with pooling. The last two are built unlike the first, so that a judge may
    err elsewhere."""
    halving: Literal["strides", "pooling"] = "strides"
    """How `residual` halves the picture's side: by convolving every other pixel alone, or by convolving all and keeping
    the largest of four, which takes longer."""
    widths: tuple[int, ...] = (32, 48, 96, 128)
    """Channels: of the stem and the three stages (`residual`), or of the two (`lenet`) or three (`pooled`)
    convolutions."""
    hidden: int = 0
    """Units of the layer before the features; 0: there is none."""
    feature_size: int = 128
    """Length of the feature vector that the logits are made from."""
    blur: float = 0.0
    """Standard deviation, in pixels, that pictures are blurred by outside training, at most 0.7: as augmentation blurs
    them in training, when it reads them off between the pixels."""
    dropout: float = 0.3
    """Share of the features dropped while training."""
    label_smoothing: float = 0.0
    """Share of probability spread evenly over the alphabet in the target."""
    stray_weight: float = 0.2
    """Weight of telling characters from non-characters, which are made of the training pictures; 0: it is not
    learned."""
    image_size: int = IMAGE_SIZE
    """Side of the picture, in pixels; only sd19 and folders come in other sizes than 28."""

    def __post_init__(self):
        _check_choices(self)
        _settle_alphabet(self)
        _require(16 <= self.image_size <= 256, "`image_size` must lie in [16, 256] pixels", image_size=self.image_size)
        count = {"residual": 4, "lenet": 2, "pooled": 3}[self.architecture]
        _require(
            len(self.widths) == count,
            f"`widths` of {self.architecture} must hold {count} channel counts",
            widths=self.widths,
        )
        _require(self.halving == "strides" or self.architecture == "residual",
                 "`halving` is for `residual` alone, and `strides` for others",
                 halving=self.halving, architecture=self.architecture)  # fmt: skip
        _require(min(self.widths) > 0, "`widths` must be positive", widths=self.widths)
        _require(self.feature_size > 0, "`feature_size` must be positive", feature_size=self.feature_size)
        _require(self.hidden >= 0, "`hidden` must not be negative", hidden=self.hidden)
        _require(0 <= self.blur <= 0.7, "`blur` must lie in [0, 0.7] pixels", blur=self.blur)
        _require(0 <= self.dropout < 1, "`dropout` must lie in [0, 1)", dropout=self.dropout)
        _require(self.stray_weight >= 0, "`stray_weight` must not be negative", stray_weight=self.stray_weight)
        _check_smoothing(self)


@dataclass(frozen=True)
class CVAEConfig:
    """The conditional VAE: a character and a style in, that character written in that style out."""

    alphabet: str = DIGITS
    """Characters it writes, in label order; or a name: digits, upper, lower, letters, alnum, ascii."""
    architecture: Literal["conv", "dense"] = "conv"
    """`conv`: convolutions, strides down and four pixels for one up. `dense`: dense layers alone."""
    widths: tuple[int, int] = (24, 40)
    """Channels of the convolutions at half and at a quarter of the picture's side; `dense` has none."""
    hidden: tuple[int, ...] = (128,)
    """Units of the dense layers next to the style: of the encoder, and turned around of the decoder."""
    latent_size: int = 24
    """Length of a style."""
    label_to: Literal["both", "decoder"] = "both"
    """Who is told the character: encoder and decoder, or the decoder alone."""
    likelihood: Literal["bernoulli", "continuous"] = "bernoulli"
    """`bernoulli`: pixels are ink or none, drawn anew by their grey each time; its losses are the nats of the
    literature. `continuous`: grey levels as they are, by the continuous Bernoulli (Loaiza-Ganem & Cunningham 2019); of
    pictures nearly black and white, that drowns the KL divergence."""
    kl_weight: float = 1.0
    """Weight of the KL divergence (beta) in training; 1 is the plain evidence lower bound."""
    kl_warmup: int = 2000
    """Training steps over which that weight rises from zero; 0: none."""
    prior: Literal["normal", "flow"] = "normal"
    """What styles are drawn from: N(0,1) for every character, or a flow learned for each of them."""
    prior_fitted: Literal["with", "after"] = "with"
    """Whether the flow is trained with the model, or after it, which keeps styles alike among characters."""
    couplings: int = 6
    """Affine couplings of the flow."""
    coupling_width: int = 64
    """Hidden units of each coupling."""
    image_size: int = IMAGE_SIZE
    """Side of the picture, in pixels: a multiple of 4; only sd19 and folders come in other sizes than 28."""

    def __post_init__(self):
        _check_choices(self)
        _settle_alphabet(self)
        _check_quartered(self.image_size)
        _require(len(self.widths) == 2, "`widths` must hold two channel counts", widths=self.widths)
        _require(min(self.widths) > 0, "`widths` must be positive", widths=self.widths)
        _require(len(self.hidden) > 0 and min(self.hidden) > 0, "`hidden` must hold one positive count or more",
                 hidden=self.hidden)  # fmt: skip
        _require(self.latent_size >= 2, "`latent_size` must be 2 or more", latent_size=self.latent_size)
        _require(self.kl_weight > 0, "`kl_weight` must be positive", kl_weight=self.kl_weight)
        _require(self.kl_warmup >= 0, "`kl_warmup` must not be negative", kl_warmup=self.kl_warmup)
        for name in ("couplings", "coupling_width"):
            _require(getattr(self, name) > 0, f"`{name}` must be positive", **{name: getattr(self, name)})


@dataclass(frozen=True)
class GANConfig:
    """The generative adversarial network: noise and a character in, that character invented out."""

    alphabet: str = DIGITS
    """Characters it draws, in label order; or a name: digits, upper, lower, letters, alnum, ascii."""
    labelled: bool = True
    """Whether both networks are told the character; if not, the noise alone decides what is drawn."""
    clusters: int = 0
    """If they are not told it: clusters of training pictures that look alike, found by k-means, which both are told
    in its stead (after Liu et al. 2020); the noise's first number decides which is drawn. 0: there are none."""
    noise_size: int = 64
    """Length of the noise, from N(0,1); `noise_widths` may stretch it in use."""
    code_size: int = 128
    """Length of the code made of noise and character, which steers every layer of the generator."""
    sketch_width: int = 24
    """Channels of the sketch at a quarter of the picture's side that the code is laid out as."""
    widths: tuple[int, int] = (64, 32)
    """Channels of the generator's convolutions at a quarter and at half of the picture's side."""
    critic_widths: tuple[int, int, int] = (32, 64, 96)
    """Channels of the discriminator's convolutions at half, a quarter and an eighth of the picture's side."""
    feature_size: int = 128
    """Length of the discriminator's feature vector, which the score is made from."""
    loss: Literal["logistic", "hinge"] = "logistic"
    """`logistic`: cross-entropy of real and generated, in nats, non-saturating. `hinge`: no more than a margin."""
    regulariser: Literal["r1", "spectral", "none"] = "r1"
    """`r1`: the discriminator's slope at real pictures costs, measured by finite differences. `spectral`: none of its
    layers may stretch its input. `none`: neither."""
    penalty: float = 0.03
    """Weight of the squared slope (gamma of R1, halved as usual), pixels being in [0, 1]; for `r1` alone."""
    penalty_reach: float = 0.02
    """Standard deviation of the noise, of pixels in [0, 1], that the slope is measured over."""
    penalty_one_in: int = 4
    """The slope is measured at one in so many real pictures."""
    mismatch: float = 0.0
    """Weight of what the discriminator loses where it takes a written picture for another character, or for one of
    another cluster, summed over all others (after GAN-CLS, Reed et al. 2016): what could be either is then invented
    less; 0: it is not asked."""
    generator_pace: float = 1.0
    """Learning rate of the generator, as a share of the discriminator's."""
    noise_widths: tuple[float, ...] = ()
    """By how much the finished model stretches each character's noise, whatever its `--temperature`; in label order, or
    none: as trained. By more than 1, more of what is drawn is rare and less of it legible; by less, the reverse (the
    truncation trick, Brock et al. 2019). Training, its pictures and the choice of the epoch are without it. A preset's
    were found for its own alphabet."""
    image_size: int = IMAGE_SIZE
    """Side of the picture, in pixels: a multiple of 4; only sd19 and folders come in other sizes than 28."""

    def __post_init__(self):
        _check_choices(self)
        _settle_alphabet(self)
        _check_quartered(self.image_size)
        for name, count in (("widths", 2), ("critic_widths", 3)):
            value = getattr(self, name)
            _require(len(value) == count and min(value) > 0, f"`{name}` must hold {count} positive channel counts",
                     **{name: value})  # fmt: skip
        sizes = ("noise_size", "code_size", "sketch_width", "feature_size")
        for name in (*sizes, "penalty_one_in", "penalty_reach", "generator_pace"):
            _require(getattr(self, name) > 0, f"`{name}` must be positive", **{name: getattr(self, name)})
        _require(self.penalty >= 0, "`penalty` must not be negative", penalty=self.penalty)
        fits = self.clusters == 0 or (self.clusters > 1 and not self.labelled and self.noise_size > 1)
        _require(fits, "`clusters` must be 0, or 2 and more where nobody tells the character and the noise has 2 "
                 "numbers or more", clusters=self.clusters, labelled=self.labelled,
                 noise_size=self.noise_size)  # fmt: skip
        fits = self.mismatch == 0 or (self.mismatch > 0 and self.classes)
        _require(fits, "`mismatch` must be 0, or positive where both networks are told the character or a cluster",
                 mismatch=self.mismatch, labelled=self.labelled, clusters=self.clusters)  # fmt: skip
        fits = not self.noise_widths or (self.labelled and len(self.noise_widths) == len(self.alphabet))
        _require(fits, "`noise_widths` must hold one number for each character, where both networks are told it, or "
                 "none; for none, give --model.noise-widths with no number after it",
                 noise_widths=self.noise_widths, labelled=self.labelled, alphabet=self.alphabet)  # fmt: skip
        fits = all(0 < width < math.inf for width in self.noise_widths)
        _require(fits, "`noise_widths` must be positive and finite", noise_widths=self.noise_widths)

    @property
    def classes(self) -> int:
        """How many classes of pictures both networks are told apart: characters or clusters."""
        return len(self.alphabet) if self.labelled else self.clusters


@dataclass(frozen=True)
class RunConfig:
    """A training run: data in, a trained folder under `modelh5/` out."""

    name: str = "run"
    """Name of the run and of what it makes: logs/NAME, images/NAME, modelh5/NAME."""
    dataset: tuple[str, ...] = ("mnist",)
    """Data sets to train on, joined; `data_processor.py --help` lists them."""
    dataset_share: tuple[float, ...] = ()
    """Share of each data set that an epoch draws, anew every epoch, and that validation is made of; empty: all."""
    cleaned_by: str | None = None
    """Name of a trained reader: pictures to train on and for validation that it cannot take for their character or a
    look-alike are left out, fragments above all; unset: none are."""
    least_likely: float = 0.2
    """Least probability that the reader must give to a picture's own character and its look-alikes together."""
    redrawn: int = 0
    """Times that every training picture whose pen strokes are known, as unipen94's are, is drawn anew from them as
    another hand might have; an epoch takes as many of these, drawn at random, as there are such pictures, beside the
    pictures themselves. Each time takes 63 MB for unipen94, and half a minute at the start. 0: none is."""
    redrawn_signs: int = 1
    """Of every sign, redrawn pictures that an epoch takes, as far as there are so many, where it takes one of every
    digit and letter: signs are the rarer ones among what people wrote."""
    evenness: float = 0.0
    """How far writers of few pictures count as much as writers of many, in each data set that knows its writers: in an
    epoch, pictures of a character come in proportion to (those of it by the same writer) ** -evenness. 0: as they were
    written; 1: as many of each who wrote it. Validation, and a flow fitted `after`, take them as they were written."""
    data_dir: Path | None = None
    """Where the data files are; unset: the environment variable SCRIPTORIUM_DATA, or else data/."""
    epochs: int = 40
    """Passes over the training pictures."""
    batch_size: int = 128
    """Pictures a step, over all devices together."""
    learning_rate: float = 2e-3
    """Peak learning rate of AdamW, after the warm-up."""
    warmup: float = 0.05
    """Share of all steps over which the learning rate rises; a cosine brings it down to zero over the rest."""
    weight_decay: float = 1e-3
    """AdamW's decoupled weight decay."""
    beta_1: float = 0.9
    """AdamW's decay a step of the mean gradient; adversaries, whose aims move, want less of the past."""
    averaging: float = 0.0
    """Decay a step of the running average of the weights, which is what is validated and kept; 0: no averaging."""
    patience: int = 10
    """Epochs without a better validation loss before the run ends."""
    seed: int = 0
    """The one integer that the whole run is a function of."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """Arithmetic of the layers; weights are float32 in any case."""
    limit: int | None = None
    """Use this many training pictures, and as many for validation, for a rehearsal; unset: all."""
    augment: AugmentConfig = AugmentConfig()
    logs_dir: Path = Path("logs")
    """Folder of the TensorBoard logs and of the state an interrupted run goes on from."""
    images_dir: Path = Path("images")
    """Folder of the pictures drawn while training."""
    models_dir: Path = Path("modelh5")
    """Folder of the trained models."""

    def __post_init__(self):
        _check_choices(self)
        _require(0 < self.epochs < 4096, "`epochs` must lie in [1, 4095]", epochs=self.epochs)
        _require(self.batch_size > 0, "`batch_size` must be positive", batch_size=self.batch_size)
        _require(self.learning_rate > 0, "`learning_rate` must be positive", learning_rate=self.learning_rate)
        _require(0 <= self.warmup < 1, "`warmup` must lie in [0, 1)", warmup=self.warmup)
        _require(0 <= self.averaging < 1, "`averaging` must lie in [0, 1)", averaging=self.averaging)
        _require(0 <= self.least_likely <= 1, "`least_likely` must lie in [0, 1]", least_likely=self.least_likely)
        _require(0 <= self.redrawn <= 32, "`redrawn` must lie in [0, 32]", redrawn=self.redrawn)
        _require(self.redrawn_signs > 0, "`redrawn_signs` must be positive", redrawn_signs=self.redrawn_signs)
        _require(0 <= self.evenness <= 1, "`evenness` must lie in [0, 1]", evenness=self.evenness)
        _require(0 <= self.beta_1 < 1, "`beta_1` must lie in [0, 1)", beta_1=self.beta_1)
        _require(self.patience > 0, "`patience` must be positive", patience=self.patience)
        shares_fit = not self.dataset_share or len(self.dataset_share) == len(self.dataset)
        _require(
            shares_fit and all(0 < share <= 1 for share in self.dataset_share),
            "`dataset_share` must hold one share in (0, 1] for each data set",
            dataset_share=self.dataset_share,
        )
        _require(self.limit is None or self.limit > 0, "`limit` must be positive", limit=self.limit)
        _require(0 <= self.seed <= 4_000_000, "`seed` must lie in [0, 4000000]", seed=self.seed)
        _require(self.weight_decay >= 0, "`weight_decay` must not be negative", weight_decay=self.weight_decay)
        safe = self.name and not self.name.startswith(".") and not set(self.name) & set('/\\:*?"<>|')
        _require(bool(safe), "`name` must be usable as a folder name", name=self.name)


@dataclass(frozen=True)
class TranslatorRun(RunConfig):
    """Trains the font translator."""

    model: TranslatorConfig = TranslatorConfig()


@dataclass(frozen=True)
class ClassifierRun(RunConfig):
    """Trains a reader: the recogniser that people use, or the judge that measures other models."""

    model: ClassifierConfig = ClassifierConfig()


@dataclass(frozen=True)
class CVAERun(RunConfig):
    """Trains the conditional VAE."""

    legible: float = 0.0
    """Least probability that the reader of `cleaned_by` must give a picture's own character and its look-alikes
    together, both as the decoder draws it in the picture's style and as a fine pen writes that, for a flow fitted
    `after` to learn the style; at least half of each character's are learned."""
    model: CVAEConfig = CVAEConfig()

    def __post_init__(self):
        super().__post_init__()
        _check_noiseless(self)
        fits = self.cleaned_by and (self.model.prior, self.model.prior_fitted) == ("flow", "after")
        _require(self.legible == 0 or (fits and 0 < self.legible <= 1),
                 "`legible` must be 0, or up to 1 with a reader in `cleaned_by` and a flow fitted `after`; "
                 "set --legible 0",
                 legible=self.legible, cleaned_by=self.cleaned_by, prior=self.model.prior,
                 prior_fitted=self.model.prior_fitted)  # fmt: skip


@dataclass(frozen=True)
class GANRun(RunConfig):
    """Trains a generative adversarial network, conditional or plain."""

    reader: str = "recogniser-digits"
    """Trained recogniser that each epoch's pictures are validated by; without it, their pixels are."""
    rarity: float = 0.0
    """How far it learns from rare styles, which it would pass over, as often as from common ones. 0: as often as people
    write them; 1: all styles of a character equally often. Styles are clusters of a character's pictures; of fewer
    than 100 there is one."""
    model: GANConfig = GANConfig()

    def __post_init__(self):
        super().__post_init__()
        _check_noiseless(self)
        fits = self.rarity == 0 or (0 < self.rarity <= 1 and self.model.labelled)
        _require(fits, "`rarity` must be 0, or up to 1 where both networks are told the character; set --rarity 0",
                 rarity=self.rarity, labelled=self.model.labelled)  # fmt: skip

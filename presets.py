"""What `python train.py NAME` trains: the runs that are worth a name, each with a line that tells what it is."""

from dataclasses import replace

from config import (
    ALNUM,
    ASCII,
    DIGITS,
    AugmentConfig,
    ClassifierConfig,
    ClassifierRun,
    CVAEConfig,
    CVAERun,
    GANConfig,
    GANRun,
    RunConfig,
    TranslatorConfig,
    TranslatorRun,
)

_DIGITS = TranslatorRun(name="translator-digits")
_ASCII = TranslatorRun(
    name="translator-ascii",
    dataset=("mnist", "unipen94"),
    dataset_share=(0.15, 1.0),  # all of MNIST would make digits out of many an O and l
    epochs=26,
    augment=AugmentConfig(share=0.8, zoom=0.2, shear=0.3),
    model=TranslatorConfig(
        alphabet=ASCII,
        widths=(48, 96, 128),
        code_size=128,
        dropout=0.3,
        glyph_weight=0.004,
        label_smoothing=0.05,
    ),
)

_WRITTEN = AugmentConfig(share=0.9, zoom=0.15, shear=0.3, elastic=0.8, stroke=0.5)  # as far as people's hands differ
_DIGIT_READER = ClassifierRun(name="recogniser-digits", epochs=20, averaging=0.998, augment=_WRITTEN)
_ASCII_READER = ClassifierRun(
    name="recogniser-ascii",
    dataset=_ASCII.dataset,
    dataset_share=(0.15, 1.0),  # at 0.05 many of MNIST's digits were read as letters and signs unlike them
    redrawn=4,
    redrawn_signs=4,
    evenness=0.5,
    epochs=12,
    averaging=0.998,
    augment=AugmentConfig(share=0.8, zoom=0.2, shear=0.3, elastic=0.5, stroke=0.4, noise=0.2),
    model=ClassifierConfig(
        alphabet=ASCII, halving="pooling", widths=(32, 64, 128, 128), blur=0.5, dropout=0.4, label_smoothing=0.05
    ),
)
_JUDGE = ClassifierConfig(architecture="lenet", widths=(24, 64), hidden=256, feature_size=84)
_DIGIT_JUDGE = replace(_DIGIT_READER, name="judge-digits", epochs=10, model=_JUDGE)
_ASCII_JUDGE = replace(
    _ASCII_READER,
    name="judge-ascii",
    redrawn=3,
    redrawn_signs=1,
    evenness=0.0,
    epochs=14,
    augment=AugmentConfig(share=0.8, zoom=0.15, shear=0.3, elastic=0.5, stroke=0.3),
    model=replace(_JUDGE, alphabet=ASCII, architecture="pooled", widths=(32, 64, 128), label_smoothing=0.05),
)

_AS_WRITTEN = AugmentConfig(share=0.0)  # for what learns to draw
_DIGIT_WRITER = CVAERun(
    name="cvae-digits",
    epochs=40,
    averaging=0.999,
    weight_decay=1e-4,
    augment=_AS_WRITTEN,
    model=CVAEConfig(prior="flow"),
)
_ASCII_WRITER = replace(
    _DIGIT_WRITER,
    name="cvae-ascii",
    dataset=("unipen94",),
    cleaned_by="recogniser-ascii",
    epochs=26,
    legible=0.8,
    model=CVAEConfig(alphabet=ASCII, latent_size=16, prior="flow", prior_fitted="after"),
)
_DENSE_WRITER = replace(
    _DIGIT_WRITER, name="cvae-dense", model=CVAEConfig(architecture="dense", hidden=(512, 512), latent_size=32)
)
_DECODER_LABEL_WRITER = replace(
    _DIGIT_WRITER, name="cvae-decoder-label", model=replace(_DIGIT_WRITER.model, label_to="decoder")
)
_SD19_WRITER = replace(
    _ASCII_WRITER,
    name="cvae-sd19-64",
    dataset=("sd19",),
    cleaned_by=None,
    legible=0.0,
    model=replace(_ASCII_WRITER.model, alphabet=ALNUM, image_size=64),
)

_INVENTOR = GANRun(
    epochs=28,
    batch_size=64,
    learning_rate=5e-4,
    warmup=0.0,
    averaging=0.999,
    weight_decay=0.0,
    beta_1=0.5,
    patience=20,  # the distance of a GAN rises and falls for long before it settles
    augment=_AS_WRITTEN,
)
_DIGIT_WIDTHS = (1.05, 0.95, *(1.05,) * 8)  # 1 is drawn too widely as it is; from the others, readers learn more so
_DIGIT_INVENTOR = replace(
    _INVENTOR,
    name="cgan-digits",
    epochs=60,
    augment=AugmentConfig(
        share=0.5, rotation=6, shift=0, zoom=0.05, shear=0.1, elastic=0.3, sampling="bicubic"
    ),  # as one hand varies
    rarity=0.75,
    model=GANConfig(mismatch=0.007, critic_widths=(64, 96, 128), noise_widths=_DIGIT_WIDTHS),
)
_PLAIN_INVENTOR = replace(_INVENTOR, name="gan-digits", model=GANConfig(labelled=False, clusters=32))
_ASCII_INVENTOR = replace(
    _INVENTOR,
    name="cgan-ascii",
    dataset=("unipen94",),
    cleaned_by="recogniser-ascii",
    least_likely=0.5,  # it learns to draw what can be read
    epochs=16,
    reader="recogniser-ascii",
    model=GANConfig(alphabet=ASCII, sketch_width=48, widths=(80, 32)),
)

PRESETS: dict[str, tuple[str, RunConfig]] = {
    "translator-digits": ("handwritten digits to type, on MNIST", _DIGITS),
    "translator-ascii": ("all 94 printable ASCII characters to type, on MNIST and unipen94", _ASCII),
    "recogniser-digits": ("handwritten digits read, on MNIST", _DIGIT_READER),
    "recogniser-ascii": ("all 94 printable ASCII characters read, on MNIST and unipen94", _ASCII_READER),
    "judge-digits": ("a reader of digits of another architecture, to measure other models with", _DIGIT_JUDGE),
    "judge-ascii": ("a reader of all 94 characters of another architecture, likewise", _ASCII_JUDGE),
    "cvae-digits": ("digits written in any style, on MNIST", _DIGIT_WRITER),
    "cvae-ascii": ("all 94 printable ASCII characters written in any style, on unipen94", _ASCII_WRITER),
    "cvae-dense": ("digits written by dense layers alone, with N(0,1) for a prior, to compare", _DENSE_WRITER),
    "cvae-decoder-label": ("digits written where the encoder is not told which", _DECODER_LABEL_WRITER),
    "cvae-sd19-64": ("letters and digits of NIST SD19 written in 64x64 pixels", _SD19_WRITER),
    "cgan-digits": ("digits invented, each as asked, on MNIST", _DIGIT_INVENTOR),
    "gan-digits": ("digits invented, whichever the noise makes, on MNIST", _PLAIN_INVENTOR),
    "cgan-ascii": ("all 94 printable ASCII characters invented, each as asked, on unipen94", _ASCII_INVENTOR),
}


def _smoke(run: RunConfig) -> RunConfig:
    """The same in small, to see in seconds that all works."""
    inventor = GANConfig(
        noise_size=8, code_size=16, sketch_width=4, widths=(8, 8), critic_widths=(4, 8, 8), feature_size=16
    )
    digits = run.model.alphabet == DIGITS
    judge = (_DIGIT_JUDGE if digits else _ASCII_JUDGE).model
    reader = (_DIGIT_READER if digits else _ASCII_READER).model
    small = {
        "translator": TranslatorConfig(stem_width=4, widths=(8, 8, 8), code_size=16, typesetter_width=32),
        "recogniser": ClassifierConfig(halving=reader.halving, widths=(4, 8, 8, 8), blur=reader.blur, feature_size=16),
        "judge": replace(judge, widths=(4, 8, 8)[: len(judge.widths)], hidden=16, feature_size=16),
        "cvae": CVAEConfig(widths=(4, 8), hidden=(16,), latent_size=4, couplings=2, coupling_width=8, prior="flow"),
        "cgan": replace(inventor, mismatch=0.005),
        "gan": replace(inventor, labelled=False, clusters=3),
    }[run.name.partition("-")[0]]
    if isinstance(run, CVAERun):
        run = replace(run, legible=0.0)  # it goes by the reader that is left out below
    return replace(
        run,
        name=f"{run.name}-smoke",
        dataset=("digits",) if digits else ("unipen94",),
        dataset_share=(),
        cleaned_by=None,
        redrawn=0,
        epochs=2,
        batch_size=32,
        limit=256,
        model=replace(small, alphabet=run.model.alphabet),
    )


PRESETS |= {
    f"{name}-smoke": ("seconds, in small, on the embedded digits or a few unipen94 characters", _smoke(run))
    for name, (_, run) in PRESETS.items()
    if name not in ("cvae-dense", "cvae-decoder-label", "cvae-sd19-64")  # as small as cvae-digits, the same
}

"""Which source characters shall come from, by name: a trained model of the right kind, or the people of a data set."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from generators import Generator, Writer
from glyph_sources import SAMPLED_SETS, GlyphSource, ModelGlyphs, NoiseGlyphs, RealGlyphs
from inference_tasks import default_model
from invented_glyphs import InventedGlyphs, UntoldGlyphs
from readers import Recogniser
from runtime import card_of, place_of
from shell import UserError

USUAL_MODELS = {"cvae": "cvae-ascii", "cgan": "cgan-ascii", "gan": "gan-digits"}
"""The model that each source which is one stands for, where nothing is known of the text."""
SOURCES = (*USUAL_MODELS, *SAMPLED_SETS)
"""Names of what characters can come from."""


def source_of(model: str, models_dir: Path | None = None) -> str:
    """The source that a trained model is for, as its card tells; `cvae` where there is no card, or one of a reader."""
    card = card_of(model, models_dir)
    return (card and source_of_card(card)) or "cvae"


def source_of_card(card: dict) -> str | None:
    """The source that a model is for, as its card tells; None of a reader's."""
    return {Writer.task: "cvae", Generator.task: "cgan" if card.get("labelled") else "gan"}.get(card["task"])


def usual_model(source: str, text: str) -> str:
    """The shipped model of a source that knows the characters of a text best."""
    return USUAL_MODELS[source] if source == "gan" else default_model(source, text)


def open_source(
    source: str, model: str | None, models_dir: Path | None, temperature: float, data_dir: Path | None
) -> GlyphSource:
    """Opens a source by name.

    Args:
        source: One of `SOURCES`.
        model: Name of a trained model; None: the usual one. Of no matter for a data set.

    Raises:
        UserError: The model is not trained yet, damaged, or of another kind; the data set is missing.
    """
    if source in SAMPLED_SETS:
        return RealGlyphs(source, data_dir)
    model = model or USUAL_MODELS[source]
    if source == "cvae":
        return ModelGlyphs(Writer.open(model, models_dir), temperature)
    generator = Generator.open(model, models_dir)
    if generator.labelled != (source == "cgan"):
        other = source_of_card(generator.card)
        raise UserError(f"model {model!r}: expected one of the source {source!r}, received one of {other!r}; choose "
                        f"--source {other}, or another --model")  # fmt: skip
    return glyphs_of(generator, partial(open_reader, generator.alphabet, models_dir), temperature)


def glyphs_of(model: Writer | Generator, reader: Callable[[], Recogniser], temperature: float) -> NoiseGlyphs:
    """The source that an opened model is.

    Args:
        reader: Gives the recogniser that reads what a model draws which is told nothing.
    """
    if isinstance(model, Writer):
        return ModelGlyphs(model, temperature)
    if model.labelled:
        return InventedGlyphs(model, temperature)
    return UntoldGlyphs(model, reader, temperature)


def open_reader(alphabet: str, models_dir: Path | None = None) -> Recogniser:
    """The recogniser of these characters: of the folder given or, failing that, the shipped one."""
    name = default_model("recogniser", alphabet)
    return Recogniser.open(name, place_of(name, models_dir))

"""The look inside that visualize_model.py gives: what is looked at, and where the picture of it goes."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from activations import Activations, drawing_inputs, label_of, reading_inputs
from drawing import save_frames
from generators import Generator, Writer
from glyph_sources import ModelGlyphs
from inference_tasks import default_model
from layer_figure import Scene, draw_frames, draw_sheet
from picture import to_glyph
from runtime import CARD, TrainedModel
from shell import UserError, written_whole
from trained import open_model

if TYPE_CHECKING:
    from visualize_model import Arguments

SECONDS = 1.2  # of a layer in an animation
LONGEST_NAME = 40  # letters of a picture's name that a title takes


def draw_inside(arguments: "Arguments", output_file: Callable[[Path, str, tuple[str, ...]], Path]) -> None:
    """Draws the layers of a trained model at work, and prints where.

    Args:
        output_file: Where something goes, of `--out`, its name without suffix and the suffixes it may have.

    Raises:
        UserError: The model is missing, damaged or not trained yet; it cannot be asked for what is asked.
    """
    folder = Path(arguments.model)
    if (folder / CARD).is_file():
        model = open_model(folder.resolve().name, folder.resolve().parent)
    else:
        model = open_model(arguments.model, arguments.models_dir)
    path = output_file(arguments.out, f"{model.folder.name}-layers", (".gif",) if arguments.gif else (".png",))
    scene = look_at(model, arguments.character, arguments.image, arguments.seed)
    with written_whole(path) as draft:
        if arguments.gif:
            save_frames(draw_frames(scene), draft, SECONDS * len(scene.layers))
        else:
            draw_sheet(scene).save(draft, compress_level=3)  # half the time of the usual 6
    print(f"wrote {path}: {len(scene.layers)} layers")


def look_at(model: TrainedModel, character: str | None, image: Path | None, seed: int | None) -> Scene:
    """What the layers make of what is asked for.

    Raises:
        UserError: The model does not know the character, takes no picture, or the picture cannot be read.
    """
    draws = isinstance(model, Writer | Generator)
    if draws and image is not None:
        raise UserError(f"--image {image}: {model.card['name']} looks at no picture, it draws; name a --character")
    if draws:
        inputs = drawing_inputs(model, character, seed or 0)
    else:
        inputs = reading_inputs(shown(model, character, image, seed))
    told = "" if character is None else f" {character!r}" if draws else f" a written {character!r}"
    what = f"reads {image.name[:LONGEST_NAME]}" if image else f"{'draws' if draws else 'reads'}{told}, seed {seed or 0}"
    return Scene(Activations(model).of(inputs), model.card["name"], what, model.alphabet)


def shown(model: TrainedModel, character: str | None, image: Path | None, seed: int | None) -> np.ndarray:
    """A glyph uint8 `(S, S)` for a model that reads: of a picture, or a character that the shipped writer draws.

    Raises:
        UserError: Both are given, or neither, or it cannot be had.
    """
    if image is None and character is None:
        raise UserError(f"{model.card['name']} reads: expected --character or --image, received neither; name one")
    if image is None:
        label_of(model, character)
        return written(Writer.open(default_model("cvae", character)), character, seed or 0, model.image_size)
    for name, value in (("character", character), ("seed", seed)):
        if value is not None:
            raise UserError(f"--{name} {value}: expected one thing to look at, received --image {image}, too; leave "
                            f"one out")  # fmt: skip
    return to_glyph(image, model.image_size)


def written(writer: Writer, character: str, seed: int, size: int) -> np.ndarray:
    """A glyph uint8 `(size, size)` of a character, as a model writes the first of a seed.

    Raises:
        UserError: It does not know the character.
    """
    glyph = ModelGlyphs(writer).draw(np.array([label_of(writer, character)], np.int32), seed)[0, ..., 0]
    return np.asarray(Image.fromarray(glyph).resize((size, size), Image.Resampling.LANCZOS))

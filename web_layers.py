"""The look inside that the web page shows: each layer of a model at work, and in a sentence what it does."""

from functools import partial
from typing import Any

import numpy as np

from activations import Layer, drawing_inputs, reading_inputs
from drawing import as_levels
from generators import Writer
from inference_tasks import default_model
from layer_figure import BARS, GAP, ROW, bars_for, draw_layer, draw_maps, grid_for, limit_of
from look_inside import written
from picture import find_glyph
from readers import Recogniser, Translator
from runtime import TrainedModel
from web_api import Asked, named_best
from web_fields import Refusal
from web_pictures import QUICK, data_url, glyph_url

WIDTH = 960  # pixels of a layer's picture at most

SENTENCES = {
    "image given": "The picture as the network sees it: each number is how much ink a pixel has.",
    "image": "The finished picture: each pixel is how much ink the network puts there.",
    "glyph": "The finished glyph in type: each pixel is how much ink the network puts there.",
    "style": "The style that the character is drawn in: a few numbers for slant, width, roundness and the like.",
    "noise": "Random numbers, which decide how the character turns out.",
    "label weights": "Which character to draw: one number for each of the alphabet.",
    "code": "All that the network keeps in mind of its input, in a few numbers that everything after is made of.",
    "features": "What the network keeps of the picture: numbers by which characters can be told apart.",
    "logits": "How much speaks for each character of the alphabet, before it becomes probabilities.",
    "softmax": "Probabilities: what speaks for each character is brought to a sum of 1.",
    "sketch": "A first rough sketch on a coarse grid, many variants of it side by side.",
    "blur": "The picture a little blurred, as the pictures were that the network learned from.",
    "convolved": "Small filters slide over the picture; each draws a map of where its pattern is.",
    "styled": "The code makes some maps stronger and others weaker, so that the style spreads over the picture.",
    "convolution": "Small filters slide over the picture; each draws a map of where it finds its pattern.",
    "dense": "Every number is a weighted sum of all numbers before it.",
    "pooling": "Each map is made smaller: of a few neighbours one number is kept.",
    "sum": "What was found anew is added to what was known before, so that nothing is lost on the way.",
    "input": "What the network is given.",
}
"""What a layer does, by its name or, failing that, its kind."""
OTHER = "The network turns the numbers before into new ones."


def layers(asked: Asked) -> dict:
    """Shows what every layer makes of a character or a picture."""
    model = asked.shelf.open(TrainedModel, asked["model"])
    draws = not isinstance(model, Recogniser | Translator)
    if draws and asked["image"]:
        raise Refusal(422, f"model {asked['model']} looks at no picture, it draws; name a character instead")
    if asked["image"] and asked["character"]:
        raise Refusal(400, "character: expected none beside an image, received both; leave one out")
    seed = None if asked["image"] else asked.seed()
    glyph = None if draws else _shown(asked, model, seed)
    inputs = drawing_inputs(model, asked["character"], seed) if draws else reading_inputs(glyph)
    asked.deadline.check()
    made = asked.shelf.activations(asked["model"]).of(inputs)
    told = [_told(layer, model.alphabet) for layer in made]
    shown = told[0]["image"] if draws else glyph_url(glyph)
    return {"model": asked["model"], "input": shown, "layers": told, "output": _output(model, made, glyph),
            "seed": seed}  # fmt: skip


def _shown(asked: Asked, model: TrainedModel, seed: int | None) -> np.ndarray:
    """The glyph uint8 `(S, S)` that a reader is shown: of the picture, or of a character that a writer writes."""
    if asked["image"]:
        (found,) = asked.seen([asked["image"]], partial(find_glyph, size=model.image_size))
        return found.glyph
    character = asked["character"]
    if character is None:
        raise Refusal(
            400, f"model {asked['model']} reads: expected a character or an image, received neither; name one"
        )
    writer = asked.shelf.open(Writer, asked.shelf.model_for("cvae", character) or default_model("cvae", character))
    return written(writer, character, seed, model.image_size)


def _told(layer: Layer, alphabet: str) -> dict[str, Any]:
    """A layer as the page shows it."""
    if layer.values.ndim == 3:
        picture = draw_maps(layer, WIDTH, ROW)
        factor, columns, rows = grid_for(layer.values.shape, WIDTH, ROW)
        side, gap = factor * layer.values.shape[0], GAP
    else:
        picture = draw_layer(layer, alphabet, WIDTH, BARS)
        (side, columns, rows), gap = bars_for(len(layer.values), WIDTH), 0
    return {
        "name": layer.name,
        "kind": layer.kind,
        "shape": list(layer.values.shape),
        "image": data_url(picture, QUICK),
        "tiles": {"columns": columns, "rows": rows, "side": side, "gap": gap},
        "low": round(float(layer.values.min()), 6),
        "high": round(float(layer.values.max()), 6),
        "full": 1.0 if layer.kind == "picture" else round(limit_of(layer.values), 6),
        "sentence": sentence_for(layer),
    }


def sentence_for(layer: Layer) -> str:
    """What a layer does."""
    number, _, name = layer.name.partition(" ")
    given = f"{name} given" if int(number) == 0 else name
    return next((SENTENCES[key] for key in (given, name, layer.kind) if key in SENTENCES), OTHER)


def _output(model: TrainedModel, made: list[Layer], glyph: np.ndarray | None) -> dict[str, Any]:
    """What comes out: a picture, what was read, or both."""
    output = {}
    if not isinstance(model, Recogniser):
        drawn = next(layer for layer in reversed(made) if layer.kind == "picture")
        output["image"] = glyph_url(as_levels(drawn.values[..., 0]))
    if glyph is not None:
        seen = glyph[None, ..., None]
        reads = isinstance(model, Recogniser)
        probabilities = model.recognise(seen).probabilities if reads else model.translate(seen)[1]
        output["best"] = named_best(probabilities[0], model)
    return output

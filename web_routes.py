"""The table of the API: what each route takes, what it answers, and what makes the answer."""

from collections.abc import Callable
from dataclasses import dataclass

from source_choice import SOURCES
from web_api import MOST_CELLS, Asked, mix, read, sample, typeset, write
from web_fields import SEED, Field, Schema, choice, listed, number, record, text, whole
from web_layers import layers
from web_pictures import PICTURE

MOST_TEXT = 2000  # characters to write
MOST_ALPHABET, MOST_NAME, MOST_WEIGHTS, MOST_SHOWN = 200, 64, 200, 24  # characters; pictures of a hand
HEIGHT = whole(16, 160)  # pixels
SIDE = whole(16, 96)  # pixels of a cell
COLOUR = {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$", "title": "a colour as #1b2a4a"}
NUMBERS = listed(number(-100, 100), 1, 1024)
STYLE = record(
    {"model": text(MOST_NAME), "fingerprint": text(MOST_NAME), "vector": NUMBERS},
    own={"type": "object", "additionalProperties": NUMBERS},
)

IMAGE = Field("image", PICTURE, "A picture as a data URL: PNG, JPEG, WEBP, GIF (its first frame) or BMP.",
              required=True, in_body_only=True)  # fmt: skip
ALPHABET = Field("alphabet", text(MOST_ALPHABET, 1), "What may be read: digits, upper, lower, letters, alnum, ascii, "
                 "or the characters themselves; by default all that the model knows.")  # fmt: skip
SEVERAL = Field("several", {"type": "boolean"}, "Read characters side by side, from left to right, not one.", False)
MODEL = Field(
    "model", text(MOST_NAME, 1), "Name of a trained model; by default the one that knows the characters best."
)
SEED_FIELD = Field("seed", SEED, "Draws the hand and how each character turns out; by default drawn by the server.")
RANDOM = Field("random", whole(1, 400), "Draw so many random characters instead; of the source gan, whichever its "
               "noise makes, and what is told of them is what a recogniser reads.")  # fmt: skip
INK = Field("ink", COLOUR, "Colour of the ink.", "#1b2a4a")
PAPER = Field("paper", COLOUR, "Colour of the paper.", "#ffffff")
CELL = Field("height", SIDE, "Side of a cell in pixels.", 48)


def source_field(default: str) -> Field:
    """Where characters come from."""
    return Field("source", choice(*SOURCES), "Where characters come from: a kind of model, or a data set.", default)


# ------------------------------------------------------------------------------------------------------------- answers

URL = text(1 << 24, title="a PNG as a data URL")
NUMBER, COUNT, FLAG, WORDS = {"type": "number"}, {"type": "integer"}, {"type": "boolean"}, {"type": "string"}
MAYBE_COUNT, MAYBE_WORDS, MAYBE_NUMBER = ({"type": [kind, "null"]} for kind in ("integer", "string", "number"))
BOX = record(dict.fromkeys(("x", "y", "width", "height"), COUNT))
BEST = {"type": "array", "items": record({"character": WORDS, "probability": NUMBER})}
CELLS = {"type": "array", "items": record({"character": WORDS, "row": COUNT, "column": COUNT})}
MADE_BY = {"seed": COUNT, "source": WORDS, "model": MAYBE_WORDS}
GRID = {"image": URL, "cells": CELLS, "cell": COUNT}


def many(**fields: Schema) -> Schema:
    """A list of objects."""
    return {"type": "array", "items": record(fields)}


READ_ANSWER = {
    "text": WORDS, "model": WORDS,
    "characters": many(box=BOX, best=BEST, no_character=MAYBE_WORDS, glyph=URL),
}  # fmt: skip
TYPESET_ANSWER = {
    "characters": many(box=BOX, character=WORDS, typeset=URL, reading=record({"best": BEST, "glyph": URL})),
    "font": WORDS, "fonts": {"type": "array", "items": WORDS}, "model": WORDS,
}  # fmt: skip
WRITE_ANSWER = {
    "image": URL, "width": COUNT, "height": COUNT,
    "boxes": many(character=WORDS, **BOX["properties"], word=COUNT, line=COUNT, page=COUNT),
    "style": {"type": ["object", "null"]}, **MADE_BY,
}  # fmt: skip
TILES = record({"columns": COUNT, "rows": COUNT, "side": COUNT, "gap": COUNT})
LAYERS_ANSWER = {
    "model": WORDS, "input": URL,
    "layers": many(name=WORDS, kind=WORDS, shape={"type": "array", "items": COUNT}, image=URL, tiles=TILES, low=NUMBER,
                   high=NUMBER, full=NUMBER, sentence=WORDS),
    "output": record({}, image=URL, best=BEST), "seed": MAYBE_COUNT,
}  # fmt: skip
ROWS = many(figure=WORDS, value=WORDS, interval=MAYBE_WORDS, count=COUNT, note=WORDS)
MODELS_ANSWER = {
    "models": many(name=WORDS, task=WORDS, alphabet=WORDS, image_size=COUNT, summary=WORDS, told=FLAG,
                   quality=many(section=WORDS, note=WORDS, rows=ROWS), pictures={"type": "array", "items": WORDS},
                   fonts={"type": "array", "items": WORDS},
                   trained=record({"epochs": MAYBE_COUNT, "seconds": MAYBE_NUMBER, "date": MAYBE_WORDS,
                                   "data": MAYBE_WORDS})),
    "sources": many(name=WORDS, usable=FLAG, reason=MAYBE_WORDS, alphabet=WORDS, mixes=FLAG, hands=FLAG, told=FLAG),
}  # fmt: skip
HEALTH_ANSWER = {"status": WORDS, "version": WORDS, "models": {"type": "array", "items": WORDS}}


# -------------------------------------------------------------------------------------------------------------- routes


@dataclass(frozen=True)
class Route:
    """A route of the API."""

    name: str
    """What follows /api/."""
    said: str
    fields: tuple[Field, ...]
    answer: dict[str, Schema]
    make: Callable[[Asked], dict]
    """Makes the answer; the server adds `seconds`."""
    methods: tuple[str, ...] = ("GET", "POST")


ROUTES = (
    Route("read", "Reads the character of a picture, or several side by side; in the text, U+FFFD stands for one that "
          "is no character, and where there is no other, the text is empty.",
          (IMAGE, ALPHABET, SEVERAL, MODEL), READ_ANSWER, read, ("POST",)),
    Route("typeset", "Sets the character of a picture in type, or several side by side.",
          (IMAGE, ALPHABET, SEVERAL, MODEL,
           Field("font", text(MOST_NAME, 1), "One of the model's typefaces; by default the first.")),
          TYPESET_ANSWER, typeset, ("POST",)),
    Route("write", "Writes a text by hand, all of it in one hand, on one page; of text and random it takes one.", (
        Field("text", text(MOST_TEXT, 1), "What to write. The source gan is told no characters, and takes random."),
        Field("skip_unknown", {"type": "boolean"}, "Leave a gap where the model cannot write a character.", False),
        RANDOM, source_field("cvae"), MODEL, SEED_FIELD,
        Field("style", STYLE, "A hand, as an earlier answer told it; by default drawn by the seed."),
        Field("mix_seed", SEED, "Mixes the hand with the one that this seed draws."),
        Field("share", number(0, 1), "Share of that other hand; half of each by default."),
        Field("hand", listed(record({"character": text(1, 1), "image": PICTURE}), 1, MOST_SHOWN),
              "Pictures of a few characters of mine: the hand is theirs.", in_body_only=True),
        Field("height", HEIGHT, "Height of a line's body in pixels.", 48),
        Field("width", whole(32, 4000), "Width of the page in pixels, where lines wrap; by default as needed."),
        Field("align", choice("left", "centre", "right"), "Where lines begin or end.", "left"),
        Field("spacing", listed(number(-160, 1600), 2, 2), "Least and most paper between letters, in pixels."),
        INK, PAPER,
        Field("liveliness", number(0, 1), "Unsteadiness of size, baseline and slant; 0: none.", 0.5),
    ), WRITE_ANSWER, write),
    Route("sample", f"Draws a grid of characters, at most {MOST_CELLS} cells.", (
        source_field("cvae"), MODEL, SEED_FIELD,
        Field("characters", text(100, 1), "Characters to draw, each a row of tries."),
        RANDOM,
        Field("columns", whole(1, 40), "Tries of each, or random characters in a row.", 8), CELL, INK, PAPER,
    ), GRID | MADE_BY, sample, ("GET",)),
    Route("mix", "Draws pictures between several characters.", (
        Field("weights", text(MOST_WEIGHTS, 1), "1+7, or 1*2+7 for twice as much of the 1.", required=True),
        source_field("cgan"), MODEL, SEED_FIELD,
        Field("count", whole(1, 40), "Tries.", 8), CELL, INK, PAPER,
    ), GRID | MADE_BY | {"weights": many(character=WORDS, share=NUMBER)}, mix, ("GET",)),
    Route("layers", "Shows what every layer of a model makes of a character or a picture.", (
        Field("model", text(MOST_NAME, 1), "Name of a trained model.", required=True),
        Field("character", text(1, 1), "The character to draw, or to read as a model writes it."),
        SEED_FIELD,
        Field("image", PICTURE, "A picture to read instead, as a data URL.", in_body_only=True),
    ), LAYERS_ANSWER, layers),
)  # fmt: skip
"""All that models answer."""

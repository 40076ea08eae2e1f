"""What each route of the web server answers: the fields of a request in, a JSON object out. Nothing here knows HTTP."""

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from config import ASCII, characters_of
from generate import MIXTURE_COLUMNS, RANDOM_TEXT
from glyph_grids import set_grid
from glyph_sources import SAMPLED_SETS
from handwriting import SEEDS, HandwritingGenerator, only_page
from inference_figures import in_type
from inference_tasks import default_model, likeliest, why_unlike
from invented_glyphs import UntoldGlyphs
from layout import Layout
from mixture import parse_mixture
from picture import FoundGlyph, find_glyph, find_glyphs
from readers import Recogniser, Translator
from runtime import TrainedModel
from shell import UserError
from signs import has_signs, weighed_by_place
from style import Style
from web_fields import Refusal
from web_guard import Deadline, Limits
from web_models import Shelf
from web_pictures import Seen, data_url, glyph_url, looked_at
from written_page import Page

SIDE_BY_SIDE = 64  # characters of a picture
MOST_CELLS = 1000  # of a grid
UNREAD = "\ufffd"  # in a text, what is no character
OPTION = re.compile(r"--([a-z][a-z-]*)")
EVEN_SHARE = 0.5


class Asked(NamedTuple):
    """A request that was checked."""

    values: Mapping[str, Any]
    shelf: Shelf
    limits: Limits
    deadline: Deadline

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def seen(self, urls: Iterable[str], look: Callable[[Image.Image], Seen]) -> list[Seen]:
        """What `look` finds in the pictures of data URLs."""
        return looked_at(urls, look, self.limits, self.deadline)

    def seed(self) -> int:
        """The seed asked for, or one drawn."""
        return secrets.randbelow(SEEDS) if self["seed"] is None else self["seed"]


def in_a_sentence(error: Exception) -> str:
    """The words of an error, its fields named as the page names them and not as the shell does."""
    return OPTION.sub(lambda found: found[1].replace("-", "_"), " ".join(str(error).split()))


# ------------------------------------------------------------------------------------------------------------- reading


def read(asked: Asked) -> dict:
    """Reads the character of a picture, or several side by side."""
    allowed = _allowed(asked)
    model = asked.shelf.open(Recogniser, asked["model"] or default_model("recogniser", allowed))
    found = _found(asked, model, allowed)
    reading = model.recognise(_stacked(found), allowed)
    probabilities = _placed(reading.probabilities, found, model)
    characters = []
    for k, character in enumerate(found):
        best = named_best(probabilities[k], model, allowed)
        characters.append({"box": _box(character), "best": best, "no_character": why_unlike(model, reading, k),
                           "glyph": glyph_url(character.glyph)})  # fmt: skip
    text = "".join(UNREAD if it["no_character"] else it["best"][0]["character"] for it in characters)
    return {"text": text.strip(UNREAD) and text, "characters": characters, "model": model.card["name"]}


def typeset(asked: Asked) -> dict:
    """Sets the character of a picture in type, or several side by side."""
    allowed = _allowed(asked)
    model = asked.shelf.open(Translator, asked["model"] or default_model("translator", allowed))
    font = model.card["fonts"][model.font_number(asked["font"])]
    found = _found(asked, model, allowed)
    glyphs, probabilities = model.translate(_stacked(found), font, allowed)
    characters = []
    for seen, glyph, row, placed in zip(found, glyphs, probabilities, _placed(probabilities, found, model),
                                        strict=True):  # fmt: skip
        best = named_best(placed, model, allowed)
        character = best[0]["character"]
        if placed.argmax() != row.argmax():  # its place says otherwise: set what it is
            glyph = model.translate(_stacked([seen]), font, character)[0][0]
        characters.append({"box": _box(seen), "character": character, "typeset": data_url(in_type(glyph)),
                           "reading": {"best": best, "glyph": glyph_url(seen.glyph)}})  # fmt: skip
    return {"characters": characters, "font": font, "fonts": model.card["fonts"], "model": model.card["name"]}


def _allowed(asked: Asked) -> str | None:
    return None if asked["alphabet"] is None else characters_of(asked["alphabet"])


def _found(asked: Asked, model: TrainedModel, allowed: str | None) -> list[FoundGlyph]:
    """The characters of the picture, framed as a model takes them."""
    if not asked["several"]:
        return asked.seen([asked["image"]], partial(find_glyph, size=model.image_size))
    signs = has_signs(allowed or model.alphabet)
    (found,) = asked.seen([asked["image"]], partial(find_glyphs, size=model.image_size, signs=signs))
    if len(found) > SIDE_BY_SIDE:
        raise Refusal(422, f"image: expected at most {SIDE_BY_SIDE} characters side by side, received {len(found)}; "
                           f"crop it")  # fmt: skip
    return found


def _placed(probabilities: np.ndarray, found: Sequence[FoundGlyph], model: TrainedModel) -> np.ndarray:
    """Probabilities `(N, K)` once the small signs among the characters are told by their places."""
    placed = probabilities.copy()
    for k, character in enumerate(found):
        if character.place is not None:
            placed[k] = weighed_by_place(probabilities[k], model.alphabet, character.place)
    return placed


def _stacked(found: Sequence[FoundGlyph]) -> np.ndarray:
    return np.stack([character.glyph for character in found])[..., None]


def _box(found: FoundGlyph) -> dict:
    left, top, right, bottom = found.box
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


def named_best(probabilities: np.ndarray, model: TrainedModel, allowed: str | None = None) -> list[dict]:
    """The likeliest characters of those allowed, of probabilities `(K,)`, the likeliest first."""
    labels = np.flatnonzero(model.log_prior(allowed)[0] == 0)
    best = likeliest(probabilities, labels, model.alphabet)
    return [{"character": character, "probability": probability} for character, probability in best]


# ------------------------------------------------------------------------------------------------------------- writing


def write(asked: Asked) -> dict:
    """Writes a text, or random characters, in one hand, on one page."""
    one_of(asked, "text", "random")
    seed, layout = asked.seed(), _layout(asked)
    generator = asked.shelf.generator(asked["source"], ASCII, seed, _writer_for(asked))
    style = _style(asked, generator, seed)
    page = _page(asked, generator, style, layout, seed)
    asked.deadline.check()
    height, width = page.ink.shape
    boxes = [box._asdict() for box in page.boxes]
    return {"image": data_url(page.picture()), "width": width, "height": height, "boxes": boxes,
            "style": style and style.as_json(), "seed": seed, "source": asked["source"],
            "model": _model_name(asked, generator)}  # fmt: skip


def one_of(asked: Asked, first: str, second: str) -> None:
    """Refuses a request with both of two fields, or none."""
    if (asked[first] is None) == (asked[second] is None):
        raise Refusal(400, f"{first}: expected it or {second}, received {'none' if asked[first] is None else 'both'}; "
                           f"send one of them")  # fmt: skip


def _page(asked: Asked, generator: HandwritingGenerator, style: Style | None, layout: Layout, seed: int) -> Page:
    if asked["random"] is None:
        return generator.write(asked["text"], style, layout, asked["skip_unknown"])
    if isinstance(generator.source, UntoldGlyphs):
        return only_page(generator.invent_pages(asked["random"], layout), "random: expected as many as fit a page")
    return generator.write("".join(_drawn_by(seed, generator, asked["random"])), style, layout)


def _drawn_by(seed: int, generator: HandwritingGenerator, count: int) -> list[str]:
    """Characters that nobody chose."""
    return np.random.default_rng([seed, RANDOM_TEXT]).choice(list(generator.alphabet), count).tolist()


def _writer_for(asked: Asked) -> str | None:
    """The model asked for, or that of the style; None: the usual one."""
    told = asked["style"]["model"] if asked["style"] else None
    return asked["model"] or (told if told in asked.shelf.found() else None)


def _model_name(asked: Asked, generator: HandwritingGenerator) -> str | None:
    return None if asked["source"] in SAMPLED_SETS else generator.source.name


def _style(asked: Asked, generator: HandwritingGenerator, seed: int) -> Style | None:
    """The hand: shown, told, or drawn by the seed; and then mixed with another. None: the source knows no styles."""
    if asked["hand"] and asked["style"]:
        raise Refusal(400, "style: expected none beside a hand, received both; leave one out")
    has_styles = asked["source"] not in SAMPLED_SETS and not isinstance(generator.source, UntoldGlyphs)
    if not has_styles and (asked["hand"] or asked["style"] or asked["mix_seed"] is not None):
        generator.model  # tells why there are none
    if not has_styles:
        return None
    if asked["hand"]:
        style = _own_style(asked, generator)
    else:
        style = Style.from_json(asked["style"]) if asked["style"] else generator.style(seed)
    generator.check_style(style)
    if asked["mix_seed"] is None:
        return style
    return style.mix(generator.style(asked["mix_seed"]), EVEN_SHARE if asked["share"] is None else asked["share"])


def _own_style(asked: Asked, generator: HandwritingGenerator) -> Style:
    """The hand of the characters that somebody drew."""
    size, characters = generator.cvae.image_size, "".join(item["character"] for item in asked["hand"])
    generator.labels_of(characters)  # before pictures are read
    found = asked.seen((item["image"] for item in asked["hand"]), partial(find_glyph, size=size))
    return generator.style_of(_stacked(found), characters)


def _layout(asked: Asked) -> Layout:
    """How the page is laid out."""
    given = {name: asked[name] for name in ("height", "width", "align", "ink", "paper")}
    spacing = asked["spacing"] and tuple(asked["spacing"])
    try:
        return Layout(**given, spacing=spacing, jitter=2 * asked["liveliness"])  # 0.5 is as people write
    except ValueError as error:
        raise Refusal(400, in_a_sentence(error)) from None


# ---------------------------------------------------------------------------------------------------------- generating


def sample(asked: Asked) -> dict:
    """Draws a grid of characters: each of some in a row of tries, or random ones."""
    seed, columns, wanted, count = asked.seed(), asked["columns"], asked["characters"], asked["random"]
    one_of(asked, "characters", "random")
    generator = asked.shelf.generator(asked["source"], wanted or ASCII, seed, asked["model"])
    if wanted is not None:
        names = [character for character in dict.fromkeys("".join(wanted.split())) for _ in range(columns)]
        if not names:
            raise Refusal(422, "characters: expected at least one to draw, received blanks; name some")
        if len(names) > MOST_CELLS:
            raise Refusal(422, f"characters: expected at most {MOST_CELLS} cells, received {len(names)}; ask for fewer")
        glyphs = generator.sample("".join(names))
    else:
        names, glyphs = _random(generator, count, seed)
    asked.deadline.check()
    return _grid(asked, glyphs, names, columns) | {"seed": seed, "source": asked["source"],
                                                   "model": _model_name(asked, generator)}  # fmt: skip


def _random(generator: HandwritingGenerator, count: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Characters that nobody chose, and their glyphs."""
    source = generator.source
    if isinstance(source, UntoldGlyphs):
        return list(source.read(count, seed)), source.draw(np.zeros(count, np.int32), seed)
    names = _drawn_by(seed, generator, count)
    return names, generator.sample("".join(names))


def mix(asked: Asked) -> dict:
    """Draws pictures between several characters."""
    seed, count = asked.seed(), asked["count"]
    try:
        shares = parse_mixture(asked["weights"])
    except UserError as error:
        raise Refusal(400, in_a_sentence(error)) from None
    generator = asked.shelf.generator(asked["source"], "".join(shares), seed, asked["model"])
    glyphs = generator.mix(shares, count)
    told = [{"character": character, "share": round(share, 6)} for character, share in shares.items()]
    grid = _grid(asked, glyphs, [asked["weights"]] * count, min(count, MIXTURE_COLUMNS))
    return grid | {"weights": told, "seed": seed, "source": asked["source"], "model": generator.source.name}


def _grid(asked: Asked, glyphs: np.ndarray, names: Sequence[str], columns: int) -> dict:
    """Glyphs uint8 `(N, S, S, 1)` in rows, and where each is."""
    layout = Layout(height=asked["height"], ink=asked["ink"], paper=asked["paper"])
    page: Page = set_grid(glyphs[..., 0], names, columns, layout)
    places = [divmod(k, columns) for k in range(len(names))]
    cells = [{"character": name, "row": row, "column": column}
             for name, (row, column) in zip(names, places, strict=True)]  # fmt: skip
    return {"image": data_url(page.picture()), "cells": cells, "cell": layout.height}

"""The figures of inference.py: what was given, what the model saw, what it made of it. NumPy and Pillow only."""

import textwrap
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from drawing import as_levels, caption_font, enlarge
from picture import FoundGlyph, stretched

PANEL, BARS, GAP, CAPTION = 168, 288, 16, 34  # pixels: a panel's side, the width of one of bars, gaps, caption lines
TOP = 5  # characters that a reading names at most
PAGE, PAPER, RULE, INK = (248, 248, 246), (255, 255, 255), (200, 200, 198), (40, 40, 40)
FRAME = (220, 60, 40)  # round the character taken
TRACK, OTHERS, FADED = (238, 238, 236), (168, 168, 166), (206, 206, 204)  # 100 % of a bar; those not read; refused
OTHERS_TEXT, FADED_TEXT = (110, 110, 108), (160, 160, 158)
BARS_LEFT, BARS_RIGHT = 44, BARS - 76  # pixels in their panel
REASON_SIZE, REASON_LINE, REASON_LETTERS = 11, 15, 43  # pixels of a letter and of a line, letters a line


def preview(picture: Image.Image, found: FoundGlyph | None) -> Image.Image:
    """The picture as given, fitted to a panel; where it holds several characters, the one taken is framed."""
    shown = picture.convert("RGBA") if "A" in picture.getbands() or "transparency" in picture.info else picture
    shown = flatten(shown)
    panel = ImageOps.contain(
        shown, (PANEL, PANEL), Image.Resampling.BOX if max(shown.size) > PANEL else Image.Resampling.NEAREST
    )
    if found and found.characters > 1:
        scale = panel.width / found.picture_size[0]
        ImageDraw.Draw(panel).rectangle([scale * edge for edge in found.box], outline=FRAME, width=2)
    return panel


def flatten(picture: Image.Image) -> Image.Image:
    """RGB of any mode: 16-bit and float pictures stretched over their range, see-through ones on light grey."""
    if picture.mode == "RGBA":
        backed = Image.new("RGBA", picture.size, (235, 235, 235, 255))
        return Image.alpha_composite(backed, picture).convert("RGB")
    if picture.mode[0] in "IF":
        levels = stretched(np.asarray(picture, np.float32))
        return Image.fromarray((255 * levels).astype(np.uint8)).convert("RGB")
    return picture.convert("RGB")


def draw_typeset(given: Image.Image, seen: np.ndarray, typeset: np.ndarray, captions: Sequence[str]) -> Image.Image:
    """Draws, side by side, what was given, what the model saw, and the character in type, black on white.

    Args:
        given: A `preview`.
        seen: uint8 `(S, S)`, white ink on black.
        typeset: float32 `(S, S, 1)` in [0, 1], 1 is ink.
        captions: Of the three.
    """
    return lay_out([given, enlarged(seen), in_type(typeset)], captions)


def in_type(typeset: np.ndarray) -> Image.Image:
    """A typeset glyph float32 `(S, S, 1)` in [0, 1] as a panel, smooth, black on white."""
    ink = Image.fromarray(as_levels(1 - typeset[..., 0]))
    return ink.resize((PANEL, PANEL), Image.Resampling.BICUBIC)


def draw_reading(
    given: Image.Image, seen: np.ndarray, top: Sequence[tuple[str, float]], reason: str | None
) -> Image.Image:
    """Draws, side by side, what was given, what the model saw, and how probable it holds the likeliest characters.

    Args:
        given: A `preview`.
        seen: uint8 `(S, S)`, white ink on black.
        top: Characters and their probabilities, the likeliest first.
        reason: Why it is no character; `None`: it is one.
    """
    said = "no character" if reason else f"read as  {top[0][0]}   {100 * top[0][1]:.1f} %"
    return lay_out([given, enlarged(seen), draw_bars(top, reason)], ["given", "as the model saw it", said])


def draw_restored(given: Image.Image, seen: np.ndarray, drawn: np.ndarray, captions: Sequence[str]) -> Image.Image:
    """Draws, side by side, what was given, what the model saw, and the character drawn anew, pixel by pixel.

    Args:
        given: A `preview`.
        seen: uint8 `(S, S)`, white ink on black.
        drawn: float32 `(S, S, 1)` in [0, 1], 1 is ink.
        captions: Of the three.
    """
    return lay_out([given, enlarged(seen), enlarged(as_levels(drawn)[..., 0])], captions)


def draw_bars(top: Sequence[tuple[str, float]], reason: str | None) -> Image.Image:
    """A panel of horizontal bars, up to 100 %; where a reason says why nothing was read, they fade below it."""
    panel = Image.new("RGB", (BARS, PANEL), PAPER)
    pen, start = ImageDraw.Draw(panel), GAP / 2
    for number, line in enumerate(textwrap.wrap(reason or "", REASON_LETTERS), start=1):
        pen.text((GAP, number * REASON_LINE), line, fill=INK, font=caption_font(REASON_SIZE), anchor="lm")
        start = (number + 1) * REASON_LINE
    pitch = (PANEL - start - GAP / 2) / TOP
    for row, (character, probability) in enumerate(top):
        middle, half = start + (row + 0.5) * pitch, pitch / 5
        bar, text = (FADED, FADED_TEXT) if reason else (OTHERS, OTHERS_TEXT) if row else (INK, INK)
        end = BARS_LEFT + probability * (BARS_RIGHT - BARS_LEFT)
        pen.rectangle([BARS_LEFT, middle - half, BARS_RIGHT, middle + half], fill=TRACK)
        if end >= BARS_LEFT + 0.5:
            pen.rectangle([BARS_LEFT, middle - half, end, middle + half], fill=bar)
        pen.text((28, middle), character, fill=text, font=caption_font(round(0.55 * pitch)), anchor="mm")
        share = f"{100 * probability:.1f} %"
        pen.text((BARS - GAP, middle), share, fill=text, font=caption_font(12), anchor="rm")
    return panel


def enlarged(seen: np.ndarray) -> Image.Image:
    """A glyph uint8 `(S, S)` as a panel."""
    if len(seen) <= PANEL:
        return enlarge(seen, PANEL // len(seen))
    return Image.fromarray(seen).resize((PANEL, PANEL), Image.Resampling.BOX)


def lay_out(panels: Sequence[Image.Image], captions: Sequence[str]) -> Image.Image:
    """Panels side by side, the first centred in a square, with a caption below each."""
    widths = [PANEL, *(panel.width for panel in panels[1:])]
    figure = Image.new("RGB", (sum(widths) + GAP * (len(panels) + 1), PANEL + 2 * GAP + CAPTION), PAGE)
    pen, left = ImageDraw.Draw(figure), GAP
    for panel, width, caption in zip(panels, widths, captions, strict=True):
        figure.paste(panel, (left + (width - panel.width) // 2, GAP + (PANEL - panel.height) // 2))
        pen.rectangle([left - 1, GAP - 1, left + width, GAP + PANEL], outline=RULE)
        middle = (left + width // 2, GAP + PANEL + CAPTION // 2)
        pen.text(middle, caption, fill=INK, font=caption_font(14), anchor="mm")
        left += width + GAP
    return figure

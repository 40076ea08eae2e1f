"""What a model's layers make of one input, drawn: all of them on a sheet, or one after the other. Pillow only.

Colours tell values: dark is 0, warm is above and cool below; each layer is drawn by a range of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from activations import Layer
from drawing import caption_font, tile

PAGE, TEXT, FAINT = (15, 18, 24), (236, 239, 244), (132, 142, 158)
COOL = [(214, 244, 255), (86, 184, 236), (38, 98, 172)]  # from the lowest value up to 0
WARM = [(176, 62, 44), (244, 142, 58), (255, 238, 190)]  # from 0 up to the highest
ZERO = (27, 31, 41)
LEVELS = 255  # of colour; the middle one is 0
MARGIN, GAP = 40, 4  # pixels
LABELS, ROW, BARS = 270, 240, 112  # pixels of the sheet: width of the captions, most height of maps, and of bars
PANEL = 1440  # pixels: width of a layer on the sheet
FRAME, FRAME_HEAD, FRAME_FOOT = (960, 720), 128, 104  # pixels of the animation: its size, title, and where we are
THUMBNAIL = 56  # pixels of a layer in the row that tells where we are
WIDEST_BAR = 56  # pixels
CLIPPED = 99.5  # percentile of a layer's absolute values that has full colour: few outliers shall not darken the rest


@dataclass(frozen=True)
class Scene:
    """What is drawn."""

    layers: Sequence[Layer]
    title: str
    """The model's name."""
    subtitle: str
    """What it did."""
    alphabet: str
    """In label order: what the values of a layer as long are about, where it speaks of labels."""


def draw_sheet(scene: Scene) -> Image.Image:
    """All layers below each other, the captions at their left."""
    panels = [draw_layer(layer, scene.alphabet, PANEL, BARS if layer.values.ndim == 1 else ROW)
              for layer in scene.layers]  # fmt: skip
    heights = [max(panel.height, 84) + 28 for panel in panels]
    top = MARGIN + 84
    sheet = Image.new("RGB", (2 * MARGIN + LABELS + PANEL, top + sum(heights) + MARGIN - 28), PAGE)
    pen = ImageDraw.Draw(sheet)
    _draw_title(pen, scene, (MARGIN, MARGIN))
    _draw_legend(sheet, pen, sheet.width - MARGIN, MARGIN)
    for layer, panel, height in zip(scene.layers, panels, heights, strict=True):
        _draw_caption(pen, layer, (MARGIN, top))
        sheet.paste(panel, (MARGIN + LABELS, top))
        top += height
    return sheet


def draw_frames(scene: Scene) -> list[Image.Image]:
    """The layers one after the other, as large as they fit, with a row of all below that tells where we are."""
    pitch = (FRAME[0] - 2 * MARGIN) // len(scene.layers)
    side = min(THUMBNAIL, pitch - 2 * GAP)
    template = Image.new("RGB", FRAME, PAGE)
    ImageDraw.Draw(template).text((MARGIN, 28), f"{scene.title}  {scene.subtitle}", FAINT, caption_font(18))
    corners = [(MARGIN + number * pitch, FRAME[1] - MARGIN - side) for number in range(len(scene.layers))]
    for layer, corner in zip(scene.layers, corners, strict=True):
        template.paste(_thumbnail(layer, side), corner)
    frames = []
    for layer, (left, top) in zip(scene.layers, corners, strict=True):
        frame = template.copy()
        _draw_large(frame, layer, scene.alphabet)
        outline = [left - GAP, top - GAP, left + side + GAP - 1, top + side + GAP - 1]
        ImageDraw.Draw(frame).rectangle(outline, outline=WARM[1], width=2)
        frames.append(frame)
    return frames


def _draw_large(frame: Image.Image, layer: Layer, alphabet: str) -> None:
    """A layer in the middle of a frame, its caption above."""
    pen = ImageDraw.Draw(frame)
    pen.text((MARGIN, 60), layer.name, TEXT, caption_font(34, bold=True))
    pen.text((FRAME[0] - MARGIN, 94), "    ".join(_facts(layer)), FAINT, caption_font(20), anchor="rs")
    height = FRAME[1] - FRAME_HEAD - FRAME_FOOT - MARGIN
    panel = draw_layer(layer, alphabet, FRAME[0] - 2 * MARGIN, height)
    frame.paste(panel, ((FRAME[0] - panel.width) // 2, FRAME_HEAD + (height - panel.height) // 2))


def draw_layer(layer: Layer, alphabet: str, width: int, height: int) -> Image.Image:
    """A layer in a space: its channels as tiles, or its values as bars."""
    if layer.values.ndim == 3:
        return draw_maps(layer, width, height).convert("RGB")
    return _draw_bars(layer.values, width, height, alphabet if _is_about_labels(layer, alphabet) else "")


def _is_about_labels(layer: Layer, alphabet: str) -> bool:
    named = layer.name.partition(" ")[2] in ("logits", "softmax", "label weights")
    return named and len(layer.values) == len(alphabet)


def draw_maps(layer: Layer, width: int, height: int) -> Image.Image:
    """Channels `(H, W, C)` side by side, `GAP` pixels between them, laid out by `grid_for`; it has a palette."""
    factor, columns, rows = grid_for(layer.values.shape, width, height)
    levels = _levels(layer).transpose(2, 0, 1)[: rows * columns]  # (C, H, W)
    levels = levels.repeat(factor, axis=1).repeat(factor, axis=2)
    blank = np.full((rows * columns - len(levels), *levels.shape[1:]), LEVELS, np.uint8)
    cells = np.concatenate([levels, blank]).reshape(rows, columns, *levels.shape[1:], 1)
    return _coloured(tile(cells, GAP, LEVELS)[GAP:-GAP, GAP:-GAP], layer.kind)


def grid_for(shape: tuple[int, int, int], width: int, height: int) -> tuple[int, int, int]:
    """How channels `(H, W, C)` are laid out in a space, all of them if they fit at all.

    Returns:
        Pixels a value's side, the most whole ones with which all fit; columns; rows.
    """
    high, wide, channels = shape
    for factor in range(max(1, min((height + GAP) // high, width // wide)), 0, -1):
        columns = min(channels, max(1, (width + GAP) // (factor * wide + GAP)))
        rows = -(-channels // columns)
        columns = min(columns, -(-channels // rows))  # rows as even as can be
        if rows * (factor * high + GAP) <= height + GAP:
            break
    return factor, columns, min(rows, max(1, (height + GAP) // (factor * high + GAP)))


def limit_of(values: np.ndarray) -> float:
    """The absolute value that gets full colour; 1 where all values are 0."""
    return float(np.percentile(np.abs(values), CLIPPED) or np.abs(values).max() or 1)


def _levels(layer: Layer) -> np.ndarray:
    """Colours uint8 `(H, W, C)` of values, 0 to `LEVELS` - 1."""
    if layer.kind == "picture":
        return np.round((LEVELS - 1) * np.clip(layer.values, 0, 1)).astype(np.uint8)
    share = np.clip(layer.values / limit_of(layer.values), -1, 1)
    return np.round((LEVELS - 1) * (share + 1) / 2).astype(np.uint8)


def _coloured(levels: np.ndarray, kind: str) -> Image.Image:
    """Levels uint8 `(H, W)` of a kind of layer with their palette; the page's colour where they are `LEVELS`."""
    stops = np.array([(0, 0, 0), (255, 255, 255)] if kind == "picture" else [*COOL, ZERO, *WARM], float)
    places = np.linspace(0, len(stops) - 1, LEVELS)
    colours = [np.interp(places, np.arange(len(stops)), channel) for channel in stops.T]
    palette = np.vstack([np.stack(colours, axis=1).round(), PAGE]).astype(np.uint8)
    picture = Image.fromarray(levels)
    picture.putpalette(palette.tobytes())
    return picture


def bars_for(count: int, width: int) -> tuple[int, int, int]:
    """How bars are laid out in a width: pixels from one to the next, columns, rows."""
    pitch = min(WIDEST_BAR, max(3, width // count))
    columns = min(count, width // pitch)
    return pitch, columns, -(-count // columns)


def _draw_bars(values: np.ndarray, width: int, height: int, names: str) -> Image.Image:
    """Values `(C,)` as bars from 0, above it or below, in rows where there are many; below each its name, if any."""
    pitch, columns, rows = bars_for(len(values), width)
    below = min(pitch + 6, 24) if names else 0
    panel = Image.new("RGB", (columns * pitch, height), PAGE)
    pen, space = ImageDraw.Draw(panel), height // rows
    lowest, highest = min(0.0, float(values.min())), max(0.0, float(values.max()))
    unit = (space - below - 2 * GAP) / ((highest - lowest) or 1)
    for row in range(rows):
        zero = row * space + GAP + unit * highest
        part = values[row * columns :][:columns]
        pen.line([0, zero, pitch * len(part), zero], fill=FAINT)
        for column in np.flatnonzero(part).tolist():
            left, ends = column * pitch, sorted((zero, zero - unit * float(part[column])))
            pen.rectangle([left, ends[0], left + pitch - 2, ends[1]], fill=WARM[1] if part[column] > 0 else COOL[1])
    for number, name in enumerate(names):
        fill = TEXT if number == values.argmax() else FAINT
        place = (number * pitch + pitch // 2, height - below // 2)
        pen.text(place, name, fill, caption_font(min(18, pitch), bold=fill == TEXT), anchor="mm")
    return panel


def _thumbnail(layer: Layer, side: int) -> Image.Image:
    """The channel that varies most, or the first few values, in a square."""
    values = layer.values
    if values.ndim == 1:
        return _draw_bars(values[: max(1, side // 4)], side, side, "")
    strongest = layer._replace(values=values[..., [values.std(axis=(0, 1)).argmax()]])
    thumbnail = Image.new("RGB", (side, side), PAGE)
    channel = draw_maps(strongest, side, side)
    thumbnail.paste(channel, ((side - channel.width) // 2, (side - channel.height) // 2))
    return thumbnail


def _facts(layer: Layer) -> list[str]:
    """Shape, and how values became colours or bars."""
    shape = " x ".join(map(str, layer.values.shape))
    if layer.kind == "picture":
        return [shape]
    if layer.values.ndim == 1:
        return [shape, f"{layer.values.min():.3g} to {layer.values.max():.3g}"]
    return [shape, f"full colour at {limit_of(layer.values):.3g}"]


def _draw_title(pen: ImageDraw.ImageDraw, scene: Scene, place: tuple[int, int]) -> None:
    font = caption_font(34, bold=True)
    pen.text(place, scene.title, TEXT, font)
    pen.text((place[0] + font.getlength(scene.title + "  "), place[1]), scene.subtitle, FAINT, caption_font(34))


def _draw_caption(pen: ImageDraw.ImageDraw, layer: Layer, place: tuple[int, int]) -> None:
    left, top = place
    pen.text((left, top), layer.name, TEXT, caption_font(22, bold=True))
    for number, fact in enumerate(_facts(layer)):
        pen.text((left, top + 32 + 24 * number), fact, FAINT, caption_font(17))


def _draw_legend(sheet: Image.Image, pen: ImageDraw.ImageDraw, right: int, top: int) -> None:
    """What colours mean, in the upper right corner."""
    left, ramp = right - LEVELS, np.arange(LEVELS, dtype=np.uint8)
    sheet.paste(_coloured(ramp[None].repeat(14, axis=0), ""), (left, top + 6))
    for share, words, anchor in ((0, "below 0", "lt"), (0.5, "0", "mt"), (1, "above 0", "rt")):
        pen.text((left + share * LEVELS, top + 26), words, FAINT, caption_font(14), anchor=anchor)

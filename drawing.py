"""Grids of glyphs, grey levels, captions, animations: Pillow only, so that it costs a user no start-up time."""

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageFont

GAP_GREY = 48  # 0 to 255; told apart from paper and from ink


def as_levels(drawn: np.ndarray) -> np.ndarray:
    """Grey levels uint8 of ink in [0, 1]: ink is white."""
    return np.round(255 * drawn).astype(np.uint8)


def tile(glyphs: np.ndarray, gap: int = 2, grey: int = GAP_GREY) -> np.ndarray:
    """Lays glyphs out as one picture.

    Args:
        glyphs: uint8 `(rows, columns, H, W, 1)`.
        gap: Pixels between and around them. grey: Colour of the gaps, 0 to 255.

    Returns:
        uint8 `(rows * (H + gap) + gap, columns * (W + gap) + gap)`.
    """
    rows, columns, height, width, _ = glyphs.shape
    cells = np.pad(glyphs[..., 0], ((0, 0), (0, 0), (gap, 0), (gap, 0)), constant_values=grey)
    sheet = cells.swapaxes(1, 2).reshape(rows * (height + gap), columns * (width + gap))
    return np.pad(sheet, ((0, gap), (0, gap)), constant_values=grey)


def matplotlib_fonts() -> Path:
    """The folder of the fonts that matplotlib ships, found without importing it (0.4 s)."""
    folder = Path(importlib.util.find_spec("matplotlib").submodule_search_locations[0])
    return folder / "mpl-data" / "fonts" / "ttf"


@cache
def caption_font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib ships it; `size` in pixels."""
    return ImageFont.truetype(matplotlib_fonts() / f"DejaVuSans{'-Bold' * bold}.ttf", size)


def enlarge(picture: np.ndarray, factor: int) -> Image.Image:
    """A grey picture uint8 `(H, W)` with every pixel a crisp square of `factor` pixels a side."""
    return Image.fromarray(np.kron(picture, np.ones((factor, factor), np.uint8)))


def save_animation(frames: Sequence[Path], path: Path, seconds: float = 6.0) -> None:
    """Joins pictures of one size into a GIF that lasts about `seconds`, holds its last frame and repeats for ever."""
    save_frames([Image.open(frame).convert("L") for frame in frames], path, seconds)


def save_frames(pictures: Sequence[Image.Image], path: Path, seconds: float) -> None:
    """The same of pictures in memory, which may have colours."""
    step = max(40, int(1000 * seconds / len(pictures)))  # viewers slow anything faster than 25 frames a second down
    durations = [step] * (len(pictures) - 1) + [2000]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=True)

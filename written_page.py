"""A written page: its ink, and where each character's is; as a picture in a file or on the screen, and as JSON."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from shell import written_whole

COMPRESSION = 3  # of zlib, 0 to 9: its usual 6 takes thrice the time to save a ninth of the space


class Box(NamedTuple):
    """Where a character's ink is, in pixels of its page."""

    character: str
    x: int
    """Of the left edge."""
    y: int
    """Of the upper edge."""
    width: int
    height: int
    word: int
    """Which word of the text it is in, from 0."""
    line: int
    """Which written line of the text, from 0; blank lines count."""
    page: int
    """Which page, from 0."""


@dataclass(frozen=True, eq=False)
class Page:
    """A written page."""

    ink: np.ndarray
    """uint8 (H, W), how much each pixel has; 0 is none."""
    palette: np.ndarray
    """uint8 (256, 3), the colour of each amount."""
    boxes: tuple[Box, ...]
    """One a character drawn, in the order of the text."""

    @cached_property
    def image(self) -> np.ndarray:
        """The picture in colour, uint8 (H, W, 3); made when it is first asked for."""
        return np.take(self.palette, self.ink, axis=0)

    def save_png(self, path: Path | str) -> None:
        """Writes the picture, exactly its pixels, with a palette: faster and smaller than three colours each."""
        with written_whole(Path(path)) as draft:
            self.picture().save(draft, format="PNG", compress_level=COMPRESSION)

    def show(self) -> None:
        """Opens the picture in the system's viewer."""
        self.picture().show()

    def picture(self) -> Image.Image:
        """The picture with a palette."""
        picture = Image.fromarray(self.ink)
        picture.putpalette(self.palette.tobytes())
        return picture

    def to_json(self) -> str:
        """The page's size and its boxes, one a line."""
        height, width = self.ink.shape
        boxes = ",\n".join(f"  {json.dumps(box._asdict())}" for box in self.boxes)
        return f'{{"width": {width}, "height": {height}, "boxes": [\n{boxes}\n]}}\n'

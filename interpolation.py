"""The task `interpolate` of inference.py: the way from one character to another as frames, a strip and a GIF."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from config import DIGITS, LOWER
from drawing import as_levels, enlarge, save_animation, tile
from inference_figures import enlarged
from inference_tasks import FIGURES, Opened, open_writer, stacked
from picture import find_glyph
from restoration import MOST_STEPS, interpolate, most_likely_labels
from shell import UserError, written_whole

if TYPE_CHECKING:
    from inference import Arguments

STEPS = 12
COLUMNS = 20  # of the strip, before it goes on in another row
ZOOM = 4  # pixels of the strip for one of a frame
STRIP, ANIMATION = "strip.png", "interpolation.gif"
OURS = re.compile(  # what a folder written here holds, and what desktops put there
    rf"frame-\d{{3,}}\.png|{re.escape(STRIP)}|{re.escape(ANIMATION)}|\.DS_Store|Thumbs\.db|desktop\.ini"
)
FRAME_SECONDS, SHORTEST = 0.12, 1.5  # of the GIF: a frame, and all of it


class End(NamedTuple):
    """Where the way begins, or ends."""

    name: str  # fit for a file
    style: np.ndarray  # float32 (Z,)
    label: int


class Interpolation:
    """The task `interpolate`. Mistakes in its arguments are told here, before any picture is opened."""

    name = "interpolate"
    find = staticmethod(find_glyph)

    def __init__(self, arguments: "Arguments", allowed: str | None):
        self.told, self.allowed = arguments.character, allowed
        self.steps = STEPS if arguments.steps is None else arguments.steps
        self.seed, self.out = arguments.seed or 0, arguments.out or FIGURES
        if not arguments.images and self.told is None:
            raise UserError("--task interpolate: expected two pictures, or a --character to draw in two styles; "
                            "received neither; try --character a")  # fmt: skip
        if self.told is not None and len(self.told) > 2:
            raise UserError(f"--character {self.told!r}: expected one character, or one of either end, received "
                            f"{len(self.told)}")  # fmt: skip
        if not 2 <= self.steps <= MOST_STEPS:
            raise UserError(f"--steps {self.steps}: expected 2 to {MOST_STEPS} frames, both ends among them")
        if self.seed < 0:
            raise UserError(f"--seed {self.seed}: expected 0 or more; choose another")
        if self.out.suffix and not self.out.is_dir():
            raise UserError(f"--out {self.out}: expected a folder, received the name of a file; it is for many frames")
        self.model = open_writer(arguments, allowed)

    def make(self, opened: Sequence[Opened]) -> tuple[dict[str, Any], str]:
        """Writes the frames, the strip and the GIF between none, one or two pictures and styles drawn by the seed.

        Returns:
            What its JSON object holds, and the same for the eye.

        Raises:
            UserError: The folder that would be replaced holds a picture that was given, or no interpolation alone.
        """
        first, second = self.ends(opened)
        folder = self.out / f"{first.name}-to-{second.name}"
        for picture in opened:
            if folder.resolve() in picture.path.resolve().parents:
                raise UserError(f"{folder}: would overwrite a picture that was given; choose another --out")
        for file in folder.iterdir() if folder.is_dir() else ():
            if not OURS.fullmatch(file.name):
                raise UserError(f"{folder}: would be replaced, but holds {file.name}, which is no part of an "
                                f"interpolation; move that away, or choose another --out")  # fmt: skip
        glyphs = as_levels(interpolate(self.model, first[1:], second[1:], self.steps))
        with written_whole(folder) as draft:
            save(glyphs, draft)
        characters = [self.model.alphabet[end.label] for end in (first, second)]
        report = {
            "images": [str(picture.path) for picture in opened],
            "task": self.name,
            "model": self.model.card["name"],
            "characters": characters,
            "steps": self.steps,
            "output": str(folder),
        }
        return report, f"{' to '.join(characters)} in {self.steps} steps  -> {folder}"

    def ends(self, opened: Sequence[Opened]) -> list[End]:
        """Both ends: of the pictures as far as they go, and then of the character told, or read, in styles drawn."""
        ends = self.of_pictures(opened) if opened else []
        for number in range(len(ends), 2):
            label = self.model.alphabet.index(self.told[-1 if number else 0]) if self.told else ends[0].label
            noise = np.random.default_rng([self.seed, number]).standard_normal((1, self.model.latent_size), np.float32)
            style = self.model.styles(noise, np.array([label], np.int32))[0]
            ends.append(End(f"{safe(self.model.alphabet[label])}-seed{self.seed}-{number + 1}", style, label))
        return ends

    def of_pictures(self, opened: Sequence[Opened]) -> list[End]:
        """The styles that one or two pictures are written in."""
        images = stacked(opened)
        if self.told is None:
            labels = most_likely_labels(self.model, images, self.allowed)[0]
        else:
            told = self.told[0] + self.told[-1]
            labels = np.array([self.model.alphabet.index(character) for character in told[: len(opened)]], np.int32)
        styles = self.model.encode(images, labels)[0]
        return [End(picture.path.stem, style, int(label))
                for picture, style, label in zip(opened, styles, labels, strict=True)]  # fmt: skip


def safe(character: str) -> str:
    """A character as part of a file's name; upper case and signs, which not every disk keeps, by their code point."""
    return character if character in LOWER + DIGITS else f"u{ord(character):04x}"


def save(glyphs: np.ndarray, folder: Path) -> None:
    """Writes frame-000.png and so on, strip.png and interpolation.gif of glyphs uint8 `(N, S, S, 1)`."""
    folder.mkdir()
    frames = [folder / f"frame-{number:03d}.png" for number in range(len(glyphs))]
    for glyph, frame in zip(glyphs, frames, strict=True):
        enlarged(glyph[..., 0]).save(frame)
    columns = min(COLUMNS, len(glyphs))
    rows = np.pad(glyphs, [(0, -len(glyphs) % columns), *[(0, 0)] * 3])
    enlarge(tile(rows.reshape(-1, columns, *glyphs.shape[1:])), ZOOM).save(folder / STRIP)
    save_animation(frames, folder / ANIMATION, max(SHORTEST, FRAME_SECONDS * len(glyphs)))

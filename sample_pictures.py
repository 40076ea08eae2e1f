"""Sample pictures: characters drawn as a pen would write them, on papers as people photograph and scan them.

python sample_pictures.py               digits to images/samples/digits, other characters to images/samples/ascii,
                                        and five that lean, of one hand, to images/samples/mine
python sample_pictures.py --seed 3      the same characters in another moment of the hand
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tyro
from PIL import Image, ImageDraw

from shell import parse, run_script, written_whole
from synthetic_image_generator import safe_name

SUPERSAMPLING = 3  # subpixels a pixel side while drawing
SAMPLES_A_SEGMENT = 40  # points of the curve between two points of a template
WOBBLE = 0.012  # of the character's height: standard deviation of a template point
TREMOR = 0.004  # of the character's height: amplitude of the slow waver along a stroke
SLANT, TURN = 0.08, 4.0  # largest slant, as a tangent, and largest turn, in degrees

Point = tuple[float, float]
STROKES: dict[str, list[list[Point]]] = {
    "2": [[(.16, .26), (.26, .08), (.50, .02), (.72, .14), (.70, .36), (.48, .64), (.12, .95)],
          [(.12, .95), (.34, .90), (.58, .97), (.84, .92)]],
    "7": [[(.12, .07), (.42, .05), (.84, .04)], [(.84, .04), (.62, .42), (.46, .72), (.38, 1.)],
          [(.30, .52), (.52, .50), (.74, .49)]],
    "4": [[(.52, .00), (.36, .30), (.10, .62)], [(.10, .62), (.46, .62), (.92, .59)],
          [(.66, .34), (.65, .66), (.61, 1.)]],
    "A": [[(.04, 1.), (.24, .52), (.46, .00)], [(.46, .00), (.66, .50), (.90, .99)],
          [(.20, .66), (.46, .62), (.74, .63)]],
    "g": [[(.72, .12), (.48, .00), (.18, .10), (.10, .36), (.30, .54), (.58, .44), (.72, .12)],
          [(.72, .06), (.72, .40), (.70, .76), (.54, .98), (.28, .98), (.10, .84)]],
    "k": [[(.16, .00), (.15, .50), (.13, 1.)], [(.68, .38), (.42, .58), (.16, .70)],
          [(.32, .62), (.52, .80), (.76, .98)]],
    "R": [[(.14, .03), (.14, .50), (.11, 1.)],
          [(.12, .06), (.46, .00), (.72, .14), (.64, .38), (.38, .49), (.15, .51)],
          [(.34, .50), (.56, .72), (.86, .99)]],
    "&": [[(.92, .96), (.64, .70), (.34, .32), (.32, .08), (.50, .00), (.62, .14), (.48, .36), (.16, .64), (.14, .88),
           (.36, 1.), (.64, .88), (.86, .58)]],
    "?": [[(.16, .20), (.30, .04), (.56, .01), (.74, .16), (.68, .36), (.50, .50), (.45, .72)],
          [(.45, .94), (.47, .955), (.45, .97)]],
}  # fmt: skip
"""Pen strokes in the order they are written: points (x, y) that the pen passes smoothly, y from 0 at the top to 1."""


class Sample(NamedTuple):
    """A character, how large and where it stands, and what it is written on."""

    name: str  # of the file
    character: str
    surface: Callable[[np.ndarray, np.random.Generator], Image.Image]
    size: tuple[int, int]  # width, height in pixels
    height: float  # of the character, as a share of the picture's
    centre: Point  # of the character, as a share of the picture
    pen: float  # width of the stroke, as a share of the character's height
    slant: float = 0.0  # to the right, as a tangent, beyond that of the moment
    mine: bool = False  # one of the few characters that a hand is to be taken from


@dataclass(frozen=True)
class Arguments:
    """Draws sample pictures of handwritten characters."""

    out: Path = Path("images/samples")
    """Folder for the pictures."""
    seed: int = 0
    """Another seed is another moment of the same hand."""

    def __post_init__(self):
        if self.seed < 0:
            raise ValueError(f"`seed` must not be negative. Received: seed={self.seed}")


def main(arguments: Arguments) -> None:
    """Writes all samples: digits, other characters and those of one hand in a folder each."""
    for number, sample in enumerate(SAMPLES):
        folder = "mine" if sample.mine else "digits" if sample.character.isdigit() else "ascii"
        with written_whole(arguments.out / folder / f"{sample.name}.png") as draft:
            draw_sample(sample, [arguments.seed, number]).save(draft)
    print(f"wrote {len(SAMPLES)} pictures to {arguments.out}")


def draw_sample(sample: Sample, seed: int | list[int]) -> Image.Image:
    """Draws one sample; the same seed gives the same picture."""
    rng = np.random.default_rng(seed)
    return sample.surface(write(sample, rng), rng)


def write(sample: Sample, rng: np.random.Generator) -> np.ndarray:
    """Writes a character with a pen.

    Returns:
        float32 `(H, W)` of the sample's size: how much of each pixel is inked, 0 to 1.
    """
    width, height = (SUPERSAMPLING * side for side in sample.size)
    unit = sample.height * height
    canvas = Image.new("L", (width, height))
    pen = ImageDraw.Draw(canvas)
    hand = hand_matrix(sample.slant, rng)
    paths = [pen_path(np.array(template), sample.pen, rng) for template in STROKES[sample.character]]
    points = np.array([point @ hand for path in paths for point, _ in path])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2  # slanted letters lean out of their place
    for path in paths:
        for point, radius in path:
            x, y = np.array(sample.centre) * (width, height) + unit * (point @ hand - middle)
            pen.ellipse([x - unit * radius, y - unit * radius, x + unit * radius, y + unit * radius], fill=255)
    return np.asarray(canvas.reduce(SUPERSAMPLING), np.float32) / 255


def hand_matrix(slant: float, rng: np.random.Generator) -> np.ndarray:
    """About this slant, and a turn, `(2, 2)`, for points as rows."""
    turn = np.deg2rad(rng.uniform(-TURN, TURN))
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return np.array([[1, 0], [-slant - rng.uniform(0, SLANT), 1]]) @ rotation


def pen_path(template: np.ndarray, pen: float, rng: np.random.Generator) -> list[tuple[np.ndarray, float]]:
    """Where the pen goes and how hard it presses: points `(2,)` with a radius, both in character heights."""
    points = template + rng.normal(0, WOBBLE, template.shape) * min(1, 4 * np.ptp(template, axis=0).max())
    path = smooth_curve(points, SAMPLES_A_SEGMENT)
    time = np.linspace(0, 1, len(path))
    path = path + TREMOR * np.stack([waver(time, rng), waver(time, rng)], axis=1)
    lifted = 1 - 0.45 * np.exp(-time / 0.04) - 0.55 * np.exp((time - 1) / 0.06)  # the pen comes down and leaves lightly
    bent = np.linalg.norm(np.gradient(path, axis=0), axis=1)
    slow = 1 - 0.25 * np.clip(bent / bent.max(), 0, 1)  # a fast pen leaves less ink
    return list(zip(path, pen / 2 * lifted * (slow + 0.2) * (1 + 0.07 * waver(time, rng)), strict=True))


def waver(time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A slow random wave of amplitude about 1."""
    phases, speeds = rng.uniform(0, 2 * np.pi, 3), rng.uniform(3, 16, 3)
    return np.sin(speeds[:, None] * time + phases[:, None]).sum(axis=0) / 2


def smooth_curve(points: np.ndarray, samples: int) -> np.ndarray:
    """A curve through all points.

    Args:
        points: float `(P, 2)`.
        samples: Points of the curve between two of them.

    Returns:
        float `((P - 1) * samples + 1, 2)`.

    Reference: Catmull and Rom 1974, "A class of local interpolating splines".
    """
    before, after = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    padded = np.concatenate([[before], points, [after]])
    a, b, c, d = (padded[k : k + len(points) - 1, None] for k in range(4))  # (P - 1, 1, 2) each
    t = np.linspace(0, 1, samples, endpoint=False)[:, None]  # (samples, 1)
    curve = b + t * (c - a) / 2 + t**2 * (a - 2.5 * b + 2 * c - d / 2) + t**3 * (1.5 * (b - c) + (d - a) / 2)
    return np.concatenate([curve.reshape(-1, 2), points[-1:]])


# --------------------------------------------------------------------------------------- what the pen writes on


def blend(ink: np.ndarray, ink_colour: tuple[int, int, int], paper: np.ndarray) -> Image.Image:
    """Lays ink `(H, W)` of a colour over paper `(H, W, 3)`, levels 0 to 255."""
    picture = paper + ink[..., None] * (np.array(ink_colour) - paper)
    return Image.fromarray(np.clip(np.round(picture), 0, 255).astype(np.uint8))


def white_paper(ink: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Black fineliner, scanned."""
    return blend(ink, (24, 24, 28), np.full((*ink.shape, 3), 252.0))


def blue_on_cream(ink: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Blue ball pen on cream paper; the ink is uneven."""
    patchy = ink * (0.92 + 0.08 * grain(ink.shape, 3, rng))
    paper = np.array([250.0, 244, 228]) + rng.normal(0, 2, (*ink.shape, 1))
    return blend(patchy, (32, 58, 150), paper)


def shaded_grey_paper(ink: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Pencil on grey paper, photographed in dim light: a shadow across the page, and a noisy sensor."""
    y, x = np.mgrid[0 : 1 : 1j * ink.shape[0], 0 : 1 : 1j * ink.shape[1]]
    light = 205 - 70 * x - 45 * y * y + 4 * grain(ink.shape, 6, rng)
    picture = light * (1 - 0.72 * ink) + rng.normal(0, 5, ink.shape)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def chalk_board(ink: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Chalk on a board: it skips over the board's grain, and old chalk is left in clouds."""
    rough = np.clip(0.85 + 0.2 * grain(ink.shape, 1, rng) + 0.15 * grain(ink.shape, 3, rng), 0, 1)
    board = np.array([38.0, 66, 56]) + 5 * grain(ink.shape, 40, rng)[..., None] + rng.normal(0, 2, (*ink.shape, 1))
    return blend(ink * rough, (236, 238, 228), board)


def transparent(ink: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """A drawing program's black stroke on nothing."""
    levels = np.zeros((*ink.shape, 4), np.uint8)
    levels[..., 3] = np.round(255 * ink)
    return Image.fromarray(levels)


def grain(shape: tuple[int, ...], pixels: int, rng: np.random.Generator) -> np.ndarray:
    """Soft noise `shape`, mean 0 and deviation 1, whose patches are about so many pixels wide."""
    coarse = rng.normal(size=[side // pixels + 2 for side in shape]).astype(np.float32)
    noise = np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC))
    return (noise - noise.mean()) / noise.std()


SAMPLES = (
    Sample("two", "2", white_paper, (280, 280), 0.62, (0.50, 0.50), 0.055),
    Sample("four", "4", blue_on_cream, (420, 300), 0.48, (0.30, 0.58), 0.06),
    Sample("seven", "7", shaded_grey_paper, (360, 420), 0.50, (0.52, 0.47), 0.07),
    Sample("capital-a", "A", chalk_board, (400, 340), 0.58, (0.46, 0.52), 0.085),
    Sample("small-g", "g", white_paper, (260, 340), 0.60, (0.52, 0.50), 0.05),
    Sample("small-k", "k", blue_on_cream, (340, 340), 0.50, (0.60, 0.42), 0.06),
    Sample("capital-r", "R", shaded_grey_paper, (420, 380), 0.52, (0.45, 0.52), 0.075),
    Sample("ampersand", "&", transparent, (300, 320), 0.66, (0.50, 0.50), 0.06),
    Sample("question-mark", "?", chalk_board, (320, 400), 0.56, (0.50, 0.50), 0.085),
    *(Sample(safe_name(character), character, white_paper, (300, 300), 0.6, (0.5, 0.5), 0.045, slant=0.22, mine=True)
      for character in "AgkR4"),
)  # fmt: skip


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))

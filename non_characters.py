"""Pictures of what is no character: what a reader that can be trusted must refuse. To measure by, not to train on."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from ink import BlankError
from picture import frame, to_glyph
from shell import UserError

CALIBRATED = 500  # of each kind, numbers 0 to 499, are what thresholds are set by; whoever measures takes later ones
PAGE = 112  # pixels a side of the page that ink is thrown on
GRAIN = 28  # pixels a side of the page that blots are thrown on
PHOTOGRAPHS = ("china.jpg", "flower.jpg")  # of numbers below CALIBRATED, and of the others
HALVED = 2  # what they are reduced by: a glyph shows no more, and takes a quarter of the time
FAINT = 128  # grey level: a picture whose ink stays below it may be blank once it is turned and stretched
CROP = 30, 150  # pixels a side of the smallest piece and of the largest, of 60 and 300 in the file


def non_characters(images: np.ndarray, each: int, seed: int = 0, first: int = 0) -> dict[str, np.ndarray]:
    """Makes non-characters of people's own ink, and of none.

    The photographs are two that scikit-learn carries, of a temple and of a flower. They are the one kind that is
    neither trained on nor drawn by a program, and the surest to say what a reader makes of what it has never met;
    but pieces of one photograph overlap, and tell less than as many different ones would.

    Args:
        images: uint8 `(N, S, S, 1)`, characters whose ink is used, where they have some. They should be none that the
            reader trained on.
        each: How many of every kind.
        seed: Picture k of a kind is a function of (images, seed, first + k), another for each number, whatever the
            seeds.
        first: Number of the first one: 0 to set a threshold, CALIBRATED to measure.

    Returns:
        uint8 `(each, S, S, 1)` by kind: `tangle`, characters written over each other; `crossed out`, one under a
        zigzag; `scribble`, a pen that wanders; `smudge`, blots and noise without a stroke; `photograph`, a piece of
        one, turned into a glyph as a user's picture is.

    Raises:
        UserError: None of the characters has ink.
    """
    from sklearn.datasets import load_sample_image  # slow to load, as is what it brings along

    ink, size = with_ink(images)[..., 0], images.shape[1]
    photographs = [Image.fromarray(load_sample_image(name)).convert("L").reduce(HALVED) for name in PHOTOGRAPHS]

    def drawn(draw: Callable[..., np.ndarray], *given: np.ndarray) -> Callable[[int, np.random.Generator], np.ndarray]:
        return lambda k, rng: frame(draw(*given, rng) / np.float32(255), size)

    kinds = {
        "tangle": drawn(_tangle, ink),
        "crossed out": drawn(_crossed_out, ink),
        "scribble": drawn(_scribble),
        "smudge": drawn(_smudge),
        "photograph": lambda k, rng: _piece_of(photographs[k >= CALIBRATED], rng, size),
    }
    made = {}
    for place, (kind, make) in enumerate(kinds.items()):
        pictures = [make(k, np.random.default_rng([k, place, seed])) for k in range(first, first + each)]
        made[kind] = np.stack(pictures)[..., None]
    return made


def with_ink(images: np.ndarray) -> np.ndarray:
    """Those of some pictures, uint8 `(N, S, S, 1)`, that ink can be taken of.

    Raises:
        UserError: There are none.
    """
    kept = images[images.max(axis=(1, 2, 3)) >= FAINT]
    if not len(kept):
        raise UserError(f"expected white ink on black, from 0 to 255, to make non-characters of; received "
                        f"{len(images):,} pictures without a pixel of {FAINT} or more; scale them, or choose another "
                        f"data set")  # fmt: skip
    return kept


def _tangle(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Three to five characters, turned and stretched anyhow, over each other: ink `(PAGE, PAGE)`."""
    page = np.zeros((PAGE, PAGE), np.uint8)
    for image in images[rng.integers(0, len(images), rng.integers(3, 6))]:
        width, height = (int(side) for side in rng.integers(40, 90, 2))
        thrown = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
        thrown = thrown.rotate(rng.uniform(0, 360), Image.Resampling.BILINEAR, expand=True)
        sheet = Image.new("L", (PAGE, PAGE))
        sheet.paste(thrown, tuple(int((PAGE - side) / 2 + rng.uniform(-12, 12)) for side in thrown.size))
        page = np.maximum(page, np.asarray(sheet))
    return page


def _crossed_out(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A character under a zigzag of six to ten strokes across all of it."""
    image = images[rng.integers(0, len(images))]
    sheet = Image.fromarray(image).resize((PAGE, PAGE), Image.Resampling.BICUBIC)
    count = int(rng.integers(6, 11))
    across = np.linspace(0.12, 0.88, count + 1) + rng.normal(0, 0.02, count + 1)
    along = np.where(np.arange(count + 1) % 2, 0.85, 0.15) + rng.normal(0, 0.05, count + 1)
    points = PAGE * np.stack([along, across][:: 1 if rng.random() < 0.5 else -1], axis=1)
    ImageDraw.Draw(sheet).line(
        [tuple(point) for point in points], fill=255, width=int(rng.integers(5, 10)), joint="curve"
    )
    return np.asarray(sheet)


def _scribble(rng: np.random.Generator) -> np.ndarray:
    """One long line that turns back and forth as a hand does that tries a pen."""
    times = np.linspace(0, 1, 400)[:, None]
    turns = rng.uniform(2.5, 8.0, (6, 2))  # oscillations along the line, in either direction
    weights, phases = rng.normal(0, 1, (6, 2)), rng.uniform(0, 2 * np.pi, (6, 2))
    path = sum(w * np.sin(2 * np.pi * f * times + p) for f, w, p in zip(turns, weights, phases, strict=True))
    path = (path - path.min(axis=0)) / np.ptp(path, axis=0)
    sheet = Image.new("L", (PAGE, PAGE))
    points = [tuple(point) for point in 12 + (PAGE - 24) * path]
    ImageDraw.Draw(sheet).line(points, fill=255, width=int(rng.integers(6, 11)), joint="curve")
    return np.asarray(sheet)


def _smudge(rng: np.random.Generator) -> np.ndarray:
    """Blots of one random grain and density."""
    nodes = int(rng.integers(4, 29))
    noise = Image.fromarray(rng.normal(0, 1, (nodes, nodes)).astype(np.float32))
    field = np.asarray(noise.resize((GRAIN, GRAIN), Image.Resampling.BICUBIC))
    ink = np.clip(255 * (field - rng.uniform(0.0, 1.0)), 0, 255)
    ink[field == field.max()] = 255  # never quite empty
    return ink.astype(np.uint8)


def _piece_of(photograph: Image.Image, rng: np.random.Generator, size: int) -> np.ndarray:
    """The glyph `(size, size)` found in a square cut out anywhere; elsewhere if there is nothing to see."""
    while True:
        side = int(rng.integers(CROP[0], CROP[1] + 1))
        left, top = (int(rng.integers(0, length - side + 1)) for length in photograph.size)
        try:
            return to_glyph(photograph.crop((left, top, left + side, top + side)), size)
        except BlankError:
            continue

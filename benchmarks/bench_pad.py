"""How many digits drawn on the page's pad are read right, whatever the pen, the size and the place.

python benchmarks/bench_pad.py

Test digits of MNIST are enlarged, their strokes thickened to the width of a pen where they are thinner, put anywhere on
the pad and sent to /api/read as the page sends them: everything is included but the network between the two.
"""

import base64
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from report import Row, as_markdown, share_row
from shell import parse, run_script

PAD = 560  # pixels a side
SIZES, PENS = (60, 280), (12, 40)  # pixels: the longer side of a digit, and the width of the pen
SLIMMEST = 5  # a digit is at least so many pens large: with a thicker one nobody could write it
WANTED = 0.99


@dataclass(frozen=True)
class Arguments:
    """Draws digits on the pad and has them read."""

    count: int = 2000
    """Digits drawn."""
    seed: int = 0
    """Of the digits, their sizes, places and pens."""
    data_dir: Path | None = None
    """Where the data files are; unset: the environment variable SCRIPTORIUM_DATA, or else data/."""

    def __post_init__(self):
        if not 1 <= self.count <= 10_000:
            raise ValueError(f"`count` must lie in [1, 10000]. Received: count={self.count}")


def with_pen(digit: np.ndarray, size: int, pen: float) -> np.ndarray:
    """A digit with its longer side enlarged to about `size`, its strokes thickened to about the width of a pen.

    They are never thinned: what was written lightly would break.

    Args:
        digit: uint8 `(28, 28)`, ink is 255.

    Returns:
        float32 `(H, W)`, ink is 1.
    """
    from scipy.ndimage import distance_transform_edt, maximum_filter

    ink = Image.fromarray(digit).crop(Image.fromarray(digit).getbbox())
    shape = tuple(max(1, round(side * size / max(ink.size))) for side in ink.size)
    large = np.pad(np.asarray(ink.resize(shape, Image.Resampling.BICUBIC), np.float32) / 255, PENS[1])
    inside, outside = (distance_transform_edt(part) for part in (large > 0.5, large <= 0.5))
    middles = inside[(inside > 0) & (inside == maximum_filter(inside, 5))]  # of strokes
    thickened = max(0.0, pen / 2 - float(np.median(middles))) if len(middles) else 0.0
    return np.clip(inside - outside + thickened + 0.5, 0, 1).astype(np.float32)


def drawings(images: np.ndarray, seed: int) -> Iterator[bytes]:
    """PNG files of the pad, one for each digit, uint8 `(N, 28, 28, 1)`; number k is a function of the seed and k."""
    for k, image in enumerate(images):
        rng = np.random.default_rng([seed, k])
        size = int(rng.integers(SIZES[0], SIZES[1] + 1))
        pen = rng.uniform(PENS[0], max(PENS[0], min(PENS[1], size / SLIMMEST)))
        ink = with_pen(image[..., 0], size, pen)
        pad = np.zeros((PAD, PAD), np.float32)
        top, left = (int(rng.integers(0, PAD - side + 1)) for side in ink.shape)
        pad[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
        file = io.BytesIO()
        Image.fromarray(np.uint8(np.round(255 * (1 - pad)))).save(file, "PNG")
        yield file.getvalue()


def main(arguments: Arguments) -> None:
    """Draws, sends, counts and prints the table.

    Raises:
        UserError: MNIST is missing or damaged.
    """
    from app import create_app
    from data_processor import TEST, load
    from web_guard import Limits

    images, labels = load("mnist", arguments.data_dir).part(TEST)
    chosen = np.random.default_rng(arguments.seed).permutation(len(labels))[: arguments.count]
    client = create_app(limits=Limits(rate=1e6, burst=10**6)).test_client()
    right = refused = 0
    for label, drawing in zip(labels[chosen], drawings(images[chosen], arguments.seed), strict=True):
        url = f"data:image/png;base64,{base64.b64encode(drawing).decode()}"
        answer = client.post("/api/read", json={"image": url, "alphabet": "digits"}).get_json()
        right += answer.get("text") == str(label)
        refused += "characters" not in answer
    rows = [share_row("digits drawn on the pad, read right", right, len(chosen), WANTED),
            Row("refused with an error", f"{refused}")]  # fmt: skip
    print(as_markdown(f"{len(chosen):,} test digits of MNIST, {SIZES[0]} to {SIZES[1]} pixels, pens of {PENS[0]} to "
                      f"{PENS[1]}", rows))  # fmt: skip


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))

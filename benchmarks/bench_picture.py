"""What `to_glyph` keeps of MNIST, how well it counts characters, and what it costs: python benchmarks/bench_picture.py

Needs the data directory (MNIST, and unipen94 for the signs). The judge is a nearest neighbour among 10,000 training
images: what it loses between the originals and the same digits seen as pictures is the fault of `to_glyph`.
"""

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data_processor import TEST, GlyphDataset, load
from glyph_metrics import nearest_glyph
from picture import find_glyph, to_glyph
from shell import UserError, run_script

REFERENCES, TESTS, SEED = 10_000, 2_000, 0


def enlarged(image: np.ndarray, factor: int) -> np.ndarray:
    side = factor * image.shape[0]
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))


def noisy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    large = 40 + 0.7 * enlarged(image, 5)
    return np.clip(large + rng.normal(0, 20, large.shape), 0, 255).astype(np.uint8)


def shaded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    large = enlarged(image, 4) / 255.0
    y, x = np.mgrid[:1:112j, :1:112j]
    paper = 230 - 100 * (x * rng.uniform() + y * rng.uniform()) - 40 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    return (paper * (1 - 0.7 * large) + rng.normal(0, 2, large.shape)).clip(0, 255).astype(np.uint8)


def compressed(image: np.ndarray, rng: np.random.Generator) -> Image.Image:
    file = io.BytesIO()
    Image.fromarray(255 - enlarged(image, 3)).save(file, "JPEG", quality=50)
    return Image.open(file)


PICTURES: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray | Image.Image]] = {
    "as it is": lambda image, rng: image,
    "dark on light": lambda image, rng: 255 - image,
    "4 px off, 40 x 40": lambda image, rng: np.pad(image, ((10, 2), (10, 2))),
    "10 px margin": lambda image, rng: np.pad(255 - image, 10, constant_values=255),
    "x5 and noise": noisy,
    "x4, uneven light": shaded,
    "x3, JPEG of quality 50": compressed,
}


def bench_pictures(digits: GlyphDataset, rng: np.random.Generator) -> None:
    """Prints what the nearest neighbour reads in digits seen as each kind of picture, and what that takes."""
    images, labels = (array[:TESTS] for array in digits.part(TEST))
    known = np.flatnonzero(digits.split != TEST)[:REFERENCES]
    kin, kin_labels = digits.images[known], digits.labels[known]
    original = share_read(images, labels, kin, kin_labels)
    print(
        f"originals read right: {original:.2%}\n\n{'picture':24} {'read right':>10} {'points':>7} {'difference':>10} "
        f"{'one':>7} {'refused':>7} {'ms':>6}"
    )
    for name, draw in PICTURES.items():
        pictures = [draw(image[..., 0], rng) for image in images]
        start, glyphs, alone, refused = time.perf_counter(), np.zeros_like(images), 0, 0
        for k, picture in enumerate(pictures):
            try:
                found = find_glyph(picture)
                glyphs[k, ..., 0], alone = found.glyph, alone + (found.characters == 1)
            except UserError:
                refused += 1
        cost = 1000 * (time.perf_counter() - start) / len(images)
        right = share_read(glyphs, labels, kin, kin_labels)
        difference = np.abs(glyphs.astype(float) - images).mean()
        print(
            f"{name:24} {right:10.2%} {100 * (right - original):+7.2f} {difference:10.2f} {alone / len(images):7.2%} "
            f"{refused:7} {cost:6.2f}"
        )


def share_read(glyphs: np.ndarray, labels: np.ndarray, kin: np.ndarray, kin_labels: np.ndarray) -> float:
    """How many of the glyphs, uint8 `(N, S, S, 1)`, have the label of their nearest kin."""
    return float(np.mean(kin_labels[nearest_glyph(glyphs, kin)] == labels))


def bench_counting(images: np.ndarray, signs: GlyphDataset, rng: np.random.Generator) -> None:
    """Prints how often digits, alone and in pairs, and signs of several parts are counted right."""
    alone = np.mean([find_glyph(255 - image).characters == 1 for image in images])
    print(f"\nof {len(images):,} digits judged one character: {alone:.2%}")
    for gap in (4, 6, 10):
        pairs = rng.choice(len(images), (1000, 2))
        two = np.mean([find_glyph(side_by_side(*images[pair], gap)).characters == 2 for pair in pairs])
        print(f"of 1,000 pairs with a gap of {gap} px judged two: {two:.2%}")
    print("of up to 100 pictures of a sign, x4, judged one character:")
    for sign in 'ij!?:;%"=':
        chosen = rng.permutation(np.flatnonzero(signs.labels == signs.alphabet.index(sign)))[:100]
        one = np.mean([find_glyph(255 - enlarged(signs.images[k, ..., 0], 4)).characters == 1 for k in chosen])
        print(f"  {sign} {one:.0%}", end="")
    print()


def side_by_side(left: np.ndarray, right: np.ndarray, gap: int) -> np.ndarray:
    left, right = (
        image[:, np.flatnonzero(image.any(0))[0] : np.flatnonzero(image.any(0))[-1] + 1] for image in (left, right)
    )
    return np.pad(np.hstack([left, np.zeros((28, gap), np.uint8), right]), 6)


def bench_speed(image: np.ndarray) -> None:
    print()
    for side in (28, 128, 256, 500):
        picture = Image.fromarray(255 - image).resize((side, side), Image.Resampling.BICUBIC)
        print(f"{side} x {side}: {1000 * median_seconds(picture):.2f} ms")
    photograph = Image.fromarray(255 - image).resize((4000, 3000), Image.Resampling.BICUBIC).convert("RGB")
    print(f"4000 x 3000, decoded: {1000 * median_seconds(photograph, 3):.0f} ms")


def median_seconds(picture: Image.Image, repeats: int = 21) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        to_glyph(picture)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def main() -> None:
    rng, digits, signs = np.random.default_rng(SEED), load("mnist"), load("unipen94")
    bench_pictures(digits, rng)
    tests = digits.part(TEST)[0][..., 0]
    bench_counting(tests, signs, rng)
    bench_speed(tests[0])


if __name__ == "__main__":
    run_script(main)

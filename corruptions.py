"""What befalls a character between the pen and the reader: the robustness suite, each corruption at one fixed strength.

A corrupted picture can be given to a model raw or, as a user's picture is, through `picture.to_glyph`; one on the
larger canvas has to be framed first.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

from config import IMAGE_SIZE
from noises import gaussian, salt
from shell import UserError, did_you_mean

CANVAS = 40  # pixels; holds all 28 of a picture enlarged to 36.4
DIAGONALS = ((1, 1), (1, -1), (-1, 1), (-1, -1))  # down and right

# pixels, in a box that stays, as of a crop made in haste: as far as training moves; all the margin that MNIST leaves
# beside its ink, unipen94 leaving 2 at most; half as much again, so that ink is cut off either
SHIFTS = (2, 4, 6)
TURNS = (10, 20)  # degrees: a line that climbs, or a page askew on the scanner; a page held before a phone
SMALL = 0.7  # a small letter beside the capitals of its hand, where the crop was made for those
LARGE = 1.3  # a hand too large for the boxes of its form, short of running into the next
SUBPIXELS = 4  # a pixel side, where strokes are made thinner or thicker: a stroke of 2 pixels could else only vanish
EDGE = 2.0  # how much steeper a stroke's edge is made first: a fine pen is thin, not pale
THINNER = (1, 2)  # a quarter of a pixel off either side, twice, by a cross and then a square: as of a fine ball pen
THICKER = (1, 2, 1)  # three quarters of a pixel on either side, likewise: as of a felt pen
FINEST = 7  # subpixels: what is finer by then is made no thinner, as no pen leaves gaps for being fine
NOISE = 25.5  # grey levels: a tenth of the ink's contrast, as of a pencil's 80 levels and a sensor's 8 in dim light
SALT = 0.02  # share of the pixels: 16, as of dust on a scanner's glass, or of chalk left on the board
PAPER, INK = 225, 60  # grey levels of a page in a photograph: neither is pure
GRAIN = 4.0  # grey levels, standard deviation: of the paper, and of a sensor by day
DIM_LIGHT = 0.5  # of the brightest: a lamp at one corner of the page leaves the far corner half of its light
BLUR = 1.0  # pixels, standard deviation: a phone too near to focus; a stroke of 2 pixels keeps 2/3 of its contrast

Corruption = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
"""A picture uint8 `(28, 28)`, its number, its own random numbers -> uint8 `(28, 28)` or `(CANVAS, CANVAS)`."""


def apply(name: str, images: np.ndarray, seed: int = 0, first: int = 0) -> np.ndarray:
    """Corrupts pictures.

    Args:
        name: One of CORRUPTIONS.
        images: uint8 `(N, 28, 28, 1)`, white ink on black.
        seed: With its number all that a picture's noise depends on.
        first: Number of the first picture, where they come in batches.

    Returns:
        uint8 `(N, S, S, 1)`, S being 28 or, where it is enlarged, CANVAS.

    Raises:
        UserError: There is no corruption of that name.
        ValueError: The pictures are of another shape or type.

    Reference: after Mu and Gilmer 2019, "MNIST-C: A Robustness Benchmark for Computer Vision" (arXiv:1906.02337).
    """
    if name not in CORRUPTIONS:
        raise UserError(f"unknown corruption {name!r}{did_you_mean(name, CORRUPTIONS)}; expected one of "
                        f"{', '.join(CORRUPTIONS)}")  # fmt: skip
    if images.dtype != np.uint8 or images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE, 1) or not len(images):
        raise ValueError(f"`images` must be uint8 (N, {IMAGE_SIZE}, {IMAGE_SIZE}, 1), N at least 1. "
                         f"Received: images={images.dtype} {images.shape}")  # fmt: skip
    corrupt = CORRUPTIONS[name]
    numbered = enumerate(images[..., 0], start=first)
    return np.stack([corrupt(picture, k, np.random.default_rng([seed, k])) for k, picture in numbered])[..., None]


def shifted(picture: np.ndarray, k: int, rng: np.random.Generator, pixels: int) -> np.ndarray:
    """Moved along a diagonal, picture k along the k mod 4-th; what leaves the picture is lost, as to a hasty crop."""
    down, right = np.multiply(DIAGONALS[k % 4], pixels)
    wide = np.pad(picture, pixels)
    return wide[pixels - down : pixels - down + IMAGE_SIZE, pixels - right : pixels - right + IMAGE_SIZE]


def turned(picture: np.ndarray, k: int, rng: np.random.Generator, degrees: float) -> np.ndarray:
    """Turned about the centre, counter-clockwise where k is even.

    Ink in a corner is lost: at 20 degrees 0.1 % of that of unipen94's test pictures, 6 % of the worst one's.
    """
    angle = -degrees if k % 2 else degrees
    return np.asarray(Image.fromarray(picture).rotate(angle, Image.Resampling.BICUBIC))


def scaled(picture: np.ndarray, k: int, rng: np.random.Generator, factor: float) -> np.ndarray:
    """Enlarged, and then on the canvas, or made smaller about the centre, its stroke with it."""
    side = CANVAS if factor > 1 else IMAGE_SIZE
    wide = Image.fromarray(_on_canvas(picture))
    window = ((CANVAS - side / factor) / 2,) * 2 + ((CANVAS + side / factor) / 2,) * 2
    return np.asarray(wide.resize((side, side), Image.Resampling.BICUBIC, box=window))


def thinned(picture: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Written with a finer pen."""
    from scipy import ndimage

    ink = _enlarged(picture)
    for connectivity in THINNER:
        too_fine = ndimage.grey_opening(ink, FINEST) < ink / 2
        eroded = ndimage.grey_erosion(ink, footprint=ndimage.generate_binary_structure(2, connectivity))
        ink = np.where(too_fine, ink, eroded)
    return np.asarray(Image.fromarray(ink).reduce(SUBPIXELS))


def thickened(picture: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Written with a broader pen."""
    from scipy import ndimage

    ink = _enlarged(picture)
    for connectivity in THICKER:
        ink = ndimage.grey_dilation(ink, footprint=ndimage.generate_binary_structure(2, connectivity))
    return np.asarray(Image.fromarray(ink).reduce(SUBPIXELS))


def noisy(picture: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """With normal noise on every pixel; black and white cannot become blacker or whiter."""
    return _as_levels(gaussian(picture, NOISE / 255, rng))


def salted(picture: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """With single white pixels."""
    return salt(picture, SALT, rng).astype(np.uint8)


def unevenly_lit(picture: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """As the negative of a page with a lamp at one corner, the k mod 4-th: paper is ever less black away from it."""
    down, right = (np.linspace(0, 1, IMAGE_SIZE)[::way] for way in DIAGONALS[k % 4])
    light = 1 - (1 - DIM_LIGHT) * (down[:, None] + right) / 2
    return _as_levels(255 - light * (255 - picture.astype(float)))


def inverted(picture: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """As a page is photographed: dark grey ink on light grey paper, both with grain."""
    page = PAPER - (PAPER - INK) / 255 * picture
    return _as_levels(page + rng.normal(0, GRAIN, picture.shape))


def blurred(picture: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Out of focus."""
    from scipy import ndimage

    return _as_levels(ndimage.gaussian_filter(picture.astype(float), BLUR))


def _on_canvas(picture: np.ndarray) -> np.ndarray:
    return np.pad(picture, (CANVAS - IMAGE_SIZE) // 2)


def _as_levels(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def _enlarged(picture: np.ndarray) -> np.ndarray:
    """SUBPIXELS to a pixel side, and with crisp edges."""
    fine = Image.fromarray(picture).resize((SUBPIXELS * IMAGE_SIZE,) * 2, Image.Resampling.BICUBIC)
    return _as_levels(EDGE * (np.asarray(fine, float) - 127.5) + 127.5)


CORRUPTIONS: dict[str, Corruption] = {
    **{f"shift {pixels} px": partial(shifted, pixels=pixels) for pixels in SHIFTS},
    **{f"rotation {degrees}": partial(turned, degrees=degrees) for degrees in TURNS},
    **{f"scale {factor}": partial(scaled, factor=factor) for factor in (SMALL, LARGE)},
    "thinner stroke": thinned,
    "thicker stroke": thickened,
    "Gaussian noise": noisy,
    "salt noise": salted,
    "uneven light": unevenly_lit,
    "dark on light": inverted,
    "blur": blurred,
}
"""By the name they are printed under, in the order they are printed in."""

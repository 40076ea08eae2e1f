"""Pictures drawn anew by a trained writer: without their noise, as it remembers them, or on the way to another.

Everything takes arrays and gives new ones; NumPy and a `generators.Writer` are all it needs.

>>> writer = Writer.open("cvae-digits")
>>> clean = denoise(writer, noises.add_noise(images, "gaussian", 0.3))
"""

import numpy as np

from checks import check, check_labels, require, unit_range
from generators import Writer
from shell import UserError
from style_fitting import draw, explained

MOST_STEPS = 500  # of an interpolation: more than a viewer shows in 20 seconds
PARALLEL = 1e-3  # radians: directions nearer to alike, or to opposite, than that have no one arc between them
FAINTEST = 1e-4  # of ink, where a logarithm is taken


def reconstruct(writer: Writer, images: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """Pictures as the writer remembers them: encoded, and drawn in the mean style.

    Args:
        images: uint8 `(N, S, S, 1)`, white ink on black.
        labels: int `(N,)`, which characters they show; by default the most likely ones.

    Returns:
        float32 `(N, S, S, 1)` in [0, 1].

    Raises:
        ValueError: The arrays are of another shape or type.
    """
    if labels is None:
        labels = most_likely_labels(writer, images)[0]
    _check(writer, images, labels)
    return writer.decode(writer.encode(images, labels)[0], labels)


def denoise(
    writer: Writer, images: np.ndarray, labels: np.ndarray | None = None, allowed: str | None = None
) -> np.ndarray:
    """The cleanest explanation of noisy pictures: what the writer drew before the noise fell on it.

    An encoder that saw clean pictures alone is thrown off by noise, so it but names a style to begin with. Gauss-Newton
    steps lead from there to the most probable style; `style_fitting.py` tells what noise is held to be.

    Args:
        images: uint8 `(N, S, S, 1)`, white ink on black.
        labels: int `(N,)`, which characters they show; by default the most likely ones.
        allowed: Characters to choose them from; by default all that the writer knows.

    Returns:
        float32 `(N, S, S, 1)` in [0, 1].

    Raises:
        UserError: `allowed` holds a character that the writer does not know, or none.
        ValueError: The arrays are of another shape or type.
    """
    _check(writer, images, labels)
    candidates = _allowed(writer, allowed, len(images)) if labels is None else labels[:, None]
    labels, noise, _ = explained(writer, images, candidates)
    return draw(writer, noise, labels)


def most_likely_labels(writer: Writer, images: np.ndarray, allowed: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Reads pictures, noisy or not, by which character the writer explains best, as `denoise` explains them.

    The encoder's bound on log p(picture | label), even with a distance that forgives noise, reads noisy pictures far
    worse: whatever the label, it starts from a style that the noise chose.

    Args:
        images: uint8 `(N, S, S, 1)`, white ink on black.
        allowed: Characters that may be read; by default all that the writer knows.

    Returns:
        Labels int32 `(N,)`, and by how many nats float64 `(N,)` each is ahead of the next best; infinite where only one
        is allowed.

    Raises:
        UserError: `allowed` holds a character that the writer does not know, or none.
        ValueError: The pictures are of another shape or type.
    """
    _check(writer, images)
    labels, _, margin = explained(writer, images, _allowed(writer, allowed, len(images)))
    return labels, margin


def interpolate(
    writer: Writer, first: tuple[np.ndarray, int], second: tuple[np.ndarray, int], steps: int
) -> np.ndarray:
    """Pictures on the way from one character in one style to the same, or another, in another style.

    The way leads through the noise that the styles are made from, where all characters share N(0,1), and along an arc:
    normal noise of many dimensions lies near a sphere, and half-way along the chord all writing looks alike. Where the
    characters differ, both are drawn all along, and blended by their share of the way: the logits of their ink, so that
    what both leave blank stays blank, and a stroke of one fades.

    Args:
        first: Style float32 `(Z,)` and label of the beginning. second: Of the end.
        steps: Pictures, both ends among them: 2 to MOST_STEPS.

    Returns:
        float32 `(steps, S, S, 1)` in [0, 1].

    Raises:
        UserError: `steps` is out of its range.
        ValueError: A style is of another length, or a label unknown.
    """
    if not 2 <= steps <= MOST_STEPS:
        raise UserError(f"steps: expected 2 to {MOST_STEPS}, both ends among them; received {steps}")
    styles = np.stack([first[0], second[0]]).astype(np.float32)
    labels = np.array([first[1], second[1]])
    check("NZ", styles=styles)
    check_labels(len(writer.alphabet), labels=labels)
    require(styles.shape[1] == writer.latent_size, f"styles must be of length {writer.latent_size}", styles=styles)
    share = np.linspace(0, 1, steps)
    way = arc(*writer.noise(styles, labels.astype(np.int32))[0], share)
    drawn = [draw(writer, way, np.full(steps, label, np.int32)) for label in dict.fromkeys(labels.tolist())]
    return drawn[0] if len(drawn) == 1 else blended(*drawn, share)


def arc(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Points float32 `(N, Z)` at shares `(N,)` of the arc between two vectors `(Z,)`; lengths change evenly.

    Where there is no one arc, since they point the same or opposite ways or one is zero, it is the chord.

    Reference: Shoemake 1985, "Animating rotation with quaternion curves"; White 2016 (arXiv:1609.04468) for latents.
    """
    share = share[:, None]
    chord = (1 - share) * first + share * second
    lengths = np.linalg.norm(first), np.linalg.norm(second)
    if min(lengths) == 0:
        return chord.astype(np.float32)
    cosine = np.clip(first @ second / (lengths[0] * lengths[1]), -1, 1)
    angle = np.arccos(cosine)
    if not PARALLEL < angle < np.pi - PARALLEL:
        return chord.astype(np.float32)
    weights = np.sin((1 - share) * angle) / np.sin(angle), np.sin(share * angle) / np.sin(angle)
    direction = weights[0] * first / lengths[0] + weights[1] * second / lengths[1]
    return (((1 - share) * lengths[0] + share * lengths[1]) * direction).astype(np.float32)


def blended(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Pictures `(N, S, S, 1)` in [0, 1] mixed by their logits, by shares `(N,)` of the second; at 0 and 1 they stay."""
    share = share.reshape(-1, 1, 1, 1)
    logits = [np.log(ink) - np.log1p(-ink) for ink in (np.clip(x, FAINTEST, 1 - FAINTEST) for x in (first, second))]
    mixed = 1 / (1 + np.exp(-(1 - share) * logits[0] - share * logits[1]))
    return np.select([share == 0, share == 1], [first, second], mixed).astype(np.float32)


def psnr(pictures: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each picture to the right one: -10 log10 of the mean squared error, in dB.

    Args:
        pictures: `(N, S, S, 1)`, uint8 or float in [0, 1]. right: The same.

    Returns:
        float64 `(N,)`, infinite for the very same.
    """
    check("NHW1 NHW1", pictures=pictures, right=right)
    error = np.square(unit_range(pictures).astype(float) - unit_range(right)).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return -10 * np.log10(error)


def _allowed(writer: Writer, allowed: str | None, count: int) -> np.ndarray:
    """Labels int32 `(count, K)` of the characters that may be read."""
    return np.tile(np.flatnonzero(writer.log_prior(allowed)[0] == 0).astype(np.int32), (count, 1))


def _check(writer: Writer, images: np.ndarray, labels: np.ndarray | None = None) -> None:
    """Refuses pictures that the writer does not take, or labels that do not fit them."""
    size = writer.image_size
    fits = images.dtype == np.uint8 and images.shape == (len(images), size, size, 1) and len(images) > 0
    require(fits, f"`images` must be uint8 (N, {size}, {size}, 1), N at least 1", images=images)
    if labels is not None:
        check("N N", images=images[:, 0, 0, 0], labels=labels)
        check_labels(len(writer.alphabet), labels=labels)

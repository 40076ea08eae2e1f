"""Which style, and which character, a noisy picture is best explained by: a writer's decoder turned around.

A picture is taken as paper + contrast * drawing(style) + noise. The noise of its pixels is held to follow Student's t,
whose scale is estimated, so that nobody has to tell which noise it is: to normal noise it is nearly normal, and what
salt hits it leaves out. Arrays are float32; pictures are flat, `(N, P)` of P pixels in [0, 1].

Reference: Lange et al. 1989, "Robust statistical modeling using the t distribution".
"""

from typing import NamedTuple

import numpy as np

from checks import unit_range
from generators import Writer

TAIL = 5.0  # degrees of freedom of Student's t: few, so that a pixel far off counts little, as one hit by salt should
FIRST_SCALE, LEAST_SCALE = 0.3, 0.2  # of the range from paper to ink; no drawing comes nearer to a clean picture
SETTLING = 6  # steps in which scale, paper and contrast settle
MOST_PAPER, LEAST_CONTRAST = 0.5, 0.3  # beyond, a veil or pale ink would rather be another shape
NUDGE = 0.05  # standard deviations of a style's noise: wide enough for float32, narrow enough for a slope
LONGEST_STEP = 2.0  # standard deviations, in a round: farther off, a slope says nothing
STEP_SHARES = (1.0, 0.4)  # of a step, in turn, until one helps
STAGES = ((8, 1), (2, 2), (2, 3))  # how many rounds labels are fitted for, and how many of them are left after that
PAIRS = 128  # pictures under a label fitted at a time: some 40 MB
LEAST_VARIANCE = 1e-4  # of a drawing: below, it has no ink to tell contrast by


class Explanation(NamedTuple):
    """How drawings became pictures: paper + contrast * drawing + noise of a scale; float32 (N, 1) each."""

    paper: np.ndarray
    contrast: np.ndarray
    scale: np.ndarray


def explained(writer: Writer, images: np.ndarray, candidates: np.ndarray) -> tuple[np.ndarray, ...]:
    """Finds the label and the style that explain each picture best.

    Args:
        images: uint8 `(N, S, S, 1)`, white ink on black.
        candidates: int `(N, K)`, labels to choose from.

    Returns:
        Labels `(N,)`; styles as noise from N(0,1) `(N, Z)`; and by how many nats float64 `(N,)` the label is ahead of
        the next best, infinite where K is 1.
    """
    at_a_time = max(1, PAIRS // candidates.shape[1])
    found = [_explained_together(writer, images[start : start + at_a_time], candidates[start : start + at_a_time])
             for start in range(0, len(images), at_a_time)]  # fmt: skip
    return tuple(np.concatenate(values) for values in zip(*found, strict=True))


def _explained_together(writer: Writer, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, ...]:
    """The same of few pictures. All labels are fitted for a round; the fewer the better they do, for more."""
    count = len(images)
    noise = _start(writer, np.repeat(images, labels.shape[1], axis=0), labels.ravel())
    for left, rounds in STAGES:
        pictures = _flat(np.repeat(unit_range(images), labels.shape[1], axis=0))
        noise, nats = _fit(writer, pictures, labels.ravel(), noise, rounds)
        noise, nats = noise.reshape(*labels.shape, -1), nats.reshape(labels.shape)
        order = np.argsort(nats, axis=1, kind="stable")[:, :left]
        labels, nats = np.take_along_axis(labels, order, 1), np.take_along_axis(nats, order, 1)
        noise = np.take_along_axis(noise, order[..., None], 1).reshape(-1, noise.shape[-1])
    best = noise.reshape(count, labels.shape[1], -1)[:, 0]
    lead = nats[:, 1] - nats[:, 0] if nats.shape[1] > 1 else np.full(count, np.inf)
    return labels[:, 0], best, lead


def _start(writer: Writer, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Noise `(N, Z)` to start from: of the encoder's style for the picture less its specks, or zero if that is better.

    What the writer draws from zero is its plainest form of the character.
    """
    pictures = _flat(unit_range(images))
    encoded = writer.noise(writer.encode(without_specks(images), labels)[0], labels)[0]
    starts = np.stack([encoded, np.zeros_like(encoded)])
    nats = []
    for noise in starts:
        drawn = _flat(draw(writer, noise, labels))
        nats.append(_nats(pictures, drawn, noise, _explain(pictures, drawn)))
    return starts[np.argmin(nats, axis=0), np.arange(len(labels))]


def _fit(
    writer: Writer, pictures: np.ndarray, labels: np.ndarray, noise: np.ndarray, rounds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rounds of Gauss-Newton from a start, each taken as far as it helps.

    Returns:
        Noise `(N, Z)`, and -log p(picture | label) in nats `(N,)`, up to a constant, by Laplace's approximation.
    """
    drawn = _flat(draw(writer, noise, labels))
    for _ in range(rounds):
        explanation = _explain(pictures, drawn)
        nats = _nats(pictures, drawn, noise, explanation)
        step, curvature = _newton(writer, pictures, labels, noise, drawn, explanation)
        for share in STEP_SHARES:
            tried = noise + share * step
            tried_drawn = _flat(draw(writer, tried, labels))
            tried_nats = _nats(pictures, tried_drawn, tried, explanation)
            better = tried_nats < nats
            nats = np.where(better, tried_nats, nats)
            noise, drawn = (np.where(better[:, None], *pair) for pair in ((tried, noise), (tried_drawn, drawn)))
            step = np.where(better[:, None], 0, step)
    nats = _nats(pictures, drawn, noise, _explain(pictures, drawn))
    return noise, nats + 0.5 * np.linalg.slogdet(curvature)[1]


def _newton(writer: Writer, pictures: np.ndarray, labels: np.ndarray, noise: np.ndarray, drawn: np.ndarray,
            explanation: Explanation) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The step of the noise `(N, Z)` to where the drawing, were it linear, would explain best, and the curvature there.

    Returns:
        Float32 `(N, Z)`, no longer than LONGEST_STEP, and `(N, Z, Z)`.
    """
    count, size = noise.shape
    nudged = noise[:, None] + NUDGE * np.eye(size, dtype=np.float32)  # (N, Z, Z)
    moved = _flat(draw(writer, nudged.reshape(-1, size), np.repeat(labels, size))).reshape(count, size, -1)
    slopes = explanation.contrast[..., None] / NUDGE * (moved - drawn[:, None])  # (N, Z, P)
    residuals = _residuals(pictures, drawn, explanation)
    weights = _weights(residuals, explanation.scale) / np.square(explanation.scale)
    weighted = slopes * weights[:, None]
    curvature = weighted @ slopes.swapaxes(1, 2) + np.eye(size, dtype=np.float32)
    downhill = (weighted @ residuals[..., None])[..., 0] - noise
    step = np.linalg.solve(curvature, downhill[..., None])[..., 0]
    length = np.linalg.norm(step, axis=1, keepdims=True)
    return step * (LONGEST_STEP / np.maximum(length, LONGEST_STEP)), curvature


def _explain(pictures: np.ndarray, drawn: np.ndarray) -> Explanation:
    """Paper, contrast and noise between drawings and pictures `(N, P)`: the t distribution's EM, all three in turn."""
    ones = np.ones((len(pictures), 1), np.float32)
    paper, contrast, scale = 0 * ones, ones, FIRST_SCALE * ones
    for _ in range(SETTLING):
        residuals = pictures - paper - contrast * drawn
        weights = _weights(residuals, scale)
        scale = np.maximum(np.sqrt((weights * residuals**2).mean(axis=1, keepdims=True)), LEAST_SCALE)
        share = weights / weights.sum(axis=1, keepdims=True)
        grey, ink = ((share * field).sum(axis=1, keepdims=True) for field in (pictures, drawn))
        covariance = (share * (drawn - ink) * (pictures - grey)).sum(axis=1, keepdims=True)
        variance = (share * (drawn - ink) ** 2).sum(axis=1, keepdims=True)
        contrast = np.clip(covariance / np.maximum(variance, LEAST_VARIANCE), LEAST_CONTRAST, 1)
        paper = np.clip(grey - contrast * ink, 0, MOST_PAPER)
    return Explanation(paper, contrast, scale)


def _residuals(pictures: np.ndarray, drawn: np.ndarray, explanation: Explanation) -> np.ndarray:
    """What of pictures `(N, P)` drawings do not explain."""
    return pictures - explanation.paper - explanation.contrast * drawn


def _weights(residuals: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """How far each pixel `(N, P)` is to be believed: (v + 1) / (v + r^2 / s^2) of Student's t with v = TAIL."""
    return (TAIL + 1) / (TAIL + np.square(residuals / scale))


def _nats(pictures: np.ndarray, drawn: np.ndarray, noise: np.ndarray, explanation: Explanation) -> np.ndarray:
    """-log p(picture, noise) `(N,)`, up to a constant: Student's t of the pixels, N(0,1) of the noise of the style."""
    residuals = _residuals(pictures, drawn, explanation) / explanation.scale
    pixels = (TAIL + 1) / 2 * np.log1p(np.square(residuals) / TAIL) + np.log(explanation.scale)
    return pixels.sum(axis=1, dtype=float) + 0.5 * np.square(noise).sum(axis=1)


def without_specks(images: np.ndarray) -> np.ndarray:
    """Each pixel the median of the nine around it: uint8 `(N, S, S, 1)`."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = images.shape[1:3]
    nine = [padded[:, down : down + height, right : right + width] for down in range(3) for right in range(3)]
    return np.sort(np.stack(nine), axis=0)[4]


def _flat(pictures: np.ndarray) -> np.ndarray:
    """float32 `(N, P)` of `(N, S, S, 1)`."""
    return pictures.reshape(len(pictures), -1)


def draw(writer: Writer, noise: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Characters float32 `(N, S, S, 1)` in [0, 1] of noise from N(0,1) float32 `(N, Z)` and labels `(N,)`."""
    return writer.decode(writer.styles(noise, labels), labels)

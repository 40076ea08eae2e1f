"""How likely a conditional VAE finds real handwriting: nats a picture, by importance sampling.

Picture k of any figure depends on the seed and k alone.
"""

import math

import numpy as np

from checks import unit_range
from config import ACTIVE_VARIANCE
from evaluation_data import Pictures
from generator_metrics import importance_weighted_bound
from generators import Writer
from report import Measure, Section

BLOCK = 2000  # styles decoded at a time: bounds the memory
NEVER = 1e-7  # least probability of ink, and of none: float32 tells no less from 1
NEAR_HALF = 0.04  # of |2 l - 1|, where the continuous Bernoulli's constant is 0 / 0
SAMPLE, BINARISED, PROPOSED, APART = 1, 2, 3, 4  # streams of random numbers; never 0, with which a seed is padded
NATS = "nats"


def generator_of(seed: int, number: int, stream: int) -> np.random.Generator:
    """The random numbers of one picture."""
    return np.random.default_rng([seed, number, stream])


def likelihood(writer: Writer, pictures: Pictures, count: int, samples: int, seed: int) -> Section:
    """How many nats real pictures cost, given what they show.

    Args:
        count: How many of them are measured. samples: Styles proposed for each.
    """
    some, binary = pictures.stratified(count), writer.card["likelihood"] == "bernoulli"
    seen = binarised(some.images, seed) if binary else some.images
    bound, reconstruction, divergence = nats(writer, seen, some.labels, samples, seed)
    mean, _ = writer.encode(seen, some.labels)
    active = int(np.count_nonzero(mean.var(axis=0) > ACTIVE_VARIANCE))
    kind = "negative log-likelihood" if binary else "negative log density of grey pictures"
    values = {f"{kind}, k = {samples:,}": -bound,
              "negative evidence lower bound": reconstruction + divergence,
              "of it reconstruction": reconstruction, "of it KL divergence": divergence}  # fmt: skip
    measures = {name: Measure.mean(each, NATS, seed, writers=some.writers) for name, each in values.items()}
    measures["active latents"] = Measure(active, None, None, len(some.labels), f"of {writer.latent_size}")
    note = ("Given the character; pictures binarised by chance as grey as they are, once, by the seed." if binary else
            "Given the character, of grey levels under the continuous Bernoulli: a density, which no count of nats "
            "of binarised pictures compares with.")  # fmt: skip
    return Section(f"likelihood: {pictures.name}", pictures.dataset, measures, (next(iter(values)), "active latents"),
                   note=note)  # fmt: skip


def binarised(images: np.ndarray, seed: int) -> np.ndarray:
    """Pixels are ink, 255, with the probability of their grey level, and else none: uint8 `(N, S, S, 1)` of the same.

    Reference: Salakhutdinov and Murray 2008, "On the Quantitative Analysis of Deep Belief Networks".
    """
    chance = (generator_of(seed, number, BINARISED).random(image.shape) for number, image in enumerate(images))
    return np.stack([np.where(255 * one < image, np.uint8(255), np.uint8(0))
                     for one, image in zip(chance, images, strict=True)])  # fmt: skip


def nats(
    writer: Writer, images: np.ndarray, labels: np.ndarray, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What pictures cost under a writer, by styles proposed by its encoder.

    Args:
        images: uint8 `(N, S, S, 1)`, of 0 and 255 alone for a Bernoulli. labels: int `(N,)`.
        count: k, styles proposed for a picture.

    Returns:
        float64 `(N,)` each: the importance-weighted bound of ln p(x | y); -ln p(x | z, y) and ln q(z | x, y) -
        ln p(z | y), means over the styles z, whose sum is the negative evidence lower bound.

    Reference: Burda et al. 2016, "Importance Weighted Autoencoders" (arXiv:1509.00519).
    """
    moments, continuous = writer.encode(images, labels), writer.card["likelihood"] == "continuous"
    rows = []
    for number, (image, label, mean, log_variance) in enumerate(zip(images, labels, *moments, strict=True)):
        proposed = generator_of(seed, number, PROPOSED).standard_normal((count, len(mean)), np.float32)
        densities = [density_of(writer, image, label, mean, log_variance, proposed[start : start + BLOCK], continuous)
                     for start in range(0, count, BLOCK)]  # fmt: skip
        picture, gap = np.concatenate(densities, axis=1)
        bound = importance_weighted_bound((picture - gap)[:, None])[0]
        rows.append((bound, -picture.mean(), gap.mean()))
    return tuple(np.array(rows).T)


def density_of(writer: Writer, image: np.ndarray, label: int, mean: np.ndarray, log_variance: np.ndarray,
               proposed: np.ndarray, continuous: bool) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """ln p(x | z, y) and ln q(z | x, y) - ln p(z | y) of one picture, float64 `(K,)` each; `proposed` is `(K, Z)`."""
    styles, labels = mean + np.exp(0.5 * log_variance) * proposed, np.full(len(proposed), label, np.int32)
    log_q = -0.5 * (np.square(proposed.astype(float)) + np.log(2 * np.pi) + log_variance).sum(axis=1)
    log_p = writer.noise(styles, labels)[1].astype(float)
    return log_likelihood(writer.decode(styles, labels), unit_range(image), continuous), log_q - log_p


def log_likelihood(drawn: np.ndarray, picture: np.ndarray, continuous: bool) -> np.ndarray:
    """ln p of a picture float32 `(S, S, 1)` in [0, 1] under each of K drawings `(K, S, S, 1)`: float64 `(K,)`.

    Sum over pixels of x ln l + (1 - x) ln(1 - l), l the drawing's; and of ln C(l) for a continuous Bernoulli.

    Reference: Loaiza-Ganem and Cunningham 2019, "The continuous Bernoulli" (arXiv:1907.06845).
    """
    ink = np.clip(drawn.reshape(len(drawn), -1), NEVER, 1 - NEVER)
    grey = picture.reshape(-1)
    log_p = np.log(ink) @ grey + np.log(1 - ink) @ (1 - grey)
    return log_p.astype(float) + (log_constant(ink).sum(axis=1, dtype=float) if continuous else 0)


def log_constant(ink: np.ndarray) -> np.ndarray:
    """ln C(l) of the continuous Bernoulli, l in (0, 1): C = ln(l / (1 - l)) / (2 l - 1); its series near l = 1/2."""
    t = np.abs(2 * ink - 1)  # C is even in it
    near = t < NEAR_HALF
    logit = np.abs(np.log(ink) - np.log(1 - ink))
    return np.where(
        near, math.log(2) + t**2 / 3 + 13 / 90 * t**4, np.log(np.where(near, 1, logit / np.where(near, 1, t)))
    )

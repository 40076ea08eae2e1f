"""Clusters of pictures that look alike: what a network without labels is told in a label's stead.

Reference: Liu et al. 2020, "Diverse Image Generation via Self-Conditioned GANs" (arXiv:2006.10728), who cluster what
the discriminator sees; here it is the pixels, once, so that a run stays a function of its seed.
"""

from typing import NamedTuple

import numpy as np
from keras import layers, ops

from shell import UserError

FITTED = 20_000  # pictures of a character that its centres are found with; more hardly move them
ITERATIONS = 60  # of k-means; a picture in a thousand changes its cluster after that
POOLED = 2  # pixels of a side whose mean is compared: strokes a pixel apart are alike


class Clusters(NamedTuple):
    """What k-means found in the pictures of each of K characters, its C clusters in the order of their slant.

    `centres`: float32 `(K, C, (S/2)²)`. `shares`: float64 `(K, C)`, of the character's pictures; they add up to 1.
    """

    centres: np.ndarray
    shares: np.ndarray


def find_clusters(images: np.ndarray, labels: np.ndarray, count: int, seed: int) -> Clusters:
    """Divides the pictures of every character into clusters by k-means.

    Args:
        images: uint8 `(N, S, S, 1)`. labels: int `(N,)`, from 0; all 0 where nobody knows what they show.
        count: C, of each character. seed: Of the centres that k-means begins with.

    Raises:
        UserError: A character has fewer pictures than clusters.

    Reference: Lloyd 1982, "Least squares quantization in PCM"; seeds after Arthur & Vassilvitskii 2007, "k-means++".
    """
    from threadpoolctl import threadpool_limits

    fewest = np.bincount(labels).min(initial=len(labels))
    if fewest < count:
        raise UserError(f"clusters={count}: expected as many training pictures or more to find them in; received "
                        f"{fewest}; raise --limit, choose a larger --dataset, or lower --model.clusters")  # fmt: skip
    with threadpool_limits(1):  # threads would add up in the order in which they end
        found = [_divide(_seen(images[labels == label]), count, seed) for label in range(labels.max() + 1)]
    return Clusters(*map(np.stack, zip(*found, strict=True)))


def _seen(images: np.ndarray) -> np.ndarray:
    """What is compared of pictures uint8 `(N, S, S, 1)`: float32 `(N, (S/2)²)` in [0, 1]."""
    number, side = len(images), images.shape[1] // POOLED
    pooled = images.reshape(number, side, POOLED, side, POOLED).mean(axis=(2, 4)) / 255
    return pooled.reshape(number, -1).astype(np.float32)


def _divide(seen: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.cluster import KMeans  # loaded here: it costs over a second

    some = np.random.default_rng(seed).permutation(len(seen))[:FITTED]
    found = KMeans(count, n_init=1, max_iter=ITERATIONS, random_state=seed).fit(seen[some])
    order = np.argsort(_slants(found.cluster_centers_), kind="stable")
    shares = np.bincount(found.predict(seen), minlength=count) / len(seen)
    return found.cluster_centers_[order], shares[order]


def _slants(centres: np.ndarray) -> np.ndarray:
    """Pixels to the right a pixel down, `(C,)`: one noise then slants all characters alike."""
    side = round(centres.shape[1] ** 0.5)
    ink = centres.reshape(-1, side, side) / centres.sum(axis=1)[:, None, None]
    down, right = np.mgrid[:side, :side]
    down, right = (place - (ink * place).sum(axis=(1, 2), keepdims=True) for place in (down, right))
    return (ink * down * right).sum(axis=(1, 2)) / (ink * down**2).sum(axis=(1, 2))


class NearestCluster(layers.Layer):
    """Of each character the cluster whose centre is nearest to a picture `(B, S, S, 1)` in [0, 1]: `(B, K, C)`, 0 or 1.

    Args:
        characters: K. count: C.
    """

    def __init__(self, characters: int, count: int, **kwargs):
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.characters, self.count = characters, count

    def build(self, shape):
        shape = (self.characters, self.count, (shape[1] // POOLED) ** 2)
        self.centres = self.add_weight(shape=shape, initializer="random_uniform", trainable=False, name="centres")

    def call(self, images):
        side = images.shape[1] // POOLED
        pooled = ops.mean(ops.reshape(images, (-1, side, POOLED, side, POOLED)), axis=(2, 4))
        seen = ops.reshape(pooled, (-1, side * side))
        squares = ops.sum(ops.square(self.centres), axis=2)  # the picture's own are the same for all centres
        nearness = 2 * ops.einsum("bd,kcd->bkc", seen, self.centres) - squares
        _, nearest = ops.top_k(nearness, 1)  # (B, K, 1); Keras' argmax is more than ONNX can be told
        return ops.one_hot(nearest[..., 0], self.count)


class DrawnCluster(layers.Layer):
    """Of each character the cluster that noise `(B, Z)` from N(0,1) draws by its first number: `(B, K, C)`, 0 or 1.

    Args:
        characters: K. count: C.
    """

    def __init__(self, characters: int, count: int, **kwargs):
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.characters, self.count = characters, count

    def build(self, shape):
        self.bounds = self.add_weight(shape=(self.characters, self.count - 1), trainable=False, name="bounds")
        self.bounds.assign(bounds_of(np.full((self.characters, self.count), 1 / self.count)))

    def call(self, noise):
        above = ops.cast(noise[:, :1, None] > self.bounds, "int32")  # (B, K, C - 1)
        return ops.one_hot(ops.sum(above, axis=2), self.count)


def bounds_of(shares: np.ndarray) -> np.ndarray:
    """Where N(0,1) is to be cut so that pieces have the shares `(K, C)`, which add up to 1: float32 `(K, C - 1)`."""
    from scipy.special import ndtri

    return ndtri(np.cumsum(shares, axis=1)[:, :-1]).astype(np.float32)


def told_of(clusters, weights=None):
    """What networks are told: weights `(B, K C)` of clusters `(B, K, C)` of characters of weights `(B, K)`, or of 1."""
    told = clusters if weights is None else ops.expand_dims(weights, 2) * clusters
    return ops.reshape(told, (-1, told.shape[1] * told.shape[2]))

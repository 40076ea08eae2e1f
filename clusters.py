"""Clusters of pictures that look alike: what the networks of a plain GAN are told in a character's stead; and styles.

Reference: Liu et al. 2020, "Diverse Image Generation via Self-Conditioned GANs" (arXiv:2006.10728), who cluster what
the discriminator sees, again and again; here it is the directions of strokes set upright, once, so that nothing moves
in training.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from keras import layers, ops

from batches import weights_of_rare
from shell import UserError

FITTED = 20_000  # pictures that the centres are found with; more hardly move them
BLOCK = 500 * 28**3  # numbers at a time, a picture's being its side cubed, to take slants out: bounds the memory
STYLES = 64  # of a character, at most
FEWEST_ALIKE = 50  # pictures a style on average, at least: of fewer, what is rare is chance
ITERATIONS = 60  # of k-means; a picture in a thousand changes its cluster after that
STEEPEST = 1.0  # slant, pixels to the side a row, that is taken out
NO_HEIGHT = 0.1  # square pixels added to how far ink spreads in height: what lies flat has no slant
DIRECTIONS = 8  # that ink may rise in
CELL = 4  # pixels of a side over which it is summed up
FAINT = 0.05  # length of a cell's directions that counts as much as all others together


class Clusters(NamedTuple):
    """What k-means found: `centres`, float32 `(C, D)`, and `shares` of the pictures nearest to each, float64 `(C,)`."""

    centres: np.ndarray
    shares: np.ndarray


def find_clusters(images: np.ndarray, count: int, seed: int) -> Clusters:
    """Divides pictures into clusters by k-means.

    Args:
        images: uint8 `(N, S, S, 1)`. count: C. seed: Of the centres that it begins with.

    Raises:
        UserError: There are fewer different pictures than clusters.

    Reference: Lloyd 1982, "Least squares quantization in PCM"; seeds after Arthur & Vassilvitskii 2007, "k-means++".
    """
    from threadpoolctl import threadpool_limits

    some = images[np.random.default_rng(seed).permutation(len(images))[:FITTED]]
    different = _count_different(some)
    if different < count:
        raise UserError(f"clusters={count}: expected as many different training pictures or more, received {different} "
                        f"(at most {FITTED:,} are looked at); raise --limit, choose a larger --dataset, or lower "
                        f"--model.clusters")  # fmt: skip
    with threadpool_limits(1):  # threads would add up in the order in which they end
        found = _fitted(some, count, seed)
        nearest = np.concatenate([found.predict(block) for block in _blocks(images)])
    return Clusters(found.cluster_centers_, np.bincount(nearest, minlength=count) / len(images))


def weights_of_styles(images: np.ndarray, labels: np.ndarray, rarity: float, seed: int) -> np.ndarray:
    """How often pictures are to be drawn so that rare styles are not passed over: `weights_of_rare` of clusters.

    Args:
        images: uint8 `(N, S, S, 1)`. labels: int `(N,)`. rarity: 0: as often as people write them; 1: all styles of a
            character as often. seed: Of the clusters.

    Returns:
        float64 `(N,)`; for each character the mean is 1.
    """
    from threadpoolctl import threadpool_limits

    styles = np.zeros(len(labels), int)
    with threadpool_limits(1):  # likewise
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            styles[members] = label * STYLES + _styles(images[members], seed)
    return weights_of_rare(labels, styles, rarity)


def _styles(images: np.ndarray, seed: int) -> np.ndarray:
    """The style of each of one character's pictures, `(N,)`, numbered from 0."""
    count = min(STYLES, len(images) // FEWEST_ALIKE, _count_different(images))
    return _fitted(images, count, seed).labels_ if count > 1 else np.zeros(len(images), int)


def _count_different(images: np.ndarray) -> int:
    return len(np.unique(images.reshape(len(images), -1), axis=0))


def _fitted(images: np.ndarray, count: int, seed: int):
    from sklearn.cluster import KMeans

    return KMeans(count, n_init=1, max_iter=ITERATIONS, random_state=seed).fit(np.concatenate(list(_blocks(images))))


def _blocks(images: np.ndarray) -> Iterator[np.ndarray]:
    count = max(1, BLOCK // images.shape[1] ** 3)
    for start in range(0, len(images), count):
        yield ops.convert_to_numpy(directions(images[start : start + count] / np.float32(255)))


def upright(images):
    """Pictures `(B, S, S, 1)` in [0, 1] with their slant taken out, row by row: `(B, S, S)`.

    Reference: LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", deslanted by moments.
    """
    ink, places = images[..., 0], np.arange(images.shape[1], dtype=np.float32)
    share = ink / ops.maximum(ops.sum(ink, axis=(1, 2), keepdims=True), 1.0)  # of a blank picture 0
    down = places - ops.sum(share * places[:, None], axis=(1, 2))[:, None]  # (B, S)
    right = places - ops.sum(share * places, axis=(1, 2))[:, None]
    together = ops.sum(share * down[:, :, None] * right[:, None], axis=(1, 2))
    spread = ops.sum(share * ops.square(down)[:, :, None], axis=(1, 2)) + NO_HEIGHT
    slant = ops.clip(together / spread, -STEEPEST, STEEPEST)  # (B,)
    taken_from = places + (slant[:, None] * down)[:, :, None]  # (B, S, S), columns
    weights = ops.relu(1 - ops.abs(taken_from[..., None] - places))  # linear between two pixels, (B, S, S, S)
    return ops.einsum("bri,brci->brc", ink, weights)


def directions(images):
    """In which directions ink rises in each cell of pictures `(B, S, S, 1)` in [0, 1], set upright: `(B, D)`.

    Reference: Dalal & Triggs 2005, "Histograms of Oriented Gradients for Human Detection"; here each slope counts in
    all directions by its part in them, and cells are normalised one by one.
    """
    cells = images.shape[1] // CELL
    framed = ops.pad(upright(images), [(0, 0), (1, 1), (1, 1)])
    right = framed[:, 1:-1, 2:] - framed[:, 1:-1, :-2]
    down = framed[:, 2:, 1:-1] - framed[:, :-2, 1:-1]
    angles = 2 * np.pi / DIRECTIONS * np.arange(DIRECTIONS, dtype=np.float32)
    rising = ops.relu(right[..., None] * np.cos(angles) + down[..., None] * np.sin(angles))  # (B, S, S, 8)
    rising = ops.mean(ops.reshape(rising, (-1, cells, CELL, cells, CELL, DIRECTIONS)), axis=(2, 4))
    length = ops.sqrt(ops.sum(ops.square(rising), axis=-1, keepdims=True))
    return ops.reshape(rising / (length + FAINT), (-1, cells**2 * DIRECTIONS))


class Clustered(layers.Layer):
    """A layer about `count` clusters, which `GAN.set_clusters` tells it; it learns nothing itself."""

    def __init__(self, count: int, **kwargs):
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.count = count


class NearestCluster(Clustered):
    """The cluster whose centre is nearest to a picture `(B, S, S, 1)` in [0, 1], one-hot: `(B, C)`."""

    def build(self, shape):
        length = (shape[1] // CELL) ** 2 * DIRECTIONS
        self.centres = self.add_weight(shape=(self.count, length), initializer="random_uniform", name="centres")

    def call(self, images):
        squares = ops.sum(ops.square(self.centres), axis=1)  # the picture's own are the same for all centres
        nearness = 2 * ops.matmul(directions(images), ops.transpose(self.centres)) - squares
        _, nearest = ops.top_k(nearness, 1)  # Keras' argmax is more than ONNX can be told
        return ops.one_hot(nearest[:, 0], self.count)


class DrawnCluster(Clustered):
    """The cluster that noise `(B, Z)` from N(0,1) draws by its first number, one-hot: `(B, C)`."""

    def build(self, shape):
        self.bounds = self.add_weight(shape=(self.count - 1,), initializer=_evenly, name="bounds")

    def call(self, noise):
        above = ops.cast(noise[:, :1] > self.bounds, "int32")  # (B, C - 1)
        return ops.one_hot(ops.sum(above, axis=1), self.count)


def _evenly(shape, dtype=None):
    return ops.convert_to_tensor(bounds_of(np.full(shape[0] + 1, 1 / (shape[0] + 1))), dtype)


def bounds_of(shares: np.ndarray) -> np.ndarray:
    """Where N(0,1) is to be cut so that pieces have the shares `(C,)`, which add up to 1: float32 `(C - 1,)`."""
    from scipy.special import ndtri

    return ndtri(np.clip(np.cumsum(shares)[:-1], 1e-9, 1 - 1e-9)).astype(np.float32)

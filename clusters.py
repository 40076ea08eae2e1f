"""Clusters of pictures that look alike: what a network without labels is told in a label's stead.

Reference: Liu et al. 2020, "Diverse Image Generation via Self-Conditioned GANs" (arXiv:2006.10728), who cluster what
the discriminator sees; here it is the pixels, once, so that a run stays a function of its seed.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

from shell import UserError

FITTED = 20_000  # pictures that the centres are found with; more hardly move them
ITERATIONS = 60  # of k-means; a picture in a thousand changes its cluster after that
POOLED = 2  # pixels of a side whose mean is compared: strokes a pixel apart are alike


class Clusters(NamedTuple):
    """What k-means found.

    `centres`: float32 `(C, (S/2)²)`. `shares`: float64 `(C,)`, of the pictures nearest to each; their sum is 1.
    """

    centres: np.ndarray
    shares: np.ndarray


def find_clusters(images: np.ndarray, count: int, seed: int) -> Clusters:
    """Divides pictures uint8 `(N, S, S, 1)` into `count` clusters by k-means.

    Raises:
        UserError: There are fewer pictures than clusters.

    Reference: Lloyd 1982, "Least squares quantization in PCM"; seeds after Arthur & Vassilvitskii 2007, "k-means++".
    """
    from sklearn.cluster import KMeans  # loaded here: it costs over a second
    from threadpoolctl import threadpool_limits

    if len(images) < count:
        raise UserError(f"clusters={count}: expected as many training pictures or more; received {len(images)}; raise "
                        f"--limit, choose a larger --dataset, or set --model.clusters lower")  # fmt: skip
    number, side = len(images), images.shape[1]
    pooled = images.reshape(number, side // POOLED, POOLED, side // POOLED, POOLED).mean(axis=(2, 4)) / 255
    seen = pooled.reshape(number, -1).astype(np.float32)
    some = np.random.default_rng(seed).permutation(number)[:FITTED]
    with threadpool_limits(1):  # threads would add up in the order in which they end
        found = KMeans(count, n_init=1, max_iter=ITERATIONS, random_state=seed).fit(seen[some])
        nearest = found.predict(seen)
    return Clusters(found.cluster_centers_, np.bincount(nearest, minlength=count) / number)


class NearestCluster(layers.Layer):
    """The cluster whose centre is nearest to a picture `(B, S, S, 1)` in [0, 1], one-hot: `(B, C)`."""

    def __init__(self, count: int, **kwargs):
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.count = count

    def build(self, shape):
        self.centres = self.add_weight(shape=(self.count, (shape[1] // POOLED) ** 2), initializer="random_uniform",
                                       trainable=False, name="centres")  # fmt: skip

    def call(self, images):
        pooled = ops.average_pool(images, POOLED)
        seen = ops.reshape(pooled, (-1, self.centres.shape[1]))  # (B, (S/2)²)
        squares = ops.sum(ops.square(self.centres), axis=1)  # the picture's own are the same for all centres
        return ops.one_hot(ops.argmin(squares - 2 * ops.matmul(seen, ops.transpose(self.centres)), axis=1), self.count)


class DrawnCluster(layers.Layer):
    """The cluster that noise `(B, Z)` from N(0,1) falls into by its first number, one-hot: `(B, C)`."""

    def __init__(self, count: int, **kwargs):
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.count = count

    def build(self, shape):
        even = keras.initializers.Constant(bounds_of(np.full(self.count, 1 / self.count)))
        self.bounds = self.add_weight(shape=(self.count - 1,), initializer=even, trainable=False, name="bounds")

    def call(self, noise):
        above = ops.cast(noise[:, :1] > self.bounds, "int32")
        return ops.one_hot(ops.sum(above, axis=1), self.count)


def bounds_of(shares: np.ndarray) -> np.ndarray:
    """Where N(0,1) is to be cut so that `C` pieces have these shares, the sum of which is 1: float32 `(C - 1,)`."""
    from scipy.special import ndtri

    return ndtri(np.cumsum(shares)[:-1]).astype(np.float32)

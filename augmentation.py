"""Training pictures moved, bent, thickened and soiled on the device; and what is no character, made of them."""

import math

import keras
from keras import layers, ops

from config import AugmentConfig

BENDS = 5  # nodes a side of the random field that bends a picture: about one a stroke


class Seeded(layers.Layer):
    """A layer with randomness of its own; `train.py` sets its generator's state anew at the start of each epoch."""

    def __init__(self, seed: int = 0, **kwargs):
        super().__init__(autocast=False, **kwargs)  # half precision would blur places by 1/8 pixel
        self.generator = keras.random.SeedGenerator(seed)


class RandomWarp(Seeded):
    """Moves, slants, stretches and bends every picture of a batch in its own way; the identity outside training.

    All of it is one map, so a picture is interpolated once; a chain of Keras' own layers would blur it four times.

    Args:
        config: How far a picture may move.
        seed: Seed of the layer's generator.

    Input and output shape: `(B, S, S, 1)`, float32, in 0..255.

    Reference: Simard et al. 2003, "Best Practices for Convolutional Neural Networks", for the elastic part.
    """

    def __init__(self, config: AugmentConfig, seed: int = 0, **kwargs):
        super().__init__(seed, **kwargs)
        self.config = config

    def call(self, images, training: bool = False):
        if not training:
            return images
        size = images.shape[1]
        draws = keras.random.uniform((ops.shape(images)[0], 6), -1.0, 1.0, seed=self.generator)
        matrices = self._matrices(draws, (size - 1) / 2)
        if self.config.elastic or self.config.sampling != "bilinear":
            places = self._places(matrices, ops.shape(images)[0], size)
            moved = sampled(images, *places, SAMPLINGS[self.config.sampling])
        else:
            moved = ops.image.affine_transform(images, matrices, interpolation="bilinear", fill_mode="constant")
        if self.config.share == 1:
            return moved
        chosen = keras.random.uniform((ops.shape(images)[0], 1, 1, 1), seed=self.generator) < self.config.share
        return ops.where(chosen, moved, images)

    def _matrices(self, draws, centre: float):
        """The inverse maps, output pixel to input pixel about the centre, as `(B, 8)`: a0 a1 a2 b0 b1 b2 0 0."""
        limits = self.config
        angle = draws[:, 0] * math.radians(limits.rotation)
        width, height = 1 + draws[:, 1] * limits.zoom, 1 + draws[:, 2] * limits.zoom
        slant = draws[:, 3] * limits.shear
        cos, sin = ops.cos(angle), ops.sin(angle)
        a0, a1 = cos / width, (slant * cos - sin) / width
        b0, b1 = sin / height, (slant * sin + cos) / height
        a2 = centre - a0 * centre - a1 * centre + draws[:, 4] * limits.shift
        b2 = centre - b0 * centre - b1 * centre + draws[:, 5] * limits.shift
        zero = ops.zeros_like(angle)
        return ops.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=1)  # (B, 8)

    def _places(self, matrices, count, size: int):
        """Where each output pixel comes from: x and y `(B, S*S)`, the affine map with the elastic field added."""
        row, column = (ops.reshape(line, (1, -1)) for line in ops.meshgrid(
            ops.arange(size, dtype="float32"), ops.arange(size, dtype="float32"), indexing="ij"))  # fmt: skip
        a0, a1, a2, b0, b1, b2 = (matrices[:, k : k + 1] for k in range(6))
        x, y = a0 * column + a1 * row + a2, b0 * column + b1 * row + b2
        if not self.config.elastic:
            return x, y
        nodes = keras.random.normal((count, BENDS, BENDS, 2), stddev=self.config.elastic, seed=self.generator)
        field = ops.image.resize(nodes, (size, size), interpolation="bicubic")  # (B, S, S, 2)
        bend_x, bend_y = (ops.reshape(field[..., axis], (-1, size * size)) for axis in (0, 1))
        return x + bend_x, y + bend_y


def linear_weights(beyond):
    """What either neighbour counts, of a place that lies so far, 0 to 1, beyond the first of them."""
    return 1 - beyond, beyond


def cubic_weights(beyond):
    """What each of four neighbours counts, of a place that lies so far, 0 to 1, beyond the second of them.

    Reference: Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing".
    """

    def outer(t):
        return -t * (1 - t) * (1 - t) / 2

    def inner(t):
        return 1 - t * t * (5 - 3 * t) / 2

    return outer(beyond), inner(beyond), inner(1 - beyond), outer(1 - beyond)


SAMPLINGS = {"bilinear": (1, linear_weights), "bicubic": (2, cubic_weights)}
"""How pictures are read off: neighbours on either side along an axis, and what they count."""


def sampled(images, x, y, sampling):
    """Pictures read off between their pixels; paper (0) lies around them.

    Args:
        images: float `(B, S, S, 1)`, in 0..255.
        x: columns, float `(B, S*S)`, one for each pixel of the result.
        y: rows, likewise.
        sampling: One of the values of `SAMPLINGS`.

    Returns:
        float `(B, S, S, 1)`, in 0..255: what shoots beyond is cut.
    """
    size, (reach, weights) = images.shape[1], sampling
    side = size + 2 * reach
    flat = ops.reshape(ops.pad(images[..., 0], [(0, 0), (reach, reach), (reach, reach)]), (-1, side * side))
    x, y = ops.clip(x, -1.0, size) + reach, ops.clip(y, -1.0, size) + reach
    left, top = (ops.floor(ops.minimum(place, side - reach - 0.001)) for place in (x, y))
    first = ops.cast((top - reach + 1) * side + left - reach + 1, "int32")  # (B, S*S), the neighbour at the top left
    across, down = weights(x - left), weights(y - top)

    def row(below: int):
        found = (ops.take_along_axis(flat, first + below * side + beside, axis=1) for beside in range(2 * reach))
        return sum(pixel * weight for pixel, weight in zip(found, across, strict=True))

    read = sum(row(below) * weight for below, weight in enumerate(down))  # (B, S*S)
    return ops.reshape(ops.clip(read, 0.0, 255.0), (-1, size, size, 1))


class RandomStroke(Seeded):
    """Thickens or thins the strokes of every picture by its own amount; the identity outside training.

    A share of the way to the picture's dilation, or to its erosion, by 3x3 pixels: half a pixel is possible.

    Args:
        reach: The largest share, in [0, 1].
        seed: Seed of the layer's generator.

    Input and output shape: `(B, S, S, 1)`, float32.
    """

    def __init__(self, reach: float, seed: int = 0, **kwargs):
        super().__init__(seed, **kwargs)
        self.reach = reach

    def call(self, images, training: bool = False):
        if not training:
            return images
        amount = keras.random.uniform((ops.shape(images)[0], 1, 1, 1), -self.reach, self.reach, seed=self.generator)
        dilated, eroded = _dilated(images), -_dilated(-images)
        thicker, thinner = ops.maximum(amount, 0.0), ops.maximum(-amount, 0.0)
        return images + thicker * (dilated - images) + thinner * (eroded - images)


def _dilated(images):
    """The largest of each pixel's 3x3 neighbours, by rows, then columns: on a CPU ten times as fast as pooling."""
    size = images.shape[1]
    padded = ops.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    for rows in (True, False):
        parts = [padded[:, k : k + size] if rows else padded[:, :, k : k + size] for k in range(3)]
        padded = ops.maximum(parts[0], ops.maximum(parts[1], parts[2]))
    return padded


class RandomGrain(Seeded):
    """Puts noise on every other picture, each its own amount and mixture of two kinds; the identity outside training.

    One kind is normal noise on every pixel, as of a sensor in dim light; the other makes single pixels white, as dust.

    Args:
        most: Standard deviation of normal noise alone at its strongest, as a share of the range from paper to ink.
        seed: Seed of the layer's generator.

    Input and output shape: `(B, S, S, 1)`, float32 in 0..255.
    """

    SPECKS = 0.25  # share of the pixels made white where there are specks alone, for as much deviation of normal noise

    def __init__(self, most: float, seed: int = 0, **kwargs):
        super().__init__(seed, **kwargs)
        self.most = most

    def call(self, images, training: bool = False):
        if not training:
            return images
        amounts, mixture = (keras.random.uniform((ops.shape(images)[0], 1, 1, 1), low, 1.0, seed=self.generator)
                            for low in (-1.0, 0.0))  # fmt: skip
        amounts = self.most * ops.relu(amounts)
        normal = keras.random.normal(ops.shape(images), seed=self.generator) * (255 * amounts * (1 - mixture))
        specks = keras.random.uniform(ops.shape(images), seed=self.generator) < self.SPECKS * amounts * mixture
        return ops.where(specks, 255.0, ops.clip(images + normal, 0.0, 255.0))


def augmented(images, config: AugmentConfig, seed: int):
    """Training pictures `(B, S, S, 1)`, float, moved, bent and thickened as `config` says; not so outside training."""
    if config.share:
        images = RandomWarp(config, seed=seed, name="augment")(images)
    return RandomStroke(config.stroke, seed=seed, name="stroke")(images) if config.stroke else images


def soiled(images, config: AugmentConfig, seed: int):
    """What a network shall read, `(B, S, S, 1)`, float in 0..255, with `config`'s noise; without it outside training.

    Noise comes last, upon characters and non-characters alike: else it would tell the one from the other.
    """
    return RandomGrain(config.noise, seed=seed, name="grain")(images) if config.noise else images


class RandomStrays(Seeded):
    """Non-characters made of a batch of characters: tangles of their ink, and smudges and textures without any.

    Args:
        one_in: There is one of either kind for so many characters.
        sampling: How characters are read off as they are thrown: as all others are, or blur would tell them apart.
        seed: Seed of the layer's generator.

    Input shape: `(B, S, S, 1)` in 0..255. Output: `(M, S, S, 1)`, M being twice B / `one_in`, rounded up.
    """

    TANGLED = 4  # characters in one tangle at most

    def __init__(self, one_in: int = 16, sampling: str = "bilinear", seed: int = 0, **kwargs):
        super().__init__(seed, **kwargs)
        self.one_in = one_in
        wild = AugmentConfig(rotation=180.0, shift=7.0, zoom=0.5, shear=0.5, sampling=sampling)
        self.throw = RandomWarp(wild, seed=seed + 1)

    def call(self, images):
        count = (ops.shape(images)[0] + self.one_in - 1) // self.one_in
        return ops.concatenate([self._tangles(images, count), self._textures(images, count)], axis=0)

    def _tangles(self, images, count):
        """Two to four characters thrown over each other, turned anyhow."""
        size, total = images.shape[1], ops.shape(images)[0]
        drawn = keras.random.randint((count * self.TANGLED,), 0, total, seed=self.generator)
        thrown = self.throw(ops.take(images, drawn, axis=0), training=True)
        thrown = ops.reshape(thrown, (-1, self.TANGLED, size, size, 1))
        wanted = keras.random.uniform((count, 1), 0.0, self.TANGLED - 1.0, seed=self.generator) + 1  # above 1: two
        kept = ops.cast(ops.arange(self.TANGLED, dtype="float32")[None] < wanted, images.dtype)
        return ops.max(thrown * kept[:, :, None, None, None], axis=1)

    def _textures(self, images, count):
        """Noise of a random grain, from single specks to large blots, of a random density; some of it empty paper."""
        size = images.shape[1]
        fine = keras.random.normal((count, size, size, 1), seed=self.generator)
        coarse = keras.random.normal((count, size // 4, size // 4, 1), seed=self.generator)
        coarse = ops.image.resize(coarse, (size, size), interpolation="bicubic")
        grain, cut, steep = (keras.random.uniform((count, 1, 1, 1), low, high, seed=self.generator)
                             for low, high in ((0.0, 1.0), (-0.5, 2.5), (1.0, 8.0)))  # fmt: skip
        noise = grain * coarse + (1 - grain) * fine
        return ops.cast(255 * ops.sigmoid(steep * (noise - cut)), images.dtype)

"""How two networks are each other's adversaries: their losses, how one pass teaches both, and what it draws."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import layers, ops

from augmentation import Seeded

SLOPE_BEYOND = 1e-3  # of the hinge where it would be flat: what is flat carries nothing back to the generator
LEAST_SCORE = -40.0  # from here on down the generator is pushed no harder: exp(40) is as much as float32 multiplies
POWER_STEPS = 8  # of the iteration that finds how far a kernel stretches


class Adversity(NamedTuple):
    """A loss of adversaries, as functions of scores `(B,)`: high is what the discriminator takes for real."""

    of_real: Callable[[Any], Any]  # the discriminator's, of real pictures
    of_generated: Callable[[Any], Any]  # the discriminator's, of generated ones; its slope is never zero
    of_generator: Callable[[Any], Any]
    ratio: Callable[[Any], Any]  # slope of `of_generator` over slope of `of_generated`


LOSSES = {
    "logistic": Adversity(
        of_real=lambda score: ops.softplus(-score),
        of_generated=ops.softplus,
        of_generator=lambda score: ops.softplus(-score),
        ratio=lambda score: -ops.exp(-ops.maximum(score, LEAST_SCORE)),
    ),
    "hinge": Adversity(
        of_real=lambda score: ops.relu(1 - score),
        of_generated=lambda score: ops.leaky_relu(1 + score, SLOPE_BEYOND),
        of_generator=lambda score: -score,
        ratio=lambda score: -1 / ops.where(score > -1, 1.0, SLOPE_BEYOND),
    ),
}


@ops.custom_gradient
def _turning(pixels, zeros):
    """Pixels `(B, P)` and zeros `(B, 2)`; what flows back is multiplied by the second zero's gradient over the first's.

    So whoever adds both zeros to a loss, the second times a ratio, has this ratio applied picture by picture, whatever
    else the loss is scaled by: batch size, devices or the loss scale of half precision.
    """

    def gradient(*given):
        of_pixels, of_zeros = given if len(given) == 2 else given[0]  # JAX hands over both as one
        return of_pixels * (of_zeros[:, 1:] / of_zeros[:, :1]), of_zeros

    return (pixels, zeros), gradient


class Turning(layers.Layer):
    """Lets one pass through the discriminator, and one back, teach both networks.

    Forwards nothing changes. Backwards the discriminator hands on how its own loss falls with the pixels; the generator
    wants to know how its loss does. Both depend on a picture through its score alone, so that the one is the other
    times a number a picture, the ratio of their slopes: `Adversity.ratio`.

    Input: images `(B, S, S, 1)`. Output: the same, and `(B, 2)` zeros that the loss tells the ratio by.

    Reference: Shen et al. 2021, "Training Generative Adversarial Networks in One Stage" (arXiv:2103.00430).
    """

    def __init__(self, **kwargs):
        super().__init__(dtype="float32", autocast=False, **kwargs)

    def call(self, images):
        size = images.shape[1]
        pixels = ops.reshape(images, (-1, size * size))
        turned, zeros = _turning(pixels, ops.zeros((ops.shape(pixels)[0], 2), pixels.dtype))
        return ops.reshape(turned, (-1, size, size, 1)), zeros


class AtMostUnitStretch(keras.constraints.Constraint):
    """Scales a kernel back to a spectral norm of 1 where it is above, after every step.

    Reference: Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks" (arXiv:1802.05957).
    """

    def __call__(self, kernel):
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
        vector = ops.sum(matrix, axis=0)[:, None]  # any that is not orthogonal to what is stretched most
        for _ in range(POWER_STEPS):
            vector = ops.matmul(ops.transpose(matrix), ops.matmul(matrix, vector))
            vector = vector / (ops.norm(vector) + 1e-12)
        return kernel / ops.maximum(ops.norm(ops.matmul(matrix, vector)), 1.0)


class RandomNoise(Seeded):
    """Noise `(B, Z)` from N(0,1), as many as there are of the input.

    Args:
        size: Z. seed: Seed of the layer's generator.
    """

    def __init__(self, size: int, seed: int = 0, **kwargs):
        super().__init__(seed, **kwargs)
        self.size = size

    def call(self, labels):
        return keras.random.normal((ops.shape(labels)[0], self.size), seed=self.generator)


class OneIn(layers.Layer):
    """The first of every `every` of the input `(B, ...)`."""

    def __init__(self, every: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.every = every

    def call(self, values):
        return values[:: self.every]


class RandomStep(Seeded):
    """Pictures `(B, S, S, 1)` with noise of standard deviation `reach` added to their pixels."""

    def __init__(self, reach: float, seed: int = 0, **kwargs):
        super().__init__(seed, **kwargs)
        self.reach = reach

    def call(self, images):
        return images + keras.random.normal(ops.shape(images), stddev=self.reach, seed=self.generator)

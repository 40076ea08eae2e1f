"""Training pictures moved, turned, slanted and stretched on the device: one resampling for all of it."""

import math

import keras
from keras import ops

from config import AugmentConfig


@keras.saving.register_keras_serializable(package="scriptorium")
class RandomAffine(keras.layers.Layer):
    """Moves every picture of a batch by its own random affine map; the identity outside training.

    The four moves are one 3x3 matrix, so a picture is interpolated once, where a chain of Keras' own layers would blur
    it four times.

    Args:
        config: How far a picture may move.
        seed: Seed of the layer's generator; `train.py` sets its state anew at the start of each epoch.

    Input and output shape: `(B, S, S, C)`, float.
    """

    def __init__(self, config: AugmentConfig, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.config, self.seed = config, seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images, training: bool = False):
        if not training:
            return images
        size = images.shape[1]
        draws = keras.random.uniform((ops.shape(images)[0], 6), -1.0, 1.0, seed=self.generator)
        matrices = self._matrices(draws, (size - 1) / 2)
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

    def get_config(self):
        return {**super().get_config(), "config": vars(self.config), "seed": self.seed}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "config": AugmentConfig(**config["config"])})

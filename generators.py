"""Trained models that draw characters: one writes them in a style, the other invents them from noise.

>>> writer = Writer.open("cvae-digits")
>>> labels = np.array([3, 1, 4])
>>> images = writer.decode(writer.styles(np.zeros((3, writer.latent_size), np.float32), labels), labels)
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from runtime import TrainedModel, is_count, lacking
from shell import UserError

LIKELIHOODS = ("bernoulli", "continuous")  # how a writer's pictures are weighed: config.py tells of them


class Writer(TrainedModel):
    """A conditional variational autoencoder: it draws any character of its alphabet in any style.

    A style is a point of its latent space; where a prior was learned, noise from N(0,1) becomes a style of a character
    by it, and elsewhere noise and style are the same.
    """

    task = "write"
    parts = ("encoder.onnx", "decoder.onnx")

    @classmethod
    def _check_kind(cls, path: Path, card: dict) -> None:
        super()._check_kind(path, card)
        size = card.get("latent_size")
        if not is_count(size) or card.get("likelihood") not in LIKELIHOODS:
            raise lacking(path, f"a latent_size and a likelihood of {', '.join(LIKELIHOODS)}")

    @property
    def latent_size(self) -> int:
        """Length of a style."""
        return self.card["latent_size"]

    @property
    def has_prior(self) -> bool:
        """Whether a prior was learned."""
        return self.has_part("prior")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        vector = dict.fromkeys(("mean", "log_variance", "style", "noise"), (self.latent_size,))
        return {"image": (self.image_size, self.image_size, 1)} | vector

    def encode(self, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The styles that pictures may have been written in, as normal distributions.

        Args:
            images: uint8 `(N, S, S, 1)`, white ink on black. labels: int `(N,)`, which characters they show.

        Returns:
            Mean and log variance, float32 `(N, Z)`.
        """
        return self._run("encoder", ("mean", "log_variance"), image=images, label=labels)

    def decode(self, styles: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws characters, float32 `(N, S, S, 1)` in [0, 1], of styles float32 `(N, Z)` and labels int `(N,)`."""
        return self._run("decoder", ("image",), style=styles, label=labels)[0]

    def styles(self, noise: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Styles `(N, Z)` in which people write these characters, of noise `(N, Z)` from N(0,1)."""
        if not self.has_prior:
            return noise
        return self._run("prior", ("style",), noise=noise, label=labels)[0]

    def noise(self, styles: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turns `styles` around.

        Returns:
            Noise float32 `(N, Z)`, and how dense styles lie there, log p(style | label) in nats, float32 `(N,)`.
        """
        if not self.has_prior:
            return styles, -0.5 * (np.square(styles).sum(axis=1) + self.latent_size * np.log(2 * np.pi))
        return self._run("density", ("noise", "log_density"), style=styles, label=labels)

    def _run(self, part: str, wanted: Sequence[str], label: np.ndarray, **values: np.ndarray) -> list[np.ndarray]:
        return self.run_part(part, wanted, label=np.asarray(label, np.int32), **values)


class Generator(TrainedModel):
    """A generative adversarial network: it invents a picture from noise, of a character of its alphabet if it is told.

    A character is told by weights `(K,)` over the alphabet: 1 for it and 0 for all others, or a mixture. The noise is
    from N(0,1) and decides how it is drawn; the model itself stretches it where its card has `noise_widths`.
    """

    task = "invent"
    parts = ("generator.onnx",)

    @classmethod
    def _check_kind(cls, path: Path, card: dict) -> None:
        super()._check_kind(path, card)
        size = card.get("noise_size")
        if not is_count(size) or not isinstance(card.get("labelled"), bool):
            raise lacking(path, "a noise_size, and with labelled true or false")

    @property
    def noise_size(self) -> int:
        """Length of the noise."""
        return self.card["noise_size"]

    @property
    def labelled(self) -> bool:
        """Whether it is told the character; if not, label weights change nothing and may be left out."""
        return self.card["labelled"]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return super().shapes() | {"noise": (self.noise_size,), "label_weights": (len(self.alphabet),)}

    def label_weights(self, labels: np.ndarray) -> np.ndarray:
        """What tells one character a picture: float32 `(N, K)` of labels int `(N,)`."""
        return np.eye(len(self.alphabet), dtype=np.float32)[labels]

    def invent(self, noise: np.ndarray, label_weights: np.ndarray | None = None) -> np.ndarray:
        """Draws pictures float32 `(N, S, S, 1)` in [0, 1], of noise float32 `(N, Z)` and weights float32 `(N, K)`.

        Raises:
            UserError: It has to be told the character and is not, or the model is damaged.
        """
        return self.run_part("generator", ("image",), noise=noise, **self._told(label_weights))[0]

    def layers(self, noise: np.ndarray, label_weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """What every layer makes of the same inputs, by its name, in the order of drawing: float32 `(N, ...)`.

        Raises:
            UserError: The model comes without that part; or as of `invent`.
        """
        self._require_part("layers")
        names = sorted(tensor.name for tensor in self.session_of("layers").get_outputs())  # they begin with numbers
        outputs = self.run_part("layers", names, noise=noise, **self._told(label_weights))
        return dict(zip(names, outputs, strict=True))

    def score(self, images: np.ndarray, label_weights: np.ndarray | None = None) -> np.ndarray:
        """How real the discriminator takes pictures uint8 `(N, S, S, 1)` for: float32 `(N,)`, above 0 for real.

        Raises:
            UserError: The model comes without that part; or as of `invent`.
        """
        self._require_part("discriminator")
        return self.run_part("discriminator", ("score",), image=images, **self._told(label_weights))[0]

    def _told(self, label_weights: np.ndarray | None) -> dict[str, np.ndarray]:
        if not self.labelled:
            return {}
        if label_weights is None:
            raise UserError(f"model {self.card['name']!r}: expected the characters to draw, received none; name them, "
                            f"or choose a model that draws whichever it likes")  # fmt: skip
        return {"label_weights": label_weights}

    def _require_part(self, part: str) -> None:
        if not self.has_part(part):
            raise UserError(f"model {self.card['name']!r}: expected {part}.onnx, which its card does not name; retrain "
                            f"the model, or choose another")  # fmt: skip

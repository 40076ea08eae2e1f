"""A hand as a model knows it: the noise that its characters share, and how it is told from somebody's characters."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from checks import require
from generators import Writer
from restoration import arc
from runtime import is_number
from shell import UserError, naming, written_whole

FREEDOM = 0.5  # variance, of 1, by which the characters that one person writes differ in noise
POSTERIOR_DRAWS = 32  # of each picture's style, where a learned prior bends it
OUTLIER, ROUNDS = 2.0, 10  # median distances from the hand that a picture may have; reweighted least squares


@dataclass(frozen=True, eq=False)
class Style:
    """A hand: the noise that its characters are drawn from, of a model."""

    vector: np.ndarray
    """float32 `(Z,)`, what all characters share; of a hand drawn at random from N(0, 1) times the temperature."""
    model: str
    """Name of the model whose style it is."""
    fingerprint: str
    """SHA-256, in hex, of what the model draws with: it tells one trained anew from its namesake."""
    own: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Noise float32 `(Z,)` of single characters that are drawn from it instead: those that somebody wrote."""

    def __post_init__(self):
        for character, noise in self.own.items():
            require(noise.shape == self.vector.shape, f"the noise of {character!r} must be as long as `vector`",
                    vector=self.vector, own=noise)  # fmt: skip

    def noise(self, characters: Iterable[str]) -> np.ndarray:
        """What N characters are drawn from, float32 `(N, Z)`."""
        return np.stack([self.own.get(character, self.vector) for character in characters])

    def save(self, path: Path | str) -> None:
        """Writes it as JSON."""
        with written_whole(Path(path)) as draft:
            draft.write_text(json.dumps({"style": self.as_json()}, indent=1) + "\n", encoding="utf-8")

    def as_json(self) -> dict[str, Any]:
        """The same for JSON."""
        own = {character: noise.tolist() for character, noise in self.own.items()}
        return {"model": self.model, "fingerprint": self.fingerprint, "vector": self.vector.tolist(), "own": own}

    @classmethod
    def load(cls, path: Path | str) -> "Style":
        """Reads what `save` wrote.

        Raises:
            UserError: It is no such file, or a damaged one.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            content = None
        fields = content.get("style") if isinstance(content, dict) else None
        with naming(path):
            return cls.from_json(fields)

    @classmethod
    def from_json(cls, fields: Any) -> "Style":
        """Takes what `as_json` gave.

        Raises:
            UserError: It is something else.
        """
        if not (isinstance(fields, dict) and _is_style(fields)):
            raise UserError("expected a style in JSON, as it is saved, received something else or damaged; save it "
                            "anew")  # fmt: skip
        own = {character: np.array(noise, np.float32) for character, noise in fields.get("own", {}).items()}
        return cls(np.array(fields["vector"], np.float32), fields["model"], fields["fingerprint"], own)

    def mix(self, other: "Style", share: float) -> "Style":
        """A hand between two: `share` 0 is this one, 1 the other.

        The way leads along an arc: the plain average of two hands would be tamer than either. A character that only one
        of them wrote meets what the other would write.

        Raises:
            UserError: They are of different models, or the share does not lie in [0, 1].
        """
        if not 0 <= share <= 1:
            raise UserError(f"share: expected a number in [0, 1], received {share}; 0 is the first hand, 1 the second")
        other.check_model(self.model, self.fingerprint, len(self.vector))
        characters = "".join(dict.fromkeys([*self.own, *other.own]))
        ends = zip(self.noise(characters), other.noise(characters), strict=True) if characters else ()
        own = {character: _between(*pair, share) for character, pair in zip(characters, ends, strict=True)}
        return replace(self, vector=_between(self.vector, other.vector, share), own=own)

    def check_model(self, model: str, fingerprint: str, size: int) -> None:
        """Refuses to be used with another model than its own.

        Raises:
            UserError: It is another one, or one of the same name trained anew.
        """
        if (self.fingerprint, len(self.vector)) != (fingerprint, size):
            other = "an earlier one of that name" if self.model == model else repr(self.model)
            raise UserError(f"style: expected one of the model {model!r}, received one of {other}, whose styles mean "
                            f"something else; use that model or make the style anew")  # fmt: skip


def _is_style(fields: dict) -> bool:
    """Whether JSON holds what a style is made of."""
    vector, own = fields.get("vector"), fields.get("own", {})
    if not (_are_numbers(vector) and isinstance(own, dict)):
        return False
    named = all(isinstance(fields.get(name), str) for name in ("model", "fingerprint"))
    return named and all(
        len(character) == 1 and _are_numbers(noise) and len(noise) == len(vector) for character, noise in own.items()
    )


def _are_numbers(values: Any) -> bool:
    return isinstance(values, list) and bool(values) and all(is_number(value) for value in values)


def _between(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """A vector float32 `(Z,)` on the arc between two."""
    return arc(first, second, np.array([share]))[0]


# ------------------------------------------------------------------------------------- the hand behind characters


def noise_of(writer: Writer, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The noise that pictures were drawn from: means and variances `(N, Z)` of normal distributions.

    A learned prior bends the encoder's distribution; then they are taken of draws from it, the same for each picture,
    so that what one tells does not depend on which others there are.
    """
    mean, log_variance = writer.encode(images, labels)
    if not writer.has_prior:
        return mean, np.exp(log_variance)
    draws = np.random.default_rng(0).standard_normal((POSTERIOR_DRAWS, 1, mean.shape[1]), np.float32)
    styles = (mean + np.exp(0.5 * log_variance) * draws).reshape(-1, mean.shape[1])
    noise = writer.noise(styles, np.tile(labels, POSTERIOR_DRAWS))[0].reshape(POSTERIOR_DRAWS, *mean.shape)
    return noise.mean(axis=0), noise.var(axis=0, ddof=1)


def common_noise(means: np.ndarray, variances: np.ndarray, freedom: float = FREEDOM) -> np.ndarray:
    """The hand behind pictures of characters.

    The hand h explains all of them: picture i has the noise sqrt(1 - f) h + sqrt(f) e_i, with h and e_i from N(0, 1)
    and f the freedom. The result is the mean of h given all pictures: a product of normal distributions, weighted by
    their precisions, the prior counted once. A picture that lies far from the hand of the others, being misread or
    mislabelled, weighs less.

    Args:
        means, variances: `(N, Z)`, the posterior of each picture's noise under the prior N(0, 1).
        freedom: Variance of what is a character's own, in [0, 1); 0 for pictures of one and the same character.

    Returns:
        float64 `(Z,)`.
    """
    variances = np.clip(variances.astype(float), 1e-6, 0.95)  # a coordinate that tells nothing shall weigh nothing
    evidence = 1 / variances - 1  # precision of what the picture tells by itself, the prior taken out
    said = means / variances / evidence  # and its mean
    known = 1 / (freedom + 1 / evidence)  # precision of what it tells about sqrt(1 - f) h
    hand, weights = np.median(means, axis=0), np.ones(len(means))
    for _ in range(ROUNDS if len(means) > 2 else 1):
        distance = (known * np.square(said - (1 - freedom) ** 0.5 * hand)).sum(axis=1)
        if len(means) > 2:
            weights = np.minimum(1, (OUTLIER * np.median(distance) / np.maximum(distance, 1e-12)) ** 2)
        precision = 1 + (1 - freedom) * (weights[:, None] * known).sum(axis=0)
        hand = (1 - freedom) ** 0.5 * (weights[:, None] * known * said).sum(axis=0) / precision
    return hand

"""A trained model as its user holds it: the card and ONNX sessions. NumPy and onnxruntime only.

>>> translator = Translator.open("translator-digits")
>>> glyphs, probabilities = translator.translate(images, font="DejaVu Serif")
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from shell import UserError, did_you_mean

CARD = "card.json"
MODELS_DIR = Path(__file__).resolve().parent / "modelh5"
BATCH = 1024  # pictures a call: bounds the memory, whatever is asked
RULED_OUT = np.float32(-1e9)  # log prior of a character that may not be read


@dataclass(frozen=True)
class TrainedModel:
    """A folder of `modelh5/`, its files checked against the hashes on its card."""

    folder: Path
    card: dict

    @classmethod
    def open(cls, name: str, models_dir: Path = MODELS_DIR) -> "TrainedModel":
        """Opens a trained model by name.

        Raises:
            UserError: There is none of that name, or a file of it is missing or damaged.
        """
        folder = models_dir / name
        if name not in list_models(models_dir):
            known = ", ".join(list_models(models_dir)) or "none"
            hint = did_you_mean(name, list_models(models_dir))
            raise UserError(f"model {name!r}: not found in {models_dir}{hint}; there is: {known}")
        card = read_card(folder / CARD)
        for file, sha256 in card["files"].items():
            check_file(folder / file, sha256)
        return cls(folder, card)

    @property
    def alphabet(self) -> str:
        """Characters in label order."""
        return self.card["alphabet"]

    def log_prior(self, allowed: str | None) -> np.ndarray:
        """float32 `(1, K)`: 0 for a character that may be read, a large negative number for the others.

        Raises:
            UserError: `allowed` is empty, or has a character the model does not know.
        """
        if allowed is None:
            return np.zeros((1, len(self.alphabet)), np.float32)
        if not allowed:
            raise UserError("alphabet: expected at least one character, received none; leave it out to allow all")
        unknown = "".join(sorted(set(allowed) - set(self.alphabet)))
        if unknown:
            raise UserError(f"model {self.card['name']!r} does not know {unknown!r}; expected characters of "
                            f"{self.alphabet!r}; choose another --model or --alphabet")  # fmt: skip
        return np.where([character in allowed for character in self.alphabet], np.float32(0), RULED_OUT)[None]


class Translator(TrainedModel):
    """The font translator."""

    @cached_property
    def session(self):
        return open_session(self.folder / "translator.onnx")

    def font_number(self, font: str) -> int:
        """The number the model knows a font by.

        Raises:
            UserError: The model was not trained on that font.
        """
        fonts = self.card["fonts"]
        by_name = {name.casefold(): number for number, name in enumerate(fonts)}
        if font.casefold() not in by_name:
            raise UserError(f"font {font!r}: {self.card['name']} cannot set it{did_you_mean(font, fonts)}; "
                            f"it sets {', '.join(fonts)}")  # fmt: skip
        return by_name[font.casefold()]

    def translate(self, images: np.ndarray, font: str, allowed: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Reads characters and sets them in a font.

        Args:
            images: uint8 `(N, 28, 28, 1)`, white ink on black, as `to_glyph` makes them.
            font: One of the card's fonts.
            allowed: Characters that may be read; by default all of the alphabet.

        Returns:
            Glyphs float32 `(N, 28, 28, 1)` in [0, 1], and probabilities float32 `(N, K)` over the alphabet.
        """
        prior, number = self.log_prior(allowed), self.font_number(font)
        glyphs, logits = [], []
        for start in range(0, len(images), BATCH):
            batch = images[start : start + BATCH]
            inputs = {"image": batch, "font": np.full(len(batch), number, np.int32), "log_prior": prior}
            for results, values in zip((glyphs, logits), self.session.run(["glyph", "logits"], inputs), strict=True):
                results.append(values)
        return np.concatenate(glyphs), softmax(np.concatenate(logits) + prior)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities `(N, K)` of logits `(N, K)`."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def list_models(models_dir: Path = MODELS_DIR) -> list[str]:
    """Names of the trained models in a folder."""
    return sorted(card.parent.name for card in models_dir.glob(f"[!.]*/{CARD}"))


def read_card(path: Path) -> dict:
    """Reads a model card.

    Raises:
        UserError: It is no JSON, or lacks what a model cannot be used without.
    """
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(
            f"{path}: expected a model card in JSON, received something damaged; restore the folder"
        ) from error
    missing = {"name", "task", "alphabet", "files"} - set(card if isinstance(card, dict) else ())
    if missing:
        raise UserError(
            f"{path}: expected a model card with {', '.join(sorted(missing))}; restore or retrain the model"
        )
    return card


def check_file(path: Path, sha256: str) -> None:
    """Refuses a file that is not the one the card was written for."""
    if not path.is_file():
        raise UserError(f"{path}: missing, though the model card names it; restore or retrain the model")
    received = file_sha256(path)
    if received != sha256:
        raise UserError(f"{path}: damaged or replaced: expected sha256 {sha256[:12]}..., received {received[:12]}...; "
                        f"restore or retrain the model")  # fmt: skip


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_session(path: Path):
    """An onnxruntime session of a file, on the GPU where this installation of onnxruntime has one."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    wanted = ["CUDAExecutionProvider", "CoreMLExecutionProvider", "CPUExecutionProvider"]
    usable = set(onnxruntime.get_available_providers())
    return onnxruntime.InferenceSession(path, options, providers=[name for name in wanted if name in usable])

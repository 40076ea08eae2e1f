"""A trained model as its user holds it: the card and ONNX sessions. NumPy and onnxruntime only.

>>> translator = Translator.open("translator-digits")
>>> glyphs, probabilities = translator.translate(images, font="DejaVu Serif")
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from shell import UserError, did_you_mean

CARD = "card.json"
CARD_FIELDS = {
    "name": str,
    "task": str,
    "alphabet": str,
    "image_size": int,
    "files": dict,
}  # what no model can be used without
FIGURE = re.compile(r'\{\s+("value":[^{}]*?)\s+\}')  # as JSON spreads one over many lines
MODELS_DIR = Path(__file__).resolve().parent / "modelh5"  # the shipped models
BATCH = 1024  # pictures a call: bounds the memory, whatever is asked
LIKELIHOODS = ("bernoulli", "continuous")  # how a writer's pictures are weighed: config.py tells of them
RULED_OUT = np.float32(-1e9)  # log prior of a character that may not be read


@dataclass(frozen=True)
class TrainedModel:
    """A folder of `modelh5/`, its files checked against the hashes on its card."""

    folder: Path
    card: dict

    task: ClassVar[str | None] = None  # the one task that a kind of model is for
    parts: ClassVar[tuple[str, ...]] = ()  # files that it runs
    names: ClassVar[tuple[str, ...]] = ()  # fields of the card that it needs: lists of names

    @classmethod
    def open(cls, name: str, models_dir: Path | None = None) -> "TrainedModel":
        """Opens a trained model by name.

        Args:
            name: Of its folder.
            models_dir: Where that lies; by default `modelh5` in the working folder or, failing that, the shipped one.

        Raises:
            UserError: There is none of that name, it is of another kind, or a file of it is missing or damaged.
        """
        models = find_models(models_dir)
        if name not in models:
            places = " or ".join(map(str, model_places(models_dir)))
            known = ", ".join(sorted(models)) or "none"
            raise UserError(f"model {name!r}: not found in {places}{did_you_mean(name, models)}; there is: {known}")
        card = read_card(models[name] / CARD)
        cls._check_kind(models[name] / CARD, card)
        for file, sha256 in card["files"].items():
            check_file(models[name] / file, sha256)
        return cls(models[name], card)

    @classmethod
    def _check_kind(cls, path: Path, card: dict) -> None:
        """Refuses the card of another kind of model, or one that lacks what this kind needs."""
        if cls.task not in (None, card["task"]):
            raise UserError(f"{path}: expected a model of the task {cls.task!r}, received one of {card['task']!r}; "
                            f"choose another --model")  # fmt: skip
        missing = [part for part in cls.parts if part not in card["files"]]
        missing += [field for field in cls.names if not is_list_of_names(card.get(field))]
        if missing:
            raise UserError(f"{path}: expected a model card with {', '.join(missing)}, received none or others; "
                            f"restore or retrain the model")  # fmt: skip

    @property
    def alphabet(self) -> str:
        """Characters in label order."""
        return self.card["alphabet"]

    @property
    def image_size(self) -> int:
        """Side of the pictures it takes, in pixels."""
        return self.card["image_size"]

    @property
    def session(self):
        """The first of its parts, ready to run."""
        return self.session_of(self.parts[0].removesuffix(".onnx"))

    def session_of(self, part: str):
        """A part, by its file's name without the suffix, ready to run; opened when first asked for.

        Raises:
            UserError: It does not take or give what the card says.
        """
        if part not in self._opened:
            session = open_session(self.folder / f"{part}.onnx")
            self._check_sizes(part, session)
            self._opened[part] = session
        return self._opened[part]

    @cached_property
    def _opened(self) -> dict[str, Any]:
        return {}

    def has_part(self, part: str) -> bool:
        """Whether the model comes with a part."""
        return f"{part}.onnx" in self.card["files"]

    def _check_sizes(self, name: str, session) -> None:
        tensors = {tensor.name: tensor.shape[1:] for tensor in (*session.get_inputs(), *session.get_outputs())}
        for tensor, shape in self.shapes().items():
            if tensor in tensors and tuple(tensors[tensor]) != shape:
                raise UserError(f"{self.folder / name}.onnx: expected {tensor} of shape {shape}, as the card says, "
                                f"received {tuple(tensors[tensor])}; restore or retrain the model")  # fmt: skip

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """What the card says of the networks' inputs and outputs: shapes without the first axis, by name."""
        return {"image": (self.image_size, self.image_size, 1), "logits": (len(self.alphabet),)}

    def refuse_nan(self, *outputs: np.ndarray) -> None:
        """Refuses outputs of a damaged model, which hold NaN or infinity."""
        if not all(np.isfinite(output).all() for output in outputs):
            raise UserError(f"model {self.card['name']!r}: expected numbers, received NaN or infinity; it is damaged: "
                            f"restore or retrain it")  # fmt: skip

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

    def run_part(self, part: str, wanted: Sequence[str], **values: np.ndarray) -> list[np.ndarray]:
        """Runs a part on inputs `(N, ...)`, by name, and gives the outputs wanted, `(N, ...)`, in their order.

        Raises:
            UserError: The model is damaged: it answers with something that is no number.
        """
        session, count = self.session_of(part), len(next(iter(values.values())))
        known = {tensor.name for tensor in session.get_inputs()}  # an export drops an input that changes nothing
        taken = {name: value for name, value in values.items() if name in known}
        batches = [{name: value[start : start + BATCH] for name, value in taken.items()}
                   for start in range(0, max(count, 1), BATCH)]  # fmt: skip
        results = [session.run(list(wanted), batch) for batch in batches]
        outputs = [np.concatenate(parts) for parts in zip(*results, strict=True)]
        self.refuse_nan(*outputs)
        return outputs


class Translator(TrainedModel):
    """The font translator."""

    task = "translate"
    parts = ("translator.onnx",)
    names = ("fonts",)

    def font_number(self, font: str | None) -> int:
        """The number the model knows a font by; None stands for the first.

        Raises:
            UserError: The model was not trained on that font.
        """
        fonts = self.card["fonts"]
        if font is None:
            return 0
        by_name = {name.casefold(): number for number, name in enumerate(fonts)}
        if font.casefold() not in by_name:
            raise UserError(f"font {font!r}: {self.card['name']} cannot set it{did_you_mean(font, fonts)}; "
                            f"it sets {', '.join(fonts)}")  # fmt: skip
        return by_name[font.casefold()]

    def translate(
        self, images: np.ndarray, font: str | None = None, allowed: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Reads characters and sets them in a font.

        Args:
            images: uint8 `(N, 28, 28, 1)`, white ink on black, as `to_glyph` makes them.
            font: One of the card's fonts; by default the first.
            allowed: Characters that may be read; by default all of the alphabet.

        Returns:
            Glyphs float32 `(N, 28, 28, 1)` in [0, 1], and probabilities float32 `(N, K)` over the alphabet.

        Raises:
            UserError: The model is damaged: it answers with something that is no number.
        """
        prior, number = self.log_prior(allowed), self.font_number(font)
        glyphs, logits = [], []
        for start in range(0, max(len(images), 1), BATCH):
            batch = images[start : start + BATCH]
            inputs = {"image": batch, "font": np.full(len(batch), number, np.int32), "log_prior": prior}
            for results, values in zip((glyphs, logits), self.session.run(["glyph", "logits"], inputs), strict=True):
                results.append(values)
        drawn, read = np.concatenate(glyphs), np.concatenate(logits)
        self.refuse_nan(drawn, read)
        return drawn, softmax(read + prior)


@dataclass(frozen=True)
class Reading:
    """What a reader makes of N pictures."""

    probabilities: np.ndarray
    """float32 (N, K) over the alphabet, given that it is a character; calibrated."""
    evidence: np.ndarray
    """float32 (N,), log odds that it is a character at all."""
    is_character: np.ndarray
    """bool (N,), by the rule on the card; never for a picture without ink."""
    features: np.ndarray
    """float32 (N, F)."""


class Recogniser(TrainedModel):
    """A reader of characters: the recogniser, or the judge."""

    task = "recognise"
    parts = ("recogniser.onnx",)

    @classmethod
    def _check_kind(cls, path: Path, card: dict) -> None:
        super()._check_kind(path, card)
        rule = card.get("no_character")
        least = rule.get("least_evidence") if isinstance(rule, dict) else None
        if not (is_number(card.get("temperature")) and 0.01 <= card["temperature"] <= 100 and is_number(least)):
            raise UserError(f"{path}: expected a model card with a temperature and no_character.least_evidence, "
                            f"received none or others; restore or retrain the model")  # fmt: skip

    def recognise(self, images: np.ndarray, allowed: str | None = None) -> Reading:
        """Reads characters.

        Args:
            images: uint8 `(N, 28, 28, 1)`, white ink on black, as `to_glyph` makes them.
            allowed: Characters that may be read, for a caller who knows what to expect; the probabilities are those
                over these alone. Whether it is a character at all is judged over the whole alphabet.

        Raises:
            UserError: The model is damaged: it answers with something that is no number.
        """
        prior = self.log_prior(allowed)
        logits, features = self.run_part("recogniser", ("logits", "features"), image=images)
        found = evidence(logits)
        has_ink = images.max(axis=(1, 2, 3)) > 0
        is_character = has_ink & (found >= self.card["no_character"]["least_evidence"])
        return Reading(softmax(logits / self.card["temperature"] + prior), found, is_character, features)


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
            raise UserError(f"{path}: expected a model card with a latent_size and a likelihood of "
                            f"{', '.join(LIKELIHOODS)}, received none or others; restore or retrain the "
                            f"model")  # fmt: skip

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
    from N(0,1) and decides how it is drawn.
    """

    task = "invent"
    parts = ("generator.onnx",)

    @classmethod
    def _check_kind(cls, path: Path, card: dict) -> None:
        super()._check_kind(path, card)
        size = card.get("noise_size")
        if not is_count(size) or not isinstance(card.get("labelled"), bool):
            raise UserError(f"{path}: expected a model card with a noise_size, and with labelled true or false, "
                            f"received none or others; restore or retrain the model")  # fmt: skip

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


def evidence(logits: np.ndarray) -> np.ndarray:
    """Log odds `(N,)` that a picture shows a character at all: logsumexp of a reader's logits `(N, K)`."""
    top = logits.max(axis=1)
    return top + np.log(np.exp(logits - top[:, None]).sum(axis=1))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities `(N, K)` of logits `(N, K)`."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def model_places(models_dir: Path | None = None) -> list[Path]:
    """Where models are looked for: in the folder given or, by default, where training puts them, then where we did."""
    return [Path(MODELS_DIR.name), MODELS_DIR] if models_dir is None else [models_dir]


def find_models(models_dir: Path | None = None) -> dict[str, Path]:
    """Folders of the trained models, by name."""
    later_places_first = reversed(model_places(models_dir))  # so that the earlier have the last word
    return {card.parent.name: card.parent for place in later_places_first for card in place.glob(f"[!.]*/{CARD}")}


def list_models(models_dir: Path | None = None) -> list[str]:
    """Names of the trained models."""
    return sorted(find_models(models_dir))


def read_card(path: Path) -> dict:
    """Reads a model card.

    Raises:
        UserError: It is no JSON, or lacks what a model cannot be used without, or has something else in its place.
    """
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{path}: expected a model card in JSON, received something damaged; restore the folder"
        ) from error
    fields = card if isinstance(card, dict) else {}
    missing = [field for field, kind in CARD_FIELDS.items() if not isinstance(fields.get(field), kind)]
    if not missing and not all(isinstance(sha256, str) for sha256 in fields["files"].values()):
        missing = ["the sha256 of every file"]
    if missing:
        raise UserError(f"{path}: expected a model card with {', '.join(missing)}, received none or others; "
                        f"restore or retrain the model")  # fmt: skip
    return card


def card_text(card: dict) -> str:
    """What `read_card` reads: JSON for the eye, a measured figure a line."""
    text = json.dumps(card, indent=1, ensure_ascii=False)
    return FIGURE.sub(lambda figure: f"{{{' '.join(figure[1].split())}}}", text) + "\n"


def is_list_of_names(value: object) -> bool:
    """Whether it is a list of strings, of one at least."""
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)


def is_number(value: object) -> bool:
    """Whether it is a number to reckon with: finite, as a float, too, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e30


def is_count(value: object) -> bool:
    """Whether it is a whole number of one or more."""
    return is_number(value) and value == int(value) >= 1


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
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the cores to others
    wanted = ["CUDAExecutionProvider", "CoreMLExecutionProvider", "CPUExecutionProvider"]
    usable = set(onnxruntime.get_available_providers())
    return onnxruntime.InferenceSession(path, options, providers=[name for name in wanted if name in usable])

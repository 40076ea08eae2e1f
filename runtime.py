"""A trained folder as its user opens it: the card and ONNX sessions. NumPy and onnxruntime only.

What kinds of models can be asked is in `readers.py` and `generators.py`.
"""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from config import IMAGE_SIZES, in_words
from shell import UserError, did_you_mean, named, spelt_out

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
BATCH = 256  # pictures a call: ONNX Runtime keeps what the largest took, and more at a time are no faster
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
            UserError: There is none of that name, and where it is a preset's the error tells how to train it; or it is
                of another kind, or a file of it is missing or damaged.
        """
        return cls.of_folder(find_model(name, models_dir))

    @classmethod
    def of_folder(cls, folder: Path) -> "TrainedModel":
        """Opens the trained model that lies in a folder.

        Raises:
            UserError: It is of another kind, or a file of it is missing or damaged.
        """
        card = read_card(folder / CARD)
        cls._check_kind(folder / CARD, card)
        for file, sha256 in card["files"].items():
            check_file(folder / file, sha256)
        return cls(folder, card)

    @classmethod
    def _check_kind(cls, path: Path, card: dict) -> None:
        """Refuses the card of another kind of model, or one that lacks what this kind needs."""
        if cls.task not in (None, card["task"]):
            raise UserError(f"{path}: expected a model of the task {cls.task!r}, received one of {card['task']!r}; "
                            f"choose another --model")  # fmt: skip
        missing = [part for part in cls.parts if part not in card["files"]]
        missing += [field for field in cls.names if not is_list_of_names(card.get(field))]
        if missing:
            raise lacking(path, ", ".join(missing))

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
        unknown = "".join(dict.fromkeys(character for character in allowed if character not in self.alphabet))
        if unknown:
            raise UserError(f"model {self.card['name']!r} does not know {named(unknown)}; expected characters of "
                            f"{in_words(self.alphabet)}; choose another --model or --alphabet")  # fmt: skip
        return np.where([character in allowed for character in self.alphabet], np.float32(0), RULED_OUT)[None]

    def run_part(self, part: str, wanted: Sequence[str], **values: np.ndarray) -> list[np.ndarray]:
        """Runs a part on inputs `(N, ...)`, by name, and gives the outputs wanted, `(N, ...)`, in their order.

        Args:
            part: Its file's name without the suffix. wanted: Names of outputs.
            values: The inputs, of which one `(1, ...)` is the same for all N, but the first.

        Raises:
            UserError: The model is damaged: it answers with something that is no number.
        """
        session, count = self.session_of(part), len(next(iter(values.values())))
        tensors = (*session.get_inputs(), *session.get_overridable_initializers())  # those are inputs with a default
        known = {tensor.name for tensor in tensors}  # an export drops an input that changes nothing
        taken = {name: _not_empty(value) for name, value in values.items() if name in known}
        batches = [{name: value if len(value) == 1 else value[start : start + BATCH] for name, value in taken.items()}
                   for start in range(0, max(count, 1), BATCH)]  # fmt: skip
        results = [session.run(list(wanted), batch) for batch in batches]
        outputs = [np.concatenate(parts)[:count] for parts in zip(*results, strict=True)]
        self.refuse_nan(*outputs)
        return outputs


def _not_empty(batch: np.ndarray) -> np.ndarray:
    """A batch, or one row of zeros in place of none: on some processors onnxruntime takes no empty ones."""
    return batch if len(batch) else np.zeros((1, *batch.shape[1:]), batch.dtype)


def model_places(models_dir: Path | None = None) -> list[Path]:
    """Where models are looked for: in the folder given or, by default, where training puts them, then where we did."""
    return [Path(MODELS_DIR.name), MODELS_DIR] if models_dir is None else [models_dir]


def find_models(models_dir: Path | None = None) -> dict[str, Path]:
    """Folders of the trained models, by name."""
    later_places_first = reversed(model_places(models_dir))  # so that the earlier have the last word
    return {card.parent.name: card.parent for place in later_places_first for card in place.glob(f"[!.]*/{CARD}")}


def find_model(name: str, models_dir: Path | None = None) -> Path:
    """The folder of a trained model.

    Raises:
        UserError: There is none of that name; where it is a preset's, the error tells how to train it.
    """
    models = find_models(models_dir)
    if name in models:
        return models[name]
    from presets import PRESETS  # loaded here: whoever finds the model has no need of them

    places = " or ".join(map(str, model_places(models_dir)))
    known = ", ".join(sorted(models)) or "none"
    advice = f"; train it: python train.py {name}" if name in PRESETS else ""
    raise UserError(f"model {name!r}: not found in {places}{did_you_mean(name, models)}; there is: {known}{advice}")


def place_of(name: str, models_dir: Path | None = None) -> Path | None:
    """Where to open a model that another one needs: the folder given if it is there, else None, the usual places."""
    return models_dir if name in find_models(models_dir) else None


def card_of(name: str | None, models_dir: Path | None = None) -> dict | None:
    """The card of a trained model; None where there is none of that name.

    Raises:
        UserError: The card is damaged.
    """
    folder = find_models(models_dir).get(name) if name else None
    return read_card(folder / CARD) if folder else None


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
    if not missing and len(set(fields["alphabet"])) < len(fields["alphabet"]):
        missing = ["an alphabet of different characters"]
    if not missing and fields["image_size"] not in IMAGE_SIZES:
        missing = [f"an image_size of {IMAGE_SIZES[0]} to {IMAGE_SIZES[-1]} pixels"]
    if missing:
        raise lacking(path, ", ".join(missing))
    return card


def told_by(card: dict, field: str) -> dict:
    """What a card tells under a field that it may do without, by name; nothing where that is missing or damaged."""
    value = card.get(field)
    return value if isinstance(value, dict) else {}


def lacking(path: Path, what: str) -> UserError:
    """The error of a card without what such a model cannot be used without, or with something else in its place."""
    return UserError(f"{path}: expected a model card with {what}, received none or others; restore or retrain the "
                     f"model")  # fmt: skip


def card_text(card: dict) -> str:
    """What `read_card` reads: JSON for the eye, a measured figure a line."""
    text = spelt_out(json.dumps(card, indent=1, ensure_ascii=False))  # as JSON, too, spells it
    return FIGURE.sub(lambda figure: f"{{{' '.join(figure[1].split())}}}", text) + "\n"


def is_list_of_names(value: object) -> bool:
    """Whether it is a list of strings, of one at least."""
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)


def is_number(value: object) -> bool:
    """Whether it is a number to reckon with: finite, as a float, too, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e30


def is_count(value: object) -> bool:
    """Whether it is a whole number of one or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


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
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # since 1.29 it tells its makers of every model and machine
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the cores to others
    wanted = ["CUDAExecutionProvider", "CoreMLExecutionProvider", "CPUExecutionProvider"]
    usable = set(onnxruntime.get_available_providers())
    return onnxruntime.InferenceSession(path, options, providers=[name for name in wanted if name in usable])

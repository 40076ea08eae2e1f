"""The models and data sets of the web server: each opened once, when it is first asked for, and shared by threads."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from activations import Activations
from config import ASCII, DIGITS
from data_files import data_directory, idx_names, locate
from glyph_sources import SAMPLED_SETS, TEMPERATURE, GlyphSource, RealGlyphs
from handwriting import HandwritingGenerator
from inference_tasks import default_model
from presets import PRESETS
from readers import Recogniser, Translator
from report import Measure
from runtime import CARD, TrainedModel, find_models, is_number, read_card, told_by
from shell import UserError, did_you_mean
from source_choice import SOURCES, USUAL_MODELS, glyphs_of, source_of_card, usual_model
from trained import KINDS
from web_fields import SHOWN, Refusal

log = logging.getLogger("scriptorium")

LOOK_AGAIN = 2.0  # seconds after which the folder of the models is looked through again
IMAGES_DIR = Path(__file__).resolve().parent / "images"
SET_FILES = {"mnist": idx_names("train", "t10k"), "unipen94": ["unipen94.npz"]}
SET_ALPHABETS = {"mnist": DIGITS, "unipen94": ASCII}
SET_ADVICE = {"mnist": "fetch it: python data_processor.py mnist",
              "unipen94": "put unipen94.npz into the data directory"}  # fmt: skip
SUMMARIES = {
    "recognise": "reads handwritten characters",
    "translate": "sets handwritten characters in type",
    "write": "writes characters by hand in any style",
    "invent": "invents handwritten characters",
}

Model = TypeVar("Model", bound=TrainedModel)


class Found(NamedTuple):
    """A trained model, not opened yet."""

    folder: Path
    card: dict
    stamp: int
    """When its card was written, in nanoseconds: one trained anew is opened anew."""


class Shelf:
    """What the server can use.

    Args:
        models_dir: Folder of the trained models; by default `modelh5`.
        images_dir: Where the pictures of training and evaluation lie. data_dir: Where the data sets lie.
    """

    def __init__(self, models_dir: Path | None = None, images_dir: Path | None = None, data_dir: Path | None = None):
        self.models_dir, self.images_dir, self.data_dir = models_dir, images_dir or IMAGES_DIR, data_dir
        self._lock = threading.Lock()
        self._found: tuple[float, dict[str, Found]] = (-LOOK_AGAIN, {})
        self._opened: dict[Any, tuple[threading.Lock, list]] = {}

    def found(self) -> dict[str, Found]:
        """The models that can be opened, by name."""
        with self._lock:
            when, found = self._found
            if time.monotonic() - when >= LOOK_AGAIN:
                folders = sorted(find_models(self.models_dir).items())
                found = {name: it for name, folder in folders if (it := _look(folder, found.get(name)))}
                self._found = time.monotonic(), found
            return found

    def stamp(self) -> str:
        """What changes when any model does."""
        stamps = [(name, model.stamp) for name, model in self.found().items()]
        return hashlib.sha256(repr(stamps).encode()).hexdigest()[:16]

    def open(self, kind: type[Model], name: str) -> Model:
        """A model, all of its parts opened.

        Raises:
            Refusal: There is none of that name, it is of another kind, or damaged.
        """
        found = self.found()
        if name not in found:
            hint = did_you_mean(name, found)
            raise Refusal(400, f"model: expected one of {', '.join(found)}, received {name[:SHOWN]!r}{hint}; choose "
                               f"another")  # fmt: skip
        if kind.task not in (None, found[name].card["task"]):
            raise Refusal(422, f"model {name} does not {kind.task}; choose another model")
        return self._once((KINDS[found[name].card["task"]], name), lambda: _opened(found[name]), name)

    def activations(self, name: str) -> Activations:
        """The layers of a model, ready to be looked at."""
        return self._once((Activations, name), lambda: Activations(self.open(TrainedModel, name)), name)

    def _once(self, key: Any, make: Callable[[], Any], model: str | None = None) -> Any:
        """What `make` gives, made once, or anew where the model changed; whoever asks meanwhile waits for it."""
        found = self.found().get(model)
        stamp = found and found.stamp
        with self._lock:
            lock, kept = self._opened.setdefault(key, (threading.Lock(), [None, None]))
        with lock:
            if kept[0] is None or kept[1] != stamp:
                try:
                    kept[:] = [make(), stamp]
                except Refusal:
                    raise
                except (UserError, OSError) as error:  # the words name files, which are nobody's business
                    log.error("%s", error)
                    raise Refusal(422, f"{model or key[1]} is damaged or incomplete; restore or retrain it") from None
            return kept[0]

    def source(self, name: str, text: str, model: str | None = None) -> GlyphSource:
        """A source of characters.

        Args:
            name: One of `SOURCES`. text: What it shall write: of several models the one for it is taken.
            model: Name of a model of the source; None: the usual one.

        Raises:
            Refusal: It cannot be used here, or the model is for another source.
        """
        if name in SAMPLED_SETS:
            if reason := self.why_missing(name):
                raise Refusal(422, f"{reason}; or choose another source")
            if model:
                raise Refusal(400, f"model: expected none, since the source {name} is no model; leave it out")
            return self._once((SAMPLED_SETS, name), lambda: read_apart(name, self.data_dir))
        model = model or self.model_for(name, text)
        if model is None:
            raise Refusal(422, f"{self.why_missing(name)}; or choose another source")
        trained = self.open(TrainedModel, model)
        if source_of_card(trained.card) != name:
            raise Refusal(422, f"model {model}: expected one of the source {name}; choose another model or source")
        reader = default_model("recogniser", trained.alphabet)
        return glyphs_of(trained, lambda: self.open(Recogniser, reader), TEMPERATURE)

    def generator(self, name: str, text: str, seed: int, model: str | None = None) -> HandwritingGenerator:
        """What writes with a source."""
        return HandwritingGenerator(source=self.source(name, text, model), seed=seed)

    def model_for(self, source: str, text: str) -> str | None:
        """The model of a source that knows a text best among those that are there."""
        likely = dict.fromkeys([usual_model(source, text), USUAL_MODELS[source], usual_model(source, DIGITS)])
        return next((name for name in likely if name in self.found()), None)

    def why_missing(self, source: str) -> str | None:
        """Why a source cannot be used, and what to do; None: it can."""
        if source not in SAMPLED_SETS:
            missing = not self.model_for(source, "")
            usual = USUAL_MODELS[source]
            return f"{usual} is not trained yet; train it: python train.py {usual}" if missing else None
        folders = [data_directory(self.data_dir) / source, data_directory(self.data_dir)]
        missing = any(locate(file, folders) is None for file in SET_FILES[source])
        return f"the data set {source} is not here; {SET_ADVICE[source]}" if missing else None

    # ----------------------------------------------------------------------------------------- what is told of them

    def sources(self) -> list[dict]:
        """Every source, whether it can be used or why not, and what for."""
        return [self._source(name) for name in SOURCES]

    def _source(self, name: str) -> dict:
        reason, model = self.why_missing(name), None if name in SAMPLED_SETS else self.model_for(name, "")
        found = self.found().get(model)
        alphabet = found.card["alphabet"] if found else SET_ALPHABETS.get(name, "")
        return {"name": name, "usable": reason is None, "reason": reason, "alphabet": alphabet,
                "mixes": name == "cgan", "hands": name in ("cvae", "cgan"), "told": name != "gan"}  # fmt: skip

    def models(self) -> list[dict]:
        """Every model: what it does, how it was trained, how good it is."""
        return [self._told(name, found.card) for name, found in self.found().items()]

    def _told(self, name: str, card: dict) -> dict:
        seconds = card.get("seconds")
        said = PRESETS[name][0] if name in PRESETS else SUMMARIES[card["task"]]
        return {
            "name": name,
            "task": card["task"],
            "alphabet": card["alphabet"],
            "image_size": card["image_size"],
            "summary": f"{said[0].upper()}{said[1:]}.",
            "quality": quality(card),
            "pictures": [f"/models/{name}/{file}" for file in self.pictures(name)],
            "told": card.get("labelled", True),
            "fonts": card.get("fonts", []) if card["task"] == Translator.task else [],
            "trained": {"epochs": told_by(card, "epochs").get("trained"),
                        "seconds": seconds if is_number(seconds) else None, "date": card.get("date"),
                        "data": told_by(card, "data").get("name")},
        }  # fmt: skip

    def pictures(self, name: str) -> dict[str, Path]:
        """Files of a model's pictures by their names: how it learned, then what was measured."""
        if name not in self.found():
            return {}
        files = [
            self.images_dir / name / "training.gif",
            *sorted((self.images_dir / "evaluation" / name).glob("*.png")),
        ]
        return {file.name: file for file in files if file.is_file()}


def read_apart(name: str, data_dir: Path | None) -> RealGlyphs:
    """The characters of a data set, read in a process of its own: what it takes to draw the training part, some 80 MB
    of scikit-learn, goes when that ends."""
    from concurrent.futures import ProcessPoolExecutor  # loaded here: most servers read no data set
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(RealGlyphs, name, data_dir).result()


def _opened(found: Found) -> TrainedModel:
    """A model with every file open that is run often."""
    model = KINDS[found.card["task"]].of_folder(found.folder)
    for part in model.card["files"]:
        if part.endswith(".onnx") and part != "layers.onnx":  # which only a look inside runs
            model.session_of(part.removesuffix(".onnx"))
    return model


def _look(folder: Path, known: Found | None) -> Found | None:
    """A model in a folder; None where its card cannot be used."""
    try:
        stamp = (folder / CARD).stat().st_mtime_ns
        if known and (known.folder, known.stamp) == (folder, stamp):
            return known
        card = read_card(folder / CARD)
        return Found(folder, card, stamp) if card["task"] in KINDS else None
    except (UserError, OSError) as error:
        log.warning("%s", error)
        return None


def quality(card: dict) -> list[dict]:
    """The figures of a card as the page shows them, by section; none of a damaged one."""
    try:
        return [section(*item) for item in card.get("quality", {}).items()]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        log.warning("%s: %r", card["name"], error)
        return []


def section(name: str, measured: dict) -> dict:
    """A section of a card's quality as the page shows it, every figure as it is printed."""
    rows = []
    for figure, values in measured.get("measures", {}).items():
        known = dict.fromkeys(("low", "high")) | {key: values[key] for key in Measure._fields if key in values}
        row = Measure(**known).row(figure)
        rows.append({"figure": figure, "value": row.measured, "interval": row.interval or None,
                     "count": known["count"], "note": f"{row.refused} refused" if row.refused else ""})  # fmt: skip
    return {"section": name, "note": measured.get("note", ""), "rows": rows}

"""What a run reads, without Keras, and which model file its settings belong to, which is imported when needed."""

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from cleaning import without_misfits
from config import ClassifierRun, CVAERun, GANRun, RunConfig, TranslatorRun
from data_processor import load_joined
from pen_strokes import Strokes, load_strokes, sha256_of
from readers import Recogniser
from runtime import place_of
from shell import UserError

if TYPE_CHECKING:
    import keras

    from model_task import ModelTask


def load_inputs(run: RunConfig) -> dict[str, Any]:
    """Everything that a run reads, without Keras: so that a mistake shows at once, and not after its import.

    Raises:
        UserError: Data, strokes, fonts or the reader to clean by are missing, damaged or do not fit the alphabet; or
            writers shall be evened out, and none is known.
    """
    size = run.model.image_size
    data = load_joined(run.dataset, run.model.alphabet, run.data_dir, seed=run.seed, image_size=size)
    if run.evenness and data.writers is None:
        raise UserError(f"--evenness {run.evenness:g}: expected a data set whose writers are known, such as unipen94; "
                        f"received {', '.join(run.dataset)}; add one, or train with --evenness 0")  # fmt: skip
    if run.cleaned_by:
        reader = Recogniser.open(run.cleaned_by, place_of(run.cleaned_by, run.models_dir))
        data = without_misfits(data, reader, run.least_likely)
    inputs = {"data": data}
    if isinstance(run, CVAERun) and run.legible:
        inputs["reader"] = reader
    if run.redrawn:
        inputs["strokes"] = _strokes_of(run)
    if isinstance(run, TranslatorRun):
        from synthetic_image_generator import render_alphabet

        drawn = [render_alphabet(font, run.model.alphabet, size) for font in run.model.fonts]
        inputs["type_glyphs"] = np.stack(drawn)  # (F, K, S, S, 1)
    if isinstance(run, GANRun):
        from validation_samples import find_reader

        inputs["reader"] = find_reader(run.reader, run.model.alphabet, size, run.models_dir)
    return inputs


def _strokes_of(run: RunConfig) -> dict[int, Strokes]:
    """The pen strokes of the sets that have them, by the sets' number."""
    strokes = {number: load_strokes(name, run.data_dir) for number, name in enumerate(run.dataset)}
    strokes = {number: held for number, held in strokes.items() if held is not None}
    if not strokes:
        raise UserError(f"--redrawn {run.redrawn}: expected a data set whose pen strokes are known, such as unipen94; "
                        f"received {', '.join(run.dataset)}; add one, or train with --redrawn 0")  # fmt: skip
    return strokes


def identities(inputs: dict[str, Any]) -> dict[str, str]:
    """What was read, by hashes: what must stay the same for an interrupted run to go on."""
    data = inputs["data"]
    facts = {"data_sha256": data.sha256}
    if data.writers is not None:  # how often a picture is drawn may depend on them
        facts["writers_sha256"] = hashlib.sha256(np.ascontiguousarray(data.writers, "<i4")).hexdigest()
    if "strokes" in inputs:
        facts["strokes_sha256"] = sha256_of(inputs["strokes"])
    if "reader" in inputs:
        facts |= identity_of(inputs["reader"])
    return facts


def identity_of(reader: Recogniser | None) -> dict[str, str]:
    """What a reader's probabilities are a function of."""
    if reader is None:
        return {"reader_sha256": "none"}
    return {
        "reader_sha256": reader.card["files"]["recogniser.onnx"],
        "reader_temperature": str(reader.card["temperature"]),
    }


def make_task(run: RunConfig, **inputs: Any) -> "ModelTask":
    """The task that a run's model stands for, of what `load_inputs` read."""
    return task_of(run)(run, **inputs)


def build_model(run: RunConfig) -> "keras.Model":
    """The untrained model that a run's settings describe."""
    return task_of(run).untrained(run)


def task_of(run: RunConfig) -> "type[ModelTask]":
    """What the model file says of itself that the settings of a run belong to."""
    if isinstance(run, TranslatorRun):
        from encoder_model import TranslatorTask

        return TranslatorTask
    if isinstance(run, ClassifierRun):
        from classifier_model import ClassifierTask

        return ClassifierTask
    if isinstance(run, CVAERun):
        from cvae_model import CVAETask

        return CVAETask
    if isinstance(run, GANRun):
        from gan_model import GANTask

        return GANTask
    raise TypeError(f"no model file knows settings of this kind. Received: run={run!r}")

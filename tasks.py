"""What `train.py` needs to know of a model, and which model file the settings of a run belong to."""

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cleaning import without_misfits
from config import ClassifierRun, CVAERun, GANRun, RunConfig, TranslatorRun
from data_processor import GlyphDataset, load_joined
from runtime import Recogniser

if TYPE_CHECKING:
    import keras


class Task(Protocol):
    """What a model file offers beside its model."""

    run: RunConfig
    data: GlyphDataset

    def build(self) -> "keras.Model":
        """The untrained model. It has `parts()`, what a user runs by ONNX file name, and `index_limits`."""

    def training_batches(self) -> Any:
        """A `keras.utils.PyDataset` with `set_epoch(number)`: what an epoch holds is a function of (seed, number)."""

    def validation_batches(self) -> Any:
        """A `keras.utils.PyDataset` that is always the same, with `order`, its pictures' indices."""

    def draw(self, model: "keras.Model") -> dict[str, np.ndarray]:
        """Pictures of where the training stands, uint8 `(H, W)` or `(H, W, 3)`; `progress` goes into the GIF, too."""

    def finish(self, model: "keras.Model") -> None:
        """What is left to do to the best weights before they are handed over; a function of them alone."""

    def features(self, model: "keras.Model", images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """What the projector shows of images with these labels: float32 `(N, C)`."""

    # Optional: validate(model, epoch) -> dict[str, float], figures that join the validation's after every epoch, or
    # take the place of those of the same name, such as `loss`, by which the best epoch is chosen. And settle(model),
    # called before every validation with the averages of the weights, to make what is no weight fit them.

    def card(self, model: "keras.Model") -> dict:
        """What the model card says of this kind of model, and what it was told about itself on validation data."""


def load_inputs(run: RunConfig) -> dict[str, Any]:
    """Everything that a run reads, without Keras: so that a mistake shows at once, and not after its import.

    Raises:
        UserError: Data, fonts or the reader to clean by are missing, damaged or do not fit the alphabet.
    """
    size = run.model.image_size
    data = load_joined(run.dataset, run.model.alphabet, run.data_dir, seed=run.seed, image_size=size)
    if run.cleaned_by:
        data = without_misfits(data, Recogniser.open(run.cleaned_by), run.least_likely)
    inputs = {"data": data}
    if isinstance(run, TranslatorRun):
        from synthetic_image_generator import render_alphabet

        drawn = [render_alphabet(font, run.model.alphabet, size) for font in run.model.fonts]
        inputs["type_glyphs"] = np.stack(drawn)  # (F, K, S, S, 1)
    if isinstance(run, GANRun):
        from validation_samples import find_reader

        inputs["reader"] = find_reader(run.reader, run.model.alphabet, size)
    return inputs


def identities(inputs: dict[str, Any]) -> dict[str, str]:
    """What was read, by hashes: what must stay the same for an interrupted run to go on."""
    facts = {"data_sha256": inputs["data"].sha256}
    if "reader" in inputs:
        files = inputs["reader"].card["files"] if inputs["reader"] else {}
        facts["reader_sha256"] = files.get("recogniser.onnx", "none")
    return facts


def make_task(run: RunConfig, **inputs: Any) -> Task:
    """The task that a run's model stands for."""
    if isinstance(run, TranslatorRun):
        from encoder_model import TranslatorTask

        return TranslatorTask(run, **inputs)
    if isinstance(run, ClassifierRun):
        from classifier_model import ClassifierTask

        return ClassifierTask(run, **inputs)
    if isinstance(run, CVAERun):
        from cvae_model import CVAETask

        return CVAETask(run, **inputs)
    if isinstance(run, GANRun):
        from gan_model import GANTask

        return GANTask(run, **inputs)
    raise TypeError(f"no model file knows settings of this kind. Received: run={run!r}")


def build_model(run: RunConfig) -> "keras.Model":
    """The untrained model that a run's settings describe."""
    if isinstance(run, TranslatorRun):
        from encoder_model import build_translator

        return build_translator(run)
    if isinstance(run, ClassifierRun):
        from classifier_model import build_classifier

        return build_classifier(run)
    if isinstance(run, CVAERun):
        from cvae_model import build_cvae

        return build_cvae(run)
    if isinstance(run, GANRun):
        from gan_model import build_gan

        return build_gan(run)
    raise TypeError(f"no model file knows settings of this kind. Received: run={run!r}")

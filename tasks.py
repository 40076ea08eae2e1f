"""Which model file the settings of a run belong to."""

import keras

from config import RunConfig, TranslatorRun
from data_processor import GlyphDataset


def build_model(run: RunConfig) -> keras.Model:
    """The untrained model that a run's settings describe."""
    if isinstance(run, TranslatorRun):
        from encoder_model import build_translator

        return build_translator(run)
    raise TypeError(f"no model file knows settings of this kind. Received: run={run!r}")


def make_task(run: RunConfig, data: GlyphDataset):
    """What `train.py` needs to know of the model: how to build, feed, draw and describe it."""
    if isinstance(run, TranslatorRun):
        from encoder_model import TranslatorTask

        return TranslatorTask(run, data)
    raise TypeError(f"no model file knows settings of this kind. Received: run={run!r}")

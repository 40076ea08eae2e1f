"""The settings of a run as JSON holds them: beside its state, on the card of what it trained, and back again."""

import json
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import get_args, get_type_hints

from config import ClassifierRun, CVAERun, GANRun, RunConfig, TranslatorRun

PLACES = ("data_dir", "logs_dir", "images_dir", "models_dir")
"""Settings that say where things lie and not what they are: a run may move, and a model card leaves them out."""

RUNS: dict[str, type[RunConfig]] = {kind.__name__: kind for kind in (TranslatorRun, ClassifierRun, CVAERun, GANRun)}
"""Kinds of runs by the name their settings are stored under."""


def to_settings(run: RunConfig) -> dict:
    """Every setting of a run, defaults included, in types that JSON keeps; `from_settings` reads it back."""
    return {"kind": type(run).__name__, **json.loads(json.dumps(asdict(run), default=str))}


def from_settings(settings: dict) -> RunConfig:
    """The run that `to_settings` wrote down.

    Raises:
        ValueError: A setting is unknown, missing or out of its range.
    """
    settings = dict(settings)
    kind = settings.pop("kind", None)
    if kind not in RUNS:
        raise ValueError(f"`kind` must be one of {', '.join(RUNS)}. Received: kind={kind!r}")
    try:
        return _restored(RUNS[kind], settings)
    except (TypeError, AttributeError) as error:  # a name no dataclass has, a value of the wrong type
        raise ValueError(str(error)) from error


def _restored(kind: type, settings: dict):
    hints, values = get_type_hints(kind), {}
    for name, value in settings.items():
        hint = hints.get(name)
        if is_dataclass(hint):
            value = _restored(hint, value)
        elif isinstance(value, list):
            value = tuple(value)
        elif isinstance(value, str) and Path in (hint, *get_args(hint)):
            value = Path(value)
        values[name] = value
    return kind(**values)
